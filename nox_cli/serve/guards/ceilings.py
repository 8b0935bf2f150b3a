"""Ceilings of tokens: what a request may not exceed, checked before anything is stored."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from nox_cli.serve.problems import Problem
from workers.job import FINAL, JobState
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.serve.principal import Principal
    from workers.job import NewJob
    from workers.store.base import Store
    from workers.store.tokens import TokenUsage
    from workers.store.values import Revision

RETRY_AFTER_S = 30


class Ceilings:
    """Admits the submits of tokens that have ceilings one by one, so that two cannot share the same room."""

    def __init__(self) -> None:
        self._locks: dict[str, Lock] = {}

    @contextmanager
    def admitted(
        self, store: Store, principal: Principal, jobs: Sequence[NewJob], *, retries_failed: bool = False
    ) -> Iterator[None]:
        """Check jobs, and store them inside the block; `retries_failed`: stored ones that failed run again.

        Raises:
            Problem: they exceed a ceiling of the token.
            StoreError: the store cannot be read.
        """
        most = principal.ceilings
        for job in jobs:
            check_resources(principal, job.cores, job.memory_bytes)
        if not (most.jobs or most.stored_bytes):
            yield
            return
        with self._lock(principal):
            _check_room(store, principal, jobs, retries_failed=retries_failed)
            yield

    @contextmanager
    def revived(
        self, store: Store, principal: Principal, job_ids: Sequence[str], *, done: bool
    ) -> Iterator[None]:
        """Check jobs that are to run again, completed ones only if `done`, and queue them inside the block.

        Raises:
            Problem: the token would have too many unfinished jobs.
            StoreError: the store cannot be read.
        """
        most = principal.ceilings.jobs
        if not most:
            yield
            return
        ended = FINAL if done else FINAL - {JobState.DONE}
        with self._lock(principal):
            count = sum(one.state in ended for one in store.outlines(job_ids))
            problem = _lack_of_places(
                principal, store.token_usage(principal.name, max(0, most - count)), count
            )
            if problem is not None:
                raise problem
            yield

    def _lock(self, principal: Principal) -> Lock:
        return self._locks.setdefault(principal.token_id, Lock())


def check_resources(principal: Principal, cores: int | None, memory_bytes: int | None) -> None:
    """Check what one job asks for.

    Raises:
        Problem: it exceeds a ceiling of the token.
    """
    most = principal.ceilings
    if most.cores and (cores or 0) > most.cores:
        raise _exceeded(principal, "cores", most.cores, f"{most.cores} cores for one job")
    if most.memory_bytes and (memory_bytes or 0) > most.memory_bytes:
        shown = f"{size_words(most.memory_bytes)} of memory for one job"
        raise _exceeded(principal, "memory_bytes", most.memory_bytes, shown)


def check_revision(principal: Principal, revision: Revision | None) -> None:
    """Check new values of waiting jobs.

    Raises:
        Problem: they exceed a ceiling of the token.
    """
    if revision is not None:
        check_resources(principal, revision.cores, revision.memory_bytes)


def _check_room(store: Store, principal: Principal, jobs: Sequence[NewJob], *, retries_failed: bool) -> None:
    """Check the sums over all jobs of the token; a repeated submit needs no room for jobs that are stored.

    Raises:
        Problem: they exceed a ceiling.
    """
    problem = _lack_of_room(store, principal, jobs)
    if problem is None:
        return
    problem = _lack_of_room(store, principal, _unknown(store, jobs, retries_failed=retries_failed))
    if problem is not None:
        raise problem


def _lack_of_room(store: Store, principal: Principal, jobs: Sequence[NewJob]) -> Problem | None:
    most = principal.ceilings
    if not jobs:
        return None
    usage = store.token_usage(principal.name, max(0, most.jobs - len(jobs)))
    if (problem := _lack_of_places(principal, usage, len(jobs))) is not None:
        return problem
    size = usage.stored_bytes + sum(len(job.spec_json.encode()) for job in jobs)
    if most.stored_bytes and size > most.stored_bytes:
        shown = f"{size_words(most.stored_bytes)} in the store"
        return _exceeded(principal, "stored_bytes", most.stored_bytes, shown)
    return None


def _lack_of_places(principal: Principal, usage: TokenUsage, count: int) -> Problem | None:
    most = principal.ceilings.jobs
    if not most or not count or usage.jobs + count <= most:
        return None
    return _exceeded(principal, "jobs", most, f"{most:,} unfinished jobs", is_lasting=False)


def _unknown(store: Store, jobs: Sequence[NewJob], *, retries_failed: bool) -> list[NewJob]:
    """Leave out jobs that are stored already and do not run again: they need no room."""
    again = {JobState.FAILED} if retries_failed else set()
    known = {one.id for one in store.outlines([job.id for job in jobs]) if one.state not in again}
    return [job for job in jobs if job.id not in known]


def _exceeded(
    principal: Principal, ceiling: str, most: int, shown: str, *, is_lasting: bool = True
) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN if is_lasting else HTTPStatus.TOO_MANY_REQUESTS,
        "ceiling",
        f"the token {principal.name} may have {shown}; nothing was stored or changed",
        hint="" if is_lasting else "wait until some of its jobs have ended",
        headers={} if is_lasting else {"Retry-After": str(RETRY_AFTER_S)},
        ceiling=ceiling,
        most=most,
    )
