"""Reconciliation: the changes of allocations that follow from the answer of a batch system."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from workers.batch.system import JOB_PREFIX, BatchState
from workers.store.pools import POOL_NAME, TOKEN, AllocationEnd, AllocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from workers.batch.system import BatchJob, BatchJobs
    from workers.store.pools import Allocation

# A request without an answer, which the batch system does not list, is taken for one that never arrived after
# this time.  If it did arrive, its end is looked for until so long after that.
DROPPED_S, DOUBTED_S = 120.0, 7_200.0
_NAME = re.compile(rf"{re.escape(JOB_PREFIX)}({POOL_NAME.pattern})\.({TOKEN.pattern})", re.ASCII)
_ENDS = {
    BatchState.COMPLETED: AllocationEnd.COMPLETED,
    BatchState.FAILED: AllocationEnd.FAILED,
    BatchState.TIMEOUT: AllocationEnd.TIMEOUT,
    BatchState.CANCELLED: AllocationEnd.CANCELLED,
    BatchState.PREEMPTED: AllocationEnd.PREEMPTED,
    BatchState.NODE_FAILED: AllocationEnd.NODE_FAILED,
    BatchState.OUT_OF_MEMORY: AllocationEnd.OUT_OF_MEMORY,
}


class LookTime(NamedTuple):
    """The time of a look, and the workers that live."""

    now_ms: int
    living: Collection[str]


def reconciled(
    known: Iterable[Allocation], jobs: BatchJobs, moment: LookTime, unwanted: Collection[str] = ()
) -> Iterator[Allocation]:
    """Yield the allocations that the answer of a batch system changes, as they are now.

    Args:
        known: the allocations of the pools of this machine, ended ones included.
        jobs: the answer.
        moment: the time, and the ids of living workers.
        unwanted: tokens of allocations that nox has cancelled.
    """
    for one in known:
        job = jobs.by_name.get(one.name)
        if job is None:
            after = _unlisted(one, moment, is_sure=jobs.is_complete)
        else:
            after = _listed(one, job, moment, unwanted)
        if after != one:
            yield after


def _listed(one: Allocation, job: BatchJob, moment: LookTime, unwanted: Collection[str]) -> Allocation:
    """Return an allocation as the batch system reports it."""
    # A batch job that has not ended counts, whatever the store has: the limits hold for these.
    if job.state.is_final and not one.is_live and one.ended_as is not AllocationEnd.DROPPED:
        return one
    if job.state is BatchState.UNKNOWN and one.is_live and one.number:
        return one
    found = one._replace(number=job.number, reason=job.reason, ended_as=None, ended_ms=None)
    if job.state in {BatchState.PENDING, BatchState.UNKNOWN}:
        return found._replace(state=AllocationState.PENDING, starts_ms=job.starts_ms, started_ms=None)
    found = found._replace(allocated_cores=job.cores or one.allocated_cores)
    started_ms = job.starts_ms or one.started_ms
    if job.state is BatchState.RUNNING:
        return found._replace(state=AllocationState.RUNNING, started_ms=started_ms, starts_ms=None, reason="")
    end = _ENDS[job.state]
    if end is AllocationEnd.CANCELLED and one.token in unwanted:
        end = AllocationEnd.UNWANTED
    if end in {AllocationEnd.CANCELLED, AllocationEnd.UNWANTED} and job.starts_ms == job.ended_ms:
        started_ms = one.started_ms  # it never began: the batch system gives the time of the cancellation
    ended_ms = min(job.ended_ms or moment.now_ms, moment.now_ms)
    return found._replace(
        state=AllocationState.ENDED, ended_as=end, ended_ms=ended_ms, started_ms=started_ms, starts_ms=None
    )


def _unlisted(one: Allocation, moment: LookTime, *, is_sure: bool) -> Allocation:
    """Return an allocation that the batch system does not list; `is_sure`: nor do accounts, if it has any."""
    if not one.is_live or one.worker in moment.living:
        return one
    if one.left_ms is not None and (one.joined_ms or 0) <= one.left_ms:
        end, ended_ms = AllocationEnd.COMPLETED, one.left_ms
    elif not is_sure:
        return one
    elif one.number or one.joined_ms is not None:
        end, ended_ms = AllocationEnd.GONE, moment.now_ms
    elif moment.now_ms - one.intended_ms >= 1_000 * DROPPED_S:
        end, ended_ms = AllocationEnd.DROPPED, moment.now_ms
    else:
        return one
    return one._replace(state=AllocationState.ENDED, ended_as=end, ended_ms=ended_ms, starts_ms=None)


def listed(jobs: BatchJobs, mark: str) -> Iterator[tuple[str, str, BatchJob]]:
    """Yield pool, token and batch job of those that have not ended and belong to a store.

    Args:
        jobs: the answer of the batch system.
        mark: the first digits of the tokens of the store.
    """
    return (one for one in _living(jobs.by_name.values()) if one[1].startswith(mark))


def foreign(jobs: BatchJobs, mark: str) -> Counter[str]:
    """Count by pool the batch jobs that have not ended and that a store did not request; see `listed`.

    Another store of this user has a pool of that name, or this one has lost its data.
    """
    living = _living([*jobs.by_name.values(), *jobs.doubles])
    return Counter(pool for pool, token, _ in living if not token.startswith(mark))


def _living(jobs: Iterable[BatchJob]) -> Iterator[tuple[str, str, BatchJob]]:
    for job in jobs:
        found = _NAME.fullmatch(job.name)
        if found is not None and not job.state.is_final:
            yield found[1], found[2], job
