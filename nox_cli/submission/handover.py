"""Handing jobs to the store, so that what is said afterwards is true: stored, not stored, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from nox_cli.submission.refusals import NOT_SUBMITTED
from workers.errors import NotDurable, Retry, StoreError, SubmitCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.interrupts import Interrupts
    from workers.job import NewJob
    from workers.store.base import Store

# Between stretches of this many jobs an interrupt is obeyed.
STRETCH = 5_000


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job the store keeps.  `number` is None where the store could not be asked for it any more."""

    job_id: str
    number: int | None
    name: str
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """The jobs that the store accepted.

    `cut` is why some were not stored, or not as durably as was asked; None: all are, or an interrupt.
    """

    jobs: tuple[StoredJob, ...]
    requested: int
    cut: StoreError | None = None


def hand_over(
    store: Store, jobs: Sequence[NewJob], interrupts: Interrupts, *, durable: bool = False
) -> Stored:
    """Store jobs, in order; interrupts are held while it goes on, and stay held.

    Args:
        store: where to.
        jobs: what is stored.
        interrupts: where a Ctrl-C is kept meanwhile.
        durable: a power cut must not undo what is said to be stored.

    Raises:
        KeyboardInterrupt: an interrupt came before anything was stored.
        InputRefused, StoreError: nothing was stored, or it is not known whether; the message tells.
    """
    interrupts.hold()
    submission = uuid4().hex
    stored: list[StoredJob] = []
    for start in range(0, len(jobs), STRETCH):
        if interrupts.came is not None:
            break
        stretch = jobs[start : start + STRETCH]
        try:
            accepted = store.submit(stretch, submission=submission, durable=durable)
        except StoreError as error:
            kept, is_known = _kept(store, stretch, error)
            return _cut([*stored, *kept], len(jobs), error, jobs[0].id, known=is_known)
        stored += [
            StoredJob(one.job_id, one.number, job.name, one.existing)
            for one, job in zip(accepted, stretch, strict=True)
        ]
    if not stored:
        interrupts.let_go()
    return Stored(tuple(stored), len(jobs))


def _kept(store: Store, jobs: Sequence[NewJob], error: StoreError) -> tuple[list[StoredJob], bool]:
    """Ask which jobs are stored, after handing them over failed; and whether the others surely are not."""
    names = {job.id: job.name for job in jobs}
    try:
        found = {job.id: job.number for job in store.get_many(list(names))}
    except StoreError:
        told = error.stored if isinstance(error, SubmitCut | NotDurable) else None
        is_known = (told is not None or error.retry is Retry.NEVER) and not error.is_open
        return [StoredJob(job_id, None, names[job_id]) for job_id in told or ()], is_known
    kept = [StoredJob(job_id, found[job_id], name) for job_id, name in names.items() if job_id in found]
    return kept, not error.is_open


def _cut(stored: list[StoredJob], requested: int, error: StoreError, first_id: str, *, known: bool) -> Stored:
    """Say how much of a submit is stored, where not all of it may be.

    Raises:
        StoreError: nothing is, or nobody knows.
    """
    if len(stored) == requested and not isinstance(error, NotDurable):
        return Stored(tuple(stored), requested)
    if stored:
        least = "" if known else "at least "
        many = "all" if len(stored) == requested else f"{least}{len(stored):,} of {requested:,}"
        error.did = f"{many} jobs were submitted, and their ids printed"
        return Stored(tuple(stored), requested, error)
    if known:
        error.did = not_submitted(requested)
    else:
        many = "the job was" if requested == 1 else f"any of {requested:,} jobs were"
        error.did = f"whether {many} submitted is not known"
        error.hint = f"nox status {first_id} tells, once the store answers"
    raise error


def not_submitted(count: int) -> str:
    """Say that none of some jobs was stored."""
    return "the job was not submitted" if count == 1 else NOT_SUBMITTED
