"""A simulated batch system, which accepts, refuses, loses, answers late or never, and forgets, as ordered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from threading import RLock
from typing import TYPE_CHECKING

from workers.batch.system import BatchJob, BatchJobs, BatchState, NoAnswer, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Reply(Enum):
    """The fate of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LIMITED = "limited"  # refused, for a limit of the site
    LOST = "lost"  # no answer, and it never arrived
    SILENT = "silent"  # no answer, though it was accepted
    LATE = "late"  # no answer; it arrives later


@dataclass
class SimulatedJob:
    """A batch job of the simulated system."""

    number: str
    name: str
    pool: str
    arrives_ms: int
    has_arrived: bool = False
    state: BatchState = BatchState.PENDING
    began_ms: int | None = None
    ended_ms: int | None = None
    used_ms: int = 0  # by its last run
    worker: str = ""  # that has joined
    joined_ms: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether it has yet to end."""
        return not self.state.is_final


@dataclass
class SimulatedBatch:
    """A batch system that several autoscalers use; it is asked under one lock, as a controller would be."""

    now: Callable[[], int]  # milliseconds
    remembers_ms: int  # an ended job is listed for this long
    has_accounts: bool
    inspect: Callable[[str], None]  # is called with the name of a job that is about to be requested
    late_ms: int = 150_000
    is_away: bool = False
    are_accounts_away: bool = False
    replies: list[Reply] = field(default_factory=list)  # to the next requests; none: accepted
    jobs: dict[str, SimulatedJob] = field(default_factory=dict)  # by name
    answers: list[tuple[int, frozenset[str]]] = field(default_factory=list)  # when whole lists were given
    refused: dict[str, tuple[int, int]] = field(default_factory=dict)  # by pool: refusals in a row, and when
    unanswered: dict[str, int] = field(default_factory=dict)  # names of requests without an answer, and when
    cancelled: set[str] = field(default_factory=set)  # names of jobs that an autoscaler cancelled
    calls: int = 0  # of any verb
    lock: RLock = field(default_factory=RLock)

    @property
    def name(self) -> str:
        """Name the system."""
        return "" if self.is_away else "simulated 1"

    def submit(self, script: str, words: Sequence[str], name: str) -> str:
        """Answer a request as was ordered."""
        assert not words
        assert name.rpartition(".")[2] in script
        with self.lock:
            self.calls += 1
            assert not self.is_away, f"{name} is requested although there was no answer"
            self.inspect(name)
            reply = self.replies.pop(0) if self.replies else Reply.ACCEPTED
            pool = name.split(".")[1]
            if reply in {Reply.REFUSED, Reply.LIMITED}:
                self.refused[pool] = (self.refused.get(pool, (0, 0))[0] + 1, self.now())
                raise RequestRefused("sorry", is_limit=reply is Reply.LIMITED)
            self.refused.pop(pool, None)
            if reply is Reply.ACCEPTED:
                return self.accept(name).number
            self.unanswered[name] = self.now()
            if reply is not Reply.LOST:
                self.accept(name, self.late_ms if reply is Reply.LATE else 0)
            raise NoAnswer("silent")

    def accept(self, name: str, after_ms: int = 0) -> SimulatedJob:
        """Accept a job; a name that is used twice is a failure."""
        assert name not in self.jobs, f"{name} was requested twice"
        number = str(1_000 + len(self.jobs))
        job = SimulatedJob(number, name, name.split(".")[1], self.now() + after_ms, has_arrived=not after_ms)
        self.jobs[name] = job
        return job

    def look(self, names: Collection[str] = ()) -> BatchJobs:
        """List what is known."""
        with self.lock:
            self.calls += 1
            if self.is_away:
                raise NoAnswer("away")
            asked = set() if self.are_accounts_away or not self.has_accounts else set(names)
            known = {job.name: self._shown(job) for job in self.arrived() if self._is_known(job, asked)}
            self.answers.append((self.now(), frozenset(known)))
            return BatchJobs(known, is_complete=not (self.has_accounts and self.are_accounts_away))

    def cancel_pending(self, jobs: Sequence[BatchJob]) -> None:
        """Cancel those that are pending."""
        with self.lock:
            self.calls += 1
            if self.is_away:
                raise NoAnswer("away")
            for one in jobs:
                assert one.state is BatchState.PENDING, one
                job = self.jobs[one.name]
                assert one.number == job.number
                if job.state is BatchState.PENDING:
                    self.end(job, BatchState.CANCELLED)
                    self.cancelled.add(job.name)

    def test(self, script: str, words: Sequence[str]) -> str:
        """Answer in a word."""
        return f"fits ({len(script)}, {len(words)})"

    def arrived(self) -> list[SimulatedJob]:
        """List the jobs that the system has received."""
        return [job for job in self.jobs.values() if job.has_arrived]

    def receive(self) -> None:
        """Let late requests arrive."""
        for job in self.jobs.values():
            job.has_arrived |= job.arrives_ms <= self.now()

    def live(self, pool: str) -> list[SimulatedJob]:
        """List the received jobs of a pool that have yet to end."""
        return [job for job in self.arrived() if job.pool == pool and job.is_live]

    def is_remembered(self, job: SimulatedJob) -> bool:
        """Whether queue or accounts know a job."""
        return self._is_known(job, {job.name} if self.has_accounts else set())

    def begin(self, job: SimulatedJob) -> None:
        """Start a pending job."""
        job.state, job.began_ms = BatchState.RUNNING, self.now()

    def requeue(self, job: SimulatedJob) -> None:
        """Let a running job wait again."""
        job.state, job.began_ms, job.worker, job.joined_ms = BatchState.PENDING, None, "", None

    def end(self, job: SimulatedJob, state: BatchState) -> None:
        """End a job."""
        job.used_ms = self.now() - (job.began_ms or self.now())
        job.state, job.ended_ms = state, self.now()

    def _is_known(self, job: SimulatedJob, asked: Collection[str]) -> bool:
        return job.ended_ms is None or self.now() - job.ended_ms <= self.remembers_ms or job.name in asked

    def _shown(self, job: SimulatedJob) -> BatchJob:
        starts_ms = job.began_ms if job.state is not BatchState.CANCELLED else job.began_ms or job.ended_ms
        return BatchJob(job.number, job.name, job.state, "Priority", starts_ms, job.ended_ms, 2)
