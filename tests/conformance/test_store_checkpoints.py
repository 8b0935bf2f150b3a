"""The store's contract: what an attempt has reached is kept for the next one, under the fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stores import (
    OTHER_WORKER,
    beat,
    claim,
    failed,
    give_back_and_reclaim,
    history,
    outcome,
    submit_named,
)
from workers.errors import LeaseLost
from workers.job import MAX_RELEASES, JobState, Reason

if TYPE_CHECKING:
    from tests.vandal import Vandal
    from workers.store.base import Store

CONTENT = bytes(range(256))


def test_a_checkpoint_outlives_its_attempt(store: Store) -> None:
    """
    It is there for the next attempt byte by byte, also while the job is held; the newest counts.
    """
    (job_id,) = submit_named(store, "a")
    assert store.checkpoint(job_id) is None
    lease = claim(store).lease
    store.keep_checkpoint(lease, b"older")
    store.keep_checkpoint(lease, CONTENT)
    store.give_back(lease, "drained")
    store.hold([job_id], owner=None)
    store.release([job_id], owner=None)

    assert 2 == claim(store).lease.fence
    assert CONTENT == store.checkpoint(job_id)


def test_a_stale_attempt_keeps_nothing(store: Store) -> None:
    """
    Under an old fence a checkpoint is refused, and the newer one stays.
    """
    (job_id,) = submit_named(store, "a")
    stale, good = give_back_and_reclaim(store)
    store.keep_checkpoint(good, CONTENT)

    with pytest.raises(LeaseLost):
        store.keep_checkpoint(stale, b"stale")
    assert CONTENT == store.checkpoint(job_id)


def test_a_checkpoint_is_no_event(store: Store) -> None:
    """
    The change stream tells of states only.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    before = history(store, job_id)
    store.keep_checkpoint(lease, CONTENT)

    assert before == history(store, job_id)


def test_a_finished_attempt_leaves_no_checkpoint(store: Store) -> None:
    """
    Done, failed, or to be tried again after a failure: what failed is not gone on from.
    """
    done, broken, again = submit_named(
        store, "done broken again", retries=1, retry_on=frozenset({Reason.CRASHED})
    )
    for ended in (outcome(), failed(Reason.SCF), failed(Reason.CRASHED)):
        lease = claim(store).lease
        store.keep_checkpoint(lease, CONTENT)
        store.finish(lease, ended)

    assert [None] * 3 == [store.checkpoint(job_id) for job_id in (done, broken, again)]


def test_a_job_that_ends_while_it_waits_leaves_no_checkpoint(store: Store) -> None:
    """
    Cancelled after it was given back, or given back once too often.
    """
    (cancelled,) = submit_named(store, "cancelled")
    lease = claim(store).lease
    store.keep_checkpoint(lease, CONTENT)
    store.give_back(lease, "drained")
    store.cancel([cancelled], owner=None)
    (useless,) = submit_named(store, "useless")
    lease = claim(store).lease
    store.keep_checkpoint(lease, CONTENT)
    store.give_back(lease, "drained")
    for _ in range(MAX_RELEASES - 1):
        store.give_back(claim(store).lease, "drained")

    assert [JobState.CANCELLED, JobState.FAILED] == [store.get(one).state for one in (cancelled, useless)]
    assert [None, None] == [store.checkpoint(one) for one in (cancelled, useless)]


def test_a_checkpoint_outlives_a_lost_worker(store: Store, vandal: Vandal) -> None:
    """
    The attempt after a loss goes on from what the lost one had last said.
    """
    (job_id,) = submit_named(store, "a")
    store.keep_checkpoint(claim(store).lease, CONTENT)
    store.tick(beat(OTHER_WORKER))
    vandal.run_out(job_id)

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    assert CONTENT == store.checkpoint(job_id)
