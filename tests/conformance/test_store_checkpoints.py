"""The store's contract: what an attempt has reached is kept for the next one, under the fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
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
from workers.job import MAX_RELEASES, JobState, Progress, Reason

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

CONTENT = bytes(range(256))


def test_a_checkpoint_outlives_its_attempt(store: Store) -> None:
    """
    It is there for the next attempt byte by byte, also while the job is held; the newest counts.
    """
    (job_id,) = submit_named(store, "a")
    assert store.checkpoint(job_id) is None
    lease = claim(store).lease
    store.keep_checkpoint(lease, b"older", 1)
    store.keep_checkpoint(lease, CONTENT, 2)
    store.give_back(lease, "drained")
    store.hold([job_id], owner=None)
    store.release([job_id], owner=None)

    assert 2 == claim(store).lease.fence
    assert CONTENT == store.checkpoint(job_id)


def test_a_checkpoint_is_not_replaced_by_one_with_less_progress(store: Store) -> None:
    """
    Whichever attempt brings it: what was reached stays, and it is no error; as much is taken for newer.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.keep_checkpoint(lease, b"106 gradients", 106)
    store.keep_checkpoint(lease, b"8 gradients", 8)
    assert b"106 gradients" == store.checkpoint(job_id)
    store.give_back(lease, "drained")
    lease = claim(store).lease
    store.keep_checkpoint(lease, b"9 gradients", 9)
    assert b"106 gradients" == store.checkpoint(job_id)
    store.keep_checkpoint(lease, CONTENT, 106)
    assert CONTENT == store.checkpoint(job_id)


def test_a_retried_job_begins_its_checkpoints_anew(store: Store) -> None:
    """
    Once a checkpoint is spent, its progress counts no longer.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.keep_checkpoint(lease, b"far", 106)
    store.finish(lease, failed(Reason.SCF))
    store.retry([job_id], owner=None)
    store.keep_checkpoint(claim(store).lease, CONTENT, 1)

    assert CONTENT == store.checkpoint(job_id)


def test_an_attempt_with_a_checkpoint_begins_with_its_progress(store: Store) -> None:
    """
    The next attempt goes on from there: the record shows no less meanwhile.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    reached = Progress(fraction=0.25, phase="freq", step=60, energy_hartree=-5.0)
    store.progress(lease, reached)
    store.keep_checkpoint(lease, CONTENT, 61)
    store.give_back(lease, "drained")
    claimed = claim(store)

    assert [reached, reached] == [claimed.job.progress, store.get(job_id).progress]
    store.give_back(claimed.lease, "drained")
    assert reached == store.get(job_id).progress


def test_a_stale_attempt_keeps_nothing(store: Store) -> None:
    """
    Under an old fence a checkpoint is refused, and the newer one stays.
    """
    (job_id,) = submit_named(store, "a")
    stale, good = give_back_and_reclaim(store)
    store.keep_checkpoint(good, CONTENT, 2)

    with pytest.raises(LeaseLost):
        store.keep_checkpoint(stale, b"stale", 3)
    assert CONTENT == store.checkpoint(job_id)


def test_a_checkpoint_is_no_event(store: Store) -> None:
    """
    The change stream tells of states only.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    before = history(store, job_id)
    store.keep_checkpoint(lease, CONTENT, 2)

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
        store.keep_checkpoint(lease, CONTENT, 2)
        store.finish(lease, ended)

    assert [None] * 3 == [store.checkpoint(job_id) for job_id in (done, broken, again)]


def test_a_job_that_ends_while_it_waits_leaves_no_checkpoint(store: Store) -> None:
    """
    Cancelled after it was given back, or given back once too often.
    """
    (cancelled,) = submit_named(store, "cancelled")
    lease = claim(store).lease
    store.keep_checkpoint(lease, CONTENT, 2)
    store.give_back(lease, "drained")
    store.cancel([cancelled], owner=None)
    (useless,) = submit_named(store, "useless")
    lease = claim(store).lease
    store.keep_checkpoint(lease, CONTENT, 2)
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
    store.keep_checkpoint(claim(store).lease, CONTENT, 2)
    store.tick(beat(OTHER_WORKER))
    vandal.run_out(job_id)

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    assert CONTENT == store.checkpoint(job_id)
