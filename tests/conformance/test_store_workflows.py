"""The store's contract: random workflows come out as a model of a few lines says, whatever is done."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claim, claimant, new_job, outcome, submit
from workers.job import MAX_LOSSES, MAX_RELEASES, Condition, JobState, Parent, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.vandal import Vandal
    from workers.job import Lease
    from workers.store.base import Store

HELD, BLOCKED, QUEUED, RUNNING = JobState.HELD, JobState.BLOCKED, JobState.QUEUED, JobState.RUNNING
DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED
STEPS = 250


@dataclass
class Told:
    """One job of the model."""

    parents: dict[str, Condition]
    priority: int
    state: JobState = QUEUED
    batch: str = ""
    cut: bool = False  # cancelled for a parent's sake
    stopped: bool = False  # cancelled because too many of its batch failed
    round: int = 1
    losses: int = 0
    releases: int = 0


@dataclass
class Workflow:
    """Jobs and their parents, in plain Python."""

    jobs: dict[str, Told] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)  # by batch, how many may fail

    def keeps_back(self, job: Told) -> bool:
        """Whether a parent has ended otherwise than it must."""
        return any(
            self.jobs[one].state.is_final and not how.is_met(self.jobs[one].state)
            for one, how in job.parents.items()
        )

    def is_awaited(self, job: Told) -> bool:
        """Whether a parent has yet to end."""
        return any(not self.jobs[one].state.is_final for one in job.parents)

    def is_bereft(self, job: Told) -> bool:
        """Whether a parent whose result it needs runs again."""
        return any(
            how is Condition.RESULT and not self.jobs[one].state.is_final for one, how in job.parents.items()
        )

    def settle(self) -> None:
        """Let everybody go where their parents let them, until nobody moves."""
        moved = True
        while moved:
            moved = False
            for job in self.jobs.values():
                before = job.state
                if self.keeps_back(job):
                    if job.state.is_waiting:
                        job.state, job.cut = CANCELLED, True
                elif job.cut:
                    self.bring_back(job)
                elif job.state is BLOCKED and not self.is_awaited(job):
                    job.state = QUEUED
                elif job.state is QUEUED and self.is_bereft(job):
                    job.state = BLOCKED
                moved = moved or job.state is not before

    def bring_back(self, job: Told) -> None:
        """Let a job that was cancelled wait again."""
        job.state = BLOCKED if self.is_awaited(job) else QUEUED
        job.cut = job.stopped = False
        job.round += 1

    def settle_batch(self, batch: str) -> None:
        """Stop a batch one of whose jobs has failed, or let it go on after one runs again."""
        members = [job for job in self.jobs.values() if job.batch == batch]
        failed = sum(job.state is FAILED for job in members)
        if batch not in self.limits:
            return
        for job in members:
            if failed >= self.limits[batch] and job.state.is_waiting:
                job.state, job.stopped = CANCELLED, True
            elif failed < self.limits[batch] and job.stopped and self.keeps_back(job):
                job.stopped, job.cut = False, True
            elif failed < self.limits[batch] and job.stopped:
                self.bring_back(job)

    def best(self) -> str | None:
        """Choose the job that is handed out next; jobs are in the order of their numbers."""
        queued = [job_id for job_id, job in self.jobs.items() if job.state is QUEUED]
        return min(queued, key=lambda job_id: -self.jobs[job_id].priority, default=None)


class Play:
    """Does the same to a store and to the model, by chance."""

    def __init__(self, store: Store, vandal: Vandal, seed: int) -> None:
        self.vandal = vandal
        self.store, self.chance, self.model = store, random.Random(seed), Workflow()
        self.leases: dict[str, Lease] = {}

    def any_of(self, *states: JobState) -> str | None:
        """Choose a job in one of some states."""
        found = [job_id for job_id, job in self.model.jobs.items() if job.state in states]
        return self.chance.choice(found) if found else None

    def submit(self) -> None:
        """Store one to three jobs, each with parents among all there are, those of this call too."""
        jobs = []
        for _ in range(self.chance.randint(1, 3)):
            count = min(len(self.model.jobs), self.chance.choice((0, 1, 1, 2, 3)))
            chosen = self.chance.sample(sorted(self.model.jobs), count)
            parents = {one: self.chance.choice(list(Condition)) for one in chosen}
            told = Told(parents, self.chance.choice((0, 0, 5)), batch=self.chance.choice(("", "x", "y")))
            is_held = self.chance.random() < 0.1
            links = tuple(Parent(one, how) for one, how in parents.items())
            limit = self.chance.choice((0, 0, 0, 2, 3, 5)) if told.batch else 0
            if limit:
                self.model.limits[told.batch] = limit
            job = new_job(
                id=f"{self.chance.getrandbits(128):032x}",
                parents=links,
                priority=told.priority,
                held=is_held,
                batch=told.batch,
                max_fails=limit,
            )
            told.state = HELD if is_held else BLOCKED
            self.model.jobs[job.id] = told
            if self.model.keeps_back(told):
                told.state, told.cut = CANCELLED, True
            self.model.settle()
            jobs.append(job)
        submit(self.store, *jobs)

    def claim(self) -> None:
        """Hand the best job out."""
        best = self.model.best()
        if best is None:
            assert self.store.claim(claimant()) is None
            return
        found = claim(self.store)
        assert best == found.job.id
        self.model.jobs[best].state = RUNNING
        self.leases[best] = found.lease

    def finish(self) -> None:
        """End a running job."""
        job_id = self.any_of(RUNNING)
        if job_id is not None:
            state = self.chance.choice((DONE, DONE, FAILED))
            self.store.finish(self.leases[job_id], outcome(state, Reason.SCF if state is FAILED else None))
            self.settle_as(job_id, state)

    def settle_as(self, job_id: str, state: JobState, was: JobState = RUNNING) -> None:
        """Put a job of the model into a state: families hear of it, then its batch, then families of that."""
        job = self.model.jobs[job_id]
        job.state = state
        self.model.settle()
        if FAILED in {state, was}:
            self.model.settle_batch(job.batch)

    def lose(self) -> None:
        """Let the worker of a running job be gone; its job is handed out again, or has failed."""
        job_id = self.any_of(RUNNING)
        if job_id is not None:
            self.store.renew(
                [self.leases[one] for one, job in self.model.jobs.items() if job.state is RUNNING]
            )
            self.vandal.run_out(job_id)
            self.store.tick(beat())
            job = self.model.jobs[job_id]
            job.losses += 1
            self.settle_as(job_id, QUEUED if job.losses < MAX_LOSSES else FAILED)

    def give_back(self) -> None:
        """Let a worker that ends return its job."""
        job_id = self.any_of(RUNNING)
        if job_id is not None:
            self.store.give_back(self.leases[job_id], "drained")
            job = self.model.jobs[job_id]
            job.releases += 1
            self.settle_as(job_id, QUEUED if job.releases < MAX_RELEASES else FAILED)

    def cancel(self) -> None:
        """Cancel a job that waits."""
        job_id = self.any_of(HELD, BLOCKED, QUEUED)
        if job_id is not None:
            self.store.cancel([job_id], owner=None)
            self.model.jobs[job_id].state = CANCELLED

    def retry(self) -> None:
        """Run an ended job again, unless a parent keeps it back."""
        job_id = self.any_of(DONE, FAILED, CANCELLED)
        if job_id is not None:
            job = self.model.jobs[job_id]
            (change,) = self.store.retry([job_id], owner=None, done=True)
            assert change.changed == (not self.model.keeps_back(job))
            if change.changed:
                was = job.state
                self.model.bring_back(job)
                job.losses = job.releases = 0
                self.settle_as(job_id, job.state, was)

    def hold(self) -> None:
        """Hold a job that waits."""
        job_id = self.any_of(BLOCKED, QUEUED)
        if job_id is not None:
            self.store.hold([job_id], owner=None)
            self.model.jobs[job_id].state = HELD

    def release(self) -> None:
        """Release a held job."""
        job_id = self.any_of(HELD)
        if job_id is not None:
            self.store.release([job_id], owner=None)
            job = self.model.jobs[job_id]
            job.state = BLOCKED if self.model.is_awaited(job) else QUEUED

    def step(self) -> None:
        """Do something, and compare."""
        acts: list[Callable[[], None]] = [
            *[self.submit, self.claim, self.claim, self.finish, self.finish],
            *[self.cancel, self.retry, self.hold, self.release, self.lose, self.give_back],
        ]
        self.chance.choice(acts)()
        self.model.settle()
        found = {job.id: (job.state, job.round) for job in self.store.get_many(list(self.model.jobs))}
        assert {job_id: (job.state, job.round) for job_id, job in self.model.jobs.items()} == found


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 13))])
def test_a_random_workflow(store: Store, vandal: Vandal, seed: int) -> None:
    """
    After each of hundreds of steps every job is in the state and the round that the model says.
    """
    play = Play(store, vandal, seed)
    for _ in range(STEPS):
        play.step()
