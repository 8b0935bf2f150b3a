"""The attempts of a job: which there were, and what one of them left."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from nox_cli.results.documents import OutcomeDocument, outcome
from workers.errors import NothingMatched
from workers.job import Attempt, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store

# Outcomes hold whole trajectories of energies: so many are in memory at once.
_STRETCH = 50
_STATES = {
    JobState.RUNNING: "attempt {newest} is running",
    JobState.FAILED: "attempt {newest} failed",
    JobState.CANCELLED: "the job was cancelled",
}
_ENDS = {"": "running", JobState.DONE: "completed", "user": "cancelled"}


def standing(job: Job) -> str:
    """Say of which attempt a job's result is, unless its newest attempt completed; else empty."""
    if job.good is None or job.state is JobState.DONE:
        return ""
    now = _STATES.get(job.state, f"the next is {job.state}").format(newest=job.attempt)
    return f"result of attempt {job.good}; {now}"


def has_earlier(job: Job) -> bool:
    """Whether a job had attempts before its newest, other than the one whose result is shown."""
    earlier = job.attempt if job.started_ms is None else job.attempt - 1
    return earlier - (standing(job) != "") > 0


@dataclass(slots=True)
class ShownEnergies:
    """The energies that lists show of jobs: of a retried one that of its result, until there is another."""

    store: Store
    found: dict[str, float | None] = field(default_factory=dict)

    def read(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Hand jobs on, after those energies were read that their records do not have.

        Raises:
            StoreError: the store cannot be read.
        """
        rest = iter(jobs)
        while stretch := list(islice(rest, _STRETCH)):
            if retried := [job.id for job in stretch if standing(job)]:
                outcomes = self.store.outcomes(retried)
                self.found |= {
                    job_id: outcome(outcomes.get(job_id)).result.number("energy_hartree")
                    for job_id in retried
                }
            yield from stretch

    def of(self, job: Job) -> float | None:
        """Give the energy of a job that was read; None: it has none."""
        return self.found.get(job.id, job.progress.energy_hartree)


def last_outcome(store: Store, job: Job, shown: OutcomeDocument) -> OutcomeDocument:
    """Read how an ended job ended, where the result that is shown is that of an earlier attempt.

    No attempt's outcome is the end of a job that was cancelled while it waited.

    Raises:
        StoreError: the store cannot be read.
    """
    if job.state.is_final and job.shown != job.attempt:
        is_end = job.started_ms is not None
        return outcome(store.outcome(job.id, job.attempt) if is_end else None)
    return shown


def attempts(job: Job, earlier: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """List all attempts of a job, the newest too; one that runs has no `ended_as`."""
    if job.started_ms is None or not job.attempt:
        return tuple(earlier)
    is_over = job.state.is_final
    newest = Attempt(
        number=job.attempt,
        round=job.round,
        worker=job.worker,
        started_ms=job.started_ms,
        ended_ms=(is_over and job.ended_ms) or job.started_ms,
        ended_as=(job.reason or job.state) if is_over else "",
    )
    return (*earlier, newest)


def chosen(store: Store, job: Job, number: int) -> tuple[Attempt, OutcomeDocument]:
    """Read one attempt of a job and its outcome.

    Raises:
        NothingMatched: there is no such attempt, or none of its outcome is kept.
        StoreError: the store cannot be read.
    """
    known = attempts(job, store.attempts(job.id))
    found = named(job, known, number)
    text = store.outcome(job.id, number)
    if text is None:
        raise NothingMatched(
            f"no outcome is kept of attempt {number} of job {job.number} ({ended(found)})", hint=listed(known)
        )
    return found, outcome(text)


def named(job: Job, known: Iterable[Attempt], number: int) -> Attempt:
    """Find an attempt by its number.

    Raises:
        NothingMatched: there is no such attempt.
    """
    for tried in known:
        if tried.number == number:
            return tried
    if not job.attempt:
        raise NothingMatched(f"job {job.number} has not started")
    raise NothingMatched(f"job {job.number} has no attempt {number}", hint=listed(known))


def ended(tried: Attempt) -> str:
    """Say in a word or two how an attempt ended: `completed`, `given back`, `running`."""
    return _ENDS.get(tried.ended_as, tried.ended_as.replace("_", " "))


def listed(known: Iterable[Attempt]) -> str:
    """List attempts on one line: `its attempts: 1 (completed), 2 (running)`."""
    return "its attempts: " + ", ".join(f"{tried.number} ({ended(tried)})" for tried in known)
