"""Handing jobs to the store, refusing inputs, and waking the worker of the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from nox_cli.progress import SILENT, Progress
from workers.errors import InputRefused, NotDurable, Retry, StoreError, SubmitCut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.config.settings import Settings
    from nox_cli.results.json_objects import RestartRecord, Skipped, SkippedInputs, SubmittedJob
    from workers.job import NewJob
    from workers.runtime.autostart import Woken
    from workers.store.base import Store

NOT_SUBMITTED = "nothing was submitted"
# Jobs are stored in chunks of this size; between chunks a submit can be stopped.
CHUNK = 5_000
# Of many refused inputs this many are named in a message, and this many in JSON.
SHOWN = 10
KEPT = 1_000


class StoredJob(NamedTuple):
    """A job that the store keeps.  `number` is None where the store did not answer when asked for it."""

    job_id: str
    number: int | None
    name: str
    existing: bool = False

    def document(self) -> SubmittedJob:
        """Return it as JSON names it."""
        return {"job_id": self.job_id, "number": self.number, "name": self.name, "existing": self.existing}


class Stored(NamedTuple):
    """The jobs that the store accepted.

    `cut` is the error that kept some of them from being stored, or from being as durable as demanded.  It
    is None if all are stored, and also if the caller stopped the handover.
    """

    jobs: tuple[StoredJob, ...]
    requested: int
    cut: StoreError | None = None


class FirstJobs(NamedTuple):
    """A submit of which the first jobs are stored, in order; the store may have some of the next ones too."""

    submission: str  # the token of the submit
    stored: tuple[StoredJob, ...]


class Restarted(NamedTuple):
    """New jobs that continue others from their last geometries."""

    stored: Stored
    of: tuple[str, ...]  # the ids of these others, in order
    kind: str  # of the store
    where: str

    def document(self) -> RestartRecord:
        """Return the new jobs."""
        return {
            "store": {"kind": self.kind, "where": self.where},
            "jobs": [
                {
                    "job_id": job.job_id,
                    "number": job.number,
                    "name": job.name,
                    "existing": job.existing,
                    "retry_of": earlier,
                }
                for job, earlier in zip(self.stored.jobs, self.of, strict=False)
            ],
        }


def hand_over(
    store: Store,
    jobs: Sequence[NewJob],
    *,
    durable: bool = False,
    stop: Callable[[], bool] = bool,
    progress: Progress = SILENT,
    begun: FirstJobs | None = None,
) -> Stored:
    """Store jobs, in order.

    Args:
        store: the store that keeps them.
        jobs: the jobs; parents before their children.
        durable: a power cut must not undo what is reported as stored.
        stop: is called before each chunk of jobs; no more are stored once it returns true.
        progress: counts the jobs that were stored.
        begun: the first of the jobs are stored already.

    Raises:
        InputRefused, StoreError: nothing was stored, or that is unknown; the message states which.
    """
    progress.begin("jobs handed over:", len(jobs))
    submission, stored = (uuid4().hex, []) if begun is None else (begun.submission, list(begun.stored))
    if stored:
        stop()  # holds interrupts back
    for start in range(len(stored), len(jobs), CHUNK):
        if stop():
            break
        progress(start)
        chunk = jobs[start : start + CHUNK]
        try:
            accepted = store.submit(chunk, submission=submission, durable=durable)
        except StoreError as error:
            found, is_known = kept(store, chunk, error)
            return _cut([*stored, *found], len(jobs), error, jobs[0].id, known=is_known)
        stored += [
            StoredJob(one.job_id, one.number, job.name, one.existing and begun is None)
            for one, job in zip(accepted, chunk, strict=True)
        ]
    return Stored(tuple(stored), len(jobs))


def kept(store: Store, jobs: Sequence[NewJob], error: StoreError) -> tuple[list[StoredJob], bool]:
    """Find which jobs are stored after the store failed, and whether the others are known not to be."""
    names = {job.id: job.name for job in jobs}
    try:
        found = {job.id: job.number for job in store.get_many(list(names))}
    except StoreError:
        told = error.stored if isinstance(error, SubmitCut | NotDurable) else None
        is_known = (told is not None or error.retry is Retry.NEVER) and not error.is_open
        return [StoredJob(job_id, None, names[job_id]) for job_id in told or ()], is_known
    stored = [StoredJob(job_id, found[job_id], name) for job_id, name in names.items() if job_id in found]
    return stored, not error.is_open


def _cut(stored: list[StoredJob], requested: int, error: StoreError, first_id: str, *, known: bool) -> Stored:
    """Describe how much of a submit is stored, after the store failed.

    Raises:
        StoreError: nothing is stored, or it is unknown whether anything is.
    """
    if len(stored) == requested and not isinstance(error, NotDurable):
        return Stored(tuple(stored), requested)
    if stored:
        least = "" if known else "at least "
        many = "all" if len(stored) == requested else f"{least}{len(stored):,} of {requested:,}"
        error.did = f"{many} jobs were submitted"
        return Stored(tuple(stored), requested, error)
    if known:
        error.did = not_submitted(requested)
    else:
        many = "the job was" if requested == 1 else f"any of {requested:,} jobs were"
        error.did = f"whether {many} submitted is not known"
        error.hint = f"nox status {first_id} tells, once the store answers"
    raise error


def not_submitted(count: int) -> str:
    """State that none of `count` jobs was stored."""
    return "the job was not submitted" if count == 1 else NOT_SUBMITTED


def wake(store: Store, settings: Settings, *, start: bool = True) -> Woken | None:
    """Have a worker look at jobs that are ready in the local store; start one if none runs.

    Args:
        store: the store of the jobs; one other than the local store wakes its workers itself: None.
        settings: the place of the local store, and whether workers may be started.
        start: whether a worker may be started at all.
    """
    if store.kind != "local":
        return None
    from nox_cli.config.settings import environment
    from workers.machine import is_login_node
    from workers.runtime import autostart

    woken = autostart.wake(
        settings.home,
        policy=settings.autostart if start else "never",
        login_node=is_login_node(environment()),
        variables={"NOX_ARTIFACTS": str(settings.artifacts), "NOX_USER": settings.owner},
    )
    return woken if start else autostart.Woken(woken.wake)


class Refusals:
    """Inputs that were refused: their number, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[InputRefused] = []

    def add(self, refusal: InputRefused) -> None:
        """Count one more."""
        # They would keep the content of each file in memory.
        refusal.__traceback__ = refusal.__context__ = None
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(refusal)

    def lines(self) -> tuple[str, ...]:
        """Describe the first of them, each on a line, and count the others."""
        more = (f"and {self.count - SHOWN:,} more",) if self.count > SHOWN else ()
        return (*(refusal.what for refusal in self.first[:SHOWN]), *more)

    def document(self) -> SkippedInputs:
        """Describe the inputs that were left out as JSON: their number, and the first thousand."""
        inputs: list[Skipped] = [{"message": one.what, "hint": one.hint or None} for one in self.first]
        return {"count": self.count, "inputs": inputs}

    def error(self, total: int) -> InputRefused:
        """Refuse all of `total` inputs because of these."""
        only = self.first[0]
        if self.count == 1:
            error = InputRefused(only.what, did=NOT_SUBMITTED, hint=only.hint or _others_hint(total > 1))
        else:
            error = InputRefused(
                f"{self.count:,} of {total:,} inputs were refused",
                did=NOT_SUBMITTED,
                hint=self._common_hint() or _others_hint(total > self.count),
                details=self.lines(),
            )
        error.each = tuple(self.first)
        return error

    def _common_hint(self) -> str:
        hints = {refusal.hint for refusal in self.first[:SHOWN]}
        return hints.pop() if len(hints) == 1 else ""


def _others_hint(others: bool) -> str:
    return "--skip-bad submits the others" if others else ""
