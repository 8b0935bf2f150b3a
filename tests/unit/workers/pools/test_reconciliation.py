"""Reconciliation: what the answer of a batch system changes, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stores import ADA, GIB
from workers.batch.system import BatchJob, BatchJobs, BatchState
from workers.pools.reconciliation import LookTime, listed, reconciled
from workers.store.pools import Allocation, AllocationEnd, AllocationState

NOW_MS = 1_800_000_000_000
TOKEN = "abcd000000000001"
PENDING = Allocation(
    TOKEN, ADA, "small", AllocationState.PENDING, 4, GIB, 3_600, NOW_MS - 60_000, number="4711"
)
INTENDED = PENDING._replace(state=AllocationState.INTENDED, number="")
RUNNING = PENDING._replace(state=AllocationState.RUNNING, started_ms=NOW_MS - 30_000)


def after(
    before: Allocation, *jobs: BatchJob, living: frozenset[str] = frozenset(), unwanted: str = ""
) -> Allocation:
    """Reconcile one allocation; return it as it is afterwards."""
    answer = BatchJobs({job.name: job for job in jobs}, is_complete=True)
    changed = list(reconciled([before], answer, LookTime(NOW_MS, living), {unwanted}))
    return changed[0] if changed else before


def job(state: BatchState, **changes: Any) -> BatchJob:
    """Make the batch job of the allocation."""
    return BatchJob("4711", PENDING.name, state, **changes)


def test_reconciled_request_gets_its_number() -> None:
    """
    A request whose answer was lost is found by its name.
    """
    found = after(INTENDED, job(BatchState.PENDING, reason="Priority", starts_ms=NOW_MS + 5_000))

    assert (found.state, found.number, found.reason) == (AllocationState.PENDING, "4711", "Priority")
    assert found.starts_ms == NOW_MS + 5_000


def test_reconciled_request_is_dropped_after_two_minutes() -> None:
    """
    Before that it may still arrive.
    """
    assert after(INTENDED) == INTENDED
    found = after(INTENDED._replace(intended_ms=NOW_MS - 120_000))
    assert (found.state, found.ended_as) == (AllocationState.ENDED, AllocationEnd.DROPPED)


@pytest.mark.parametrize("end", AllocationEnd)
def test_reconciled_request_lives_if_it_is_listed_later(end: AllocationEnd) -> None:
    """
    An allocation that exists counts, whatever was concluded before, or written by another program.
    """
    ended = INTENDED._replace(state=AllocationState.ENDED, ended_as=end, ended_ms=NOW_MS - 1)

    found = after(ended, job(BatchState.PENDING))
    assert (found.state, found.ended_as, found.ended_ms) == (AllocationState.PENDING, None, None)
    assert after(ended._replace(number="4711"), job(BatchState.UNKNOWN)).is_live


@pytest.mark.parametrize("end", AllocationEnd)
def test_reconciled_end_is_the_first_one_that_was_reported(end: AllocationEnd) -> None:
    """
    Only a request that was taken for one that never arrived had none: it gets its number and its end.
    """
    ended = INTENDED._replace(state=AllocationState.ENDED, ended_as=end, ended_ms=NOW_MS - 1)

    found = after(ended, job(BatchState.CANCELLED))
    if end is AllocationEnd.DROPPED:
        assert (found.ended_as, found.number) == (AllocationEnd.CANCELLED, "4711")
    else:
        assert found == ended


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (BatchState.COMPLETED, AllocationEnd.COMPLETED),
        (BatchState.FAILED, AllocationEnd.FAILED),
        (BatchState.TIMEOUT, AllocationEnd.TIMEOUT),
        (BatchState.CANCELLED, AllocationEnd.CANCELLED),
        (BatchState.PREEMPTED, AllocationEnd.PREEMPTED),
        (BatchState.NODE_FAILED, AllocationEnd.NODE_FAILED),
        (BatchState.OUT_OF_MEMORY, AllocationEnd.OUT_OF_MEMORY),
    ],
)
def test_reconciled_end_is_the_one_reported(state: BatchState, end: AllocationEnd) -> None:
    """
    Each end has a word of its own, and the time that the batch system gives.
    """
    found = after(RUNNING, job(state, starts_ms=NOW_MS - 30_000, ended_ms=NOW_MS - 5))

    assert (found.state, found.ended_as, found.ended_ms) == (AllocationState.ENDED, end, NOW_MS - 5)


def test_reconciled_cancellation_by_nox_is_unwanted() -> None:
    """
    Only one that nox asked for.
    """
    assert after(PENDING, job(BatchState.CANCELLED), unwanted=TOKEN).ended_as is AllocationEnd.UNWANTED
    assert after(PENDING, job(BatchState.CANCELLED), unwanted="x").ended_as is AllocationEnd.CANCELLED


def test_reconciled_cancellation_has_a_start_if_it_had_begun() -> None:
    """
    Also where no look saw it run: its core time counts.  One that never began starts when it ends, for Slurm.
    """
    begun = job(BatchState.CANCELLED, starts_ms=NOW_MS - 30_000, ended_ms=NOW_MS - 5)

    assert after(PENDING, begun).started_ms == NOW_MS - 30_000
    assert after(PENDING, begun._replace(starts_ms=NOW_MS - 5)).started_ms is None


def test_reconciled_allocation_has_the_cores_that_it_was_given() -> None:
    """
    They count against a budget, also once they are no longer reported; fewer than it asked for do not.
    """
    whole = after(PENDING, job(BatchState.RUNNING, cores=64))

    assert (whole.cores, whole.used_cores) == (4, 64)
    assert after(whole, job(BatchState.COMPLETED)).used_cores == 64
    assert after(PENDING, job(BatchState.RUNNING, cores=1)).used_cores == 4


def test_reconciled_allocation_that_was_requeued_is_pending_again() -> None:
    """
    It has not started, and counts as pending.
    """
    found = after(RUNNING, job(BatchState.PENDING, reason="BeginTime"))

    assert (found.state, found.started_ms) == (AllocationState.PENDING, None)


def test_reconciled_word_that_is_unknown_changes_nothing() -> None:
    """
    A request without a number gets it all the same.
    """
    assert after(RUNNING, job(BatchState.UNKNOWN)) == RUNNING
    assert after(INTENDED, job(BatchState.UNKNOWN)).number == "4711"


def test_reconciled_allocation_that_is_not_listed_is_gone() -> None:
    """
    Not while its worker lives; completed if its worker had ended in good order.
    """
    joined = RUNNING._replace(worker="node-1-a", joined_ms=NOW_MS - 20_000)

    assert after(PENDING).ended_as is AllocationEnd.GONE
    assert after(joined).ended_as is AllocationEnd.GONE
    assert after(joined, living=frozenset({"node-1-a"})) == joined
    left = after(joined._replace(left_ms=NOW_MS - 7))
    assert (left.ended_as, left.ended_ms) == (AllocationEnd.COMPLETED, NOW_MS - 7)


@pytest.mark.parametrize(
    "name",
    [
        "nox.small.beef000000000001",
        "nox.small.abcd00000000000",
        "nox.small.x.abcd000000000001",
        "nox..abcd000000000001",
        "nox.small.ABCD000000000001",
    ],
)
def test_listed_leaves_out_batch_jobs_of_others(name: str) -> None:
    """
    Another store has another mark, and a name must have the form that nox gives.
    """
    own, other = job(BatchState.RUNNING), BatchJob("1", name, BatchState.RUNNING)
    ended = BatchJob("2", "nox.small.abcd000000000002", BatchState.COMPLETED)
    answer = BatchJobs({one.name: one for one in (own, other, ended)}, is_complete=True)

    assert [("small", TOKEN, own)] == list(listed(answer, "abcd"))
