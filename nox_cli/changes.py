"""Changing jobs that somebody named: which they are, whose they may be, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.selectors import CHUNK, look_up, select
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.session import Session
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Change


@dataclass(frozen=True, slots=True)
class Changed:
    """The result of a change, for each job that was named."""

    changes: tuple[Change, ...]
    kind: str  # of the store
    where: str


def change(
    call: Session,
    words: Sequence[str],
    act: Callable[[Store, Sequence[str], str | None], list[Change]],
    *,
    any_user: bool,
    agreed: Callable[[Sequence[Job]], bool] = lambda _jobs: True,
) -> Changed:
    """Do something to the jobs that are named, a stretch of them at a time.

    Args:
        call: the call of nox.
        words: selectors.
        act: does it, to jobs of this owner; None: anyone's.
        any_user: whether other people's jobs are meant too.
        agreed: whether the user agrees that it is done to these jobs; if not, none is changed.

    Raises:
        UsageError: some jobs are other people's; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    owner = call.settings.owner
    job_ids = select(call.store, words, owner=owner, stdin=call.streams.stdin)
    jobs = tuple(look_up(call.store, job_ids))
    if not any_user:
        refuse_others(jobs, owner, "changed", "change")
    if not agreed(jobs):
        return Changed((), call.store.kind, call.store.where)
    done: list[Change] = []
    for start in range(0, len(job_ids), CHUNK):
        done += act(call.store, job_ids[start : start + CHUNK], None if any_user else owner)
    return Changed(tuple(done), call.store.kind, call.store.where)


def refuse_others(jobs: Sequence[Job], owner: str, done: str, verb: str) -> None:
    """Make sure that all jobs are the owner's.

    Raises:
        UsageError: some are not.
    """
    others = sorted({job.owner for job in jobs if job.owner != owner})
    if others:
        raise UsageError(
            f"some of these jobs belong to {', '.join(others[:5])}",
            did=f"nothing was {done}",
            hint=f"add --any-user to {verb} them all the same",
        )
