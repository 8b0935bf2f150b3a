"""When the jobs of a submit may start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.selectors import select
from nox_cli.submission.refusals import NOT_SUBMITTED
from workers.errors import UsageError
from workers.job import Condition, Parent
from workers.store.base import MAX_PARENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.job import NewJob


# How often jobs of one submit may wait for another.
MAX_LINKS = 1_000_000
_BETWEEN = "let one job (--kind echo) wait for them, and the others for that"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """The options that delay the start of jobs: `--after`, `--begin`, `--hold`, `--from`."""

    begin: str | None = None
    delay: float | None = None
    hold: bool = False
    from_: list[str] | None = None
    after: list[str] | None = None
    after_any: list[str] | None = None
    after_fail: list[str] | None = None

    def begin_ms(self) -> int | None:
        """Say when jobs may start at the earliest; None: at once.

        Raises:
            UsageError: the time is none, or past, or said twice.
        """
        now = times.now_ms()
        if self.begin is None:
            return None if self.delay is None else now + round(1_000 * self.delay)
        if self.delay is not None:
            raise UsageError("--begin and --delay contradict each other", hint="take one of them away")
        return times.begin_ms(self.begin, now)


def parents(call: Session, start: StartOptions) -> tuple[Parent, ...]:
    """Find the jobs that are to be waited for.

    Raises:
        NothingMatched, JobNotFound: there are no such jobs.
        UsageError: there are too many, or one is waited for in two ways.
        StoreError: the store cannot be read.
    """
    found: dict[str, Condition] = {}
    for condition, words in (
        (Condition.DONE, start.after),
        (Condition.ENDED, start.after_any),
        (Condition.FAILED, start.after_fail),
    ):
        if not words:
            continue
        for job_id in select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin):
            if found.setdefault(job_id, condition) is not condition:
                raise UsageError(f"job {job_id} is to be waited for in two ways", did=NOT_SUBMITTED)
    if len(found) > MAX_PARENTS:
        raise UsageError(f"{len(found):,} jobs are too many to wait for", did=NOT_SUBMITTED, hint=_BETWEEN)
    return tuple(Parent(job_id, condition) for job_id, condition in found.items())


def with_dependencies(
    jobs: Sequence[NewJob], start: StartOptions, begin_ms: int | None, parents: tuple[Parent, ...]
) -> list[NewJob]:
    """Add to jobs what `--after`, `--begin` and `--hold` make them wait for.

    Raises:
        UsageError: too many jobs would wait for too many.
    """
    if begin_ms is None and not start.hold and not parents:
        return list(jobs)
    if len(jobs) * len(parents) > MAX_LINKS:
        what = f"{len(jobs):,} jobs that wait for {len(parents):,} each are too many"
        raise UsageError(what, did=NOT_SUBMITTED, hint=_BETWEEN)
    taken = {one.job_id for job in jobs for one in job.parents}
    for parent in parents:
        if parent.job_id in taken and parent.condition is not Condition.DONE:
            raise UsageError(f"job {parent.job_id} is to be waited for in two ways", did=NOT_SUBMITTED)
    said = f"{start.hold} {begin_ms} {[(one.job_id, one.condition.value) for one in parents]}"
    return [
        job._replace(
            held=start.hold,
            begin_ms=begin_ms,
            parents=_joined(job.parents, parents),
            digest=hashlib.sha256(f"{job.digest} {said}".encode()).hexdigest(),
        )
        for job in jobs
    ]


def _joined(own: tuple[Parent, ...], parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    """Put a job's own parents before those of all; none twice."""
    known = {one.job_id for one in own}
    return (*own, *(one for one in parents if one.job_id not in known)) if own else parents
