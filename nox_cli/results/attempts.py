"""Attempts of a job and their outcomes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from nox_cli.results.documents import OutcomeDocument, outcome
from workers.errors import NothingMatched
from workers.job import Attempt, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store

# Outcomes hold whole trajectories of energies: this many are in memory at once.
_CHUNK = 50
_STATES = {
    JobState.RUNNING: "attempt {newest} is running",
    JobState.FAILED: "attempt {newest} failed",
    JobState.CANCELLED: "the job was cancelled",
}
_ENDS = {"": "running", "user": "cancelled", "given_back": "requeued"}


def standing(job: Job) -> str:
    """Name the attempt that a job's result is from; empty if its newest attempt completed."""
    if job.good is None or job.state is JobState.DONE:
        return ""
    now = _STATES.get(job.state, f"the next is {job.state}").format(newest=job.attempt)
    return f"result of attempt {job.good}; {now}"


def has_earlier(job: Job) -> bool:
    """Whether a job had attempts before its newest, other than the one whose result is shown."""
    earlier = job.attempt if job.started_ms is None else job.attempt - 1
    return earlier - (standing(job) != "") > 0


class ShownEnergies:
    """The energies of jobs in lists; a job that was retried keeps that of its result until it has another."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.found: dict[str, float | None] = {}

    def read(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Yield jobs, once the energies were read that are missing in their records.

        Raises:
            StoreError: the store cannot be read.
        """
        rest = iter(jobs)
        while chunk := list(islice(rest, _CHUNK)):
            if retried := [job.id for job in chunk if standing(job)]:
                outcomes = self.store.outcomes(retried)
                self.found |= {
                    job_id: outcome(outcomes.get(job_id)).result.number("energy_hartree")
                    for job_id in retried
                }
            yield from chunk

    def of(self, job: Job) -> float | None:
        """Return the energy of a job that was read; None: it has none."""
        return self.found.get(job.id, job.progress.energy_hartree)


def last_outcome(store: Store, job: Job, shown: OutcomeDocument) -> OutcomeDocument:
    """Read the outcome that ended a job, if the result that is shown is from an earlier attempt.

    A job that was cancelled while it waited was ended by no attempt.

    Raises:
        StoreError: the store cannot be read.
    """
    if job.state.is_final and job.shown != job.attempt:
        is_end = job.started_ms is not None
        return outcome(store.outcome(job.id, job.attempt) if is_end else None)
    return shown


def attempts(job: Job, earlier: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """List all attempts of a job with the newest; one that runs has no `ended_as`."""
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
        NothingMatched: there is no such attempt, or its outcome was not kept.
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
    """Describe the end of an attempt in a word or two: `done`, `worker lost`, `running`."""
    return _ENDS.get(tried.ended_as, tried.ended_as.replace("_", " "))


def listed(known: Iterable[Attempt]) -> str:
    """List attempts on one line: `its attempts: 1 (done), 2 (running)`."""
    return "its attempts: " + ", ".join(f"{tried.number} ({ended(tried)})" for tried in known)
