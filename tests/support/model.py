"""A store in a few lines of plain Python: what a real one must agree with, whatever is done to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers.job import MAX_RELEASES, JobState

QUEUED, RUNNING, SCHEDULED = JobState.QUEUED, JobState.RUNNING, JobState.SCHEDULED


@dataclass
class ModelJob:
    """One job, and every state it was in."""

    id: str
    number: int
    owner: str
    priority: int
    retries: int = 0  # how often it is tried again after a failure
    retried: int = 0  # in this round
    round: int = 1
    ends: dict[int, JobState] = field(default_factory=dict)  # how each attempt ended that left an outcome
    last: int = 0  # the attempt that left one and ended the job
    history: list[JobState] = field(default_factory=lambda: [QUEUED])
    attempt: int = 0
    returns: int = 0  # given back in a row without progress
    progressed: bool = False
    cancel_requested: bool = False

    @property
    def state(self) -> JobState:
        """The state it is in now."""
        return self.history[-1]

    @property
    def shown(self) -> int:
        """The attempt whose outcome is shown; 0: none."""
        return max((number for number, end in self.ends.items() if end is JobState.DONE), default=self.last)

    def owned_by(self, fence: int) -> bool:
        """Whether this attempt may write."""
        return self.state is RUNNING and fence == self.attempt


@dataclass
class Model:
    """All jobs, and whose turn it is."""

    jobs: dict[str, ModelJob] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)  # owner -> when last, counted in claims
    finished: set[tuple[str, int]] = field(default_factory=set)
    returned: set[tuple[str, int]] = field(default_factory=set)
    claims: int = 0

    def counts(self) -> dict[JobState, int]:
        """Count jobs by state."""
        states = [job.state for job in self.jobs.values()]
        return {state: states.count(state) for state in set(states)}

    def best(self) -> ModelJob | None:
        """Choose the job that must be handed out next."""
        queued = [job for job in self.jobs.values() if job.state is QUEUED]
        return min(queued, key=lambda j: (-j.priority, self.served.get(j.owner, 0), j.number), default=None)

    def claim(self) -> ModelJob | None:
        """Hand the best job out."""
        job = self.best()
        if job is not None:
            self.claims += 1
            self.served[job.owner] = self.claims
            job.attempt += 1
            job.progressed = False
            job.history.append(RUNNING)
        return job

    def claim_ahead(self, held: int) -> ModelJob | None:
        """Hand the best job out to a slot that holds so many already, if it may wait there."""
        job = self.best()
        ready = [
            other
            for other in self.jobs.values()
            if other.state is QUEUED and job and other.owner == job.owner
        ]
        return self.claim() if job and not job.attempt and len(ready) >= held else None

    def finish(self, job: ModelJob, state: JobState) -> None:
        """End a job."""
        if state is not JobState.DONE and job.cancel_requested:
            state = JobState.CANCELLED
        job.ends[job.attempt] = state
        if state is JobState.FAILED and job.retried < job.retries:
            job.retried += 1
            job.history.append(SCHEDULED)
        else:
            job.last = job.attempt
            job.history.append(state)
        self.finished.add((job.id, job.attempt))

    def retry(self, job: ModelJob, *, done: bool) -> None:
        """Run an ended job again, in a new round."""
        if job.state.is_final and (done or job.state is not JobState.DONE):
            job.history.append(QUEUED)
            job.round += 1
            job.retried = job.returns = job.last = 0
            job.cancel_requested = False

    def give_back(self, job: ModelJob) -> None:
        """Return a job to the queue, or end it."""
        job.returns = 1 if job.progressed else job.returns + 1
        if job.cancel_requested:
            job.history.append(JobState.CANCELLED)
        elif job.returns >= MAX_RELEASES:
            job.history.append(JobState.FAILED)
        else:
            job.history.append(QUEUED)
        self.returned.add((job.id, job.attempt))

    def fall_due(self, job: ModelJob) -> None:
        """Queue a scheduled job, whose time has come."""
        job.history.append(QUEUED)

    def cancel(self, job: ModelJob) -> None:
        """Cancel a waiting job, or ask for the end of a running one."""
        if job.state in {QUEUED, SCHEDULED}:
            job.history.append(JobState.CANCELLED)
        elif job.state is RUNNING:
            job.cancel_requested = True
