"""The store's contract: jobs of workers that fell silent are taken back."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.stores import (
    OTHER_WORKER,
    WORKER,
    beat,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    outcome,
    submit_named,
)
from tests.support.waiting import wait_until
from workers.errors import LeaseLost
from workers.job import MAX_LOSSES, JobState, Progress, Reason
from workers.result import NOTHING, OutcomeRecord
from workers.store.base import LEASE_S
from workers.store.values import Query

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

QUEUED, RUNNING = JobState.QUEUED, JobState.RUNNING
LIMIT_S = 3 * LEASE_S


def reap(store: Store, job_id: str) -> None:
    """Tick as another worker until this job was taken back."""
    taken: list[str] = []

    def took() -> bool:
        taken.extend(store.tick(beat(OTHER_WORKER)).reaped)
        return job_id in taken

    wait_until(took, LIMIT_S, "the job to be taken back")
    assert [job_id] == [name for name in taken if name == job_id]


def test_a_silent_worker_loses_its_job_after_a_lease(store: Store) -> None:
    """
    Without a renewal the job is queued again, not before a whole lease has passed by the store's clock.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    reap(store, job_id)

    claimed, lost = store.events("0").items[-2:]
    assert lost.at_ms - claimed.at_ms >= LEASE_S * 1_000
    assert [QUEUED, RUNNING, QUEUED] == history(store, job_id)
    assert Reason.WORKER_LOST is lost.reason
    assert [False] == [renewal.alive for renewal in store.renew([lease])]


def test_store_reaping_who_was_away_itself_judges_nobody(store: Store, vandal: Vandal) -> None:
    """
    A worker that has just come into contact takes no job whose lease ran out, and is not called for it; what
    falls due it does release.
    """
    (job_id,) = submit_named(store, "a")
    claim(store)
    vandal.run_out(job_id)
    (due_id,) = submit_named(store, "b", begin_ms=time.time_ns() // 1_000_000 + 60_000)
    vandal.fall_due(due_id)
    tick = store.tick(beat(OTHER_WORKER), may_reap=False)

    assert ((), (due_id,)) == (tick.reaped, tick.released)
    assert tick.next_event_s is None or tick.next_event_s > 0.5
    assert [RUNNING, QUEUED] == [job.state for job in store.get_many([job_id, due_id])]
    reap(store, job_id)


def test_a_renewed_lease_outlives_an_unrenewed_one(store: Store) -> None:
    """
    A worker that renews keeps its job beyond a lease, while one beside it that fell silent loses its own.
    """
    kept, lost = submit_named(store, "a b")
    lease, _ = claim(store).lease, claim(store)
    taken: list[str] = []

    def lost_one() -> bool:
        assert [True] == [renewal.alive for renewal in store.renew([lease])]
        taken.extend(store.tick(beat(OTHER_WORKER)).reaped)
        return lost in taken

    wait_until(lost_one, LIMIT_S, "the silent worker's job to be taken back")

    assert [lost] == taken
    assert [RUNNING, QUEUED] == [job.state for job in store.get_many([kept, lost])]
    store.finish(lease, outcome())


def test_a_job_that_was_lost_counts_it_and_waits_again(store: Store, vandal: Vandal) -> None:
    """
    The loss is counted, the attempt kept, and the next claim has the next fence.
    """
    (job_id,) = submit_named(store, "a")
    claim(store)
    vandal.run_out(job_id)
    reap(store, job_id)

    job = store.get(job_id)
    assert (QUEUED, 1, 0) == (job.state, job.losses, job.releases)
    assert ["worker_lost"] == [attempt.ended_as for attempt in store.attempts(job_id)]
    assert 2 == claim(store, OTHER_WORKER).lease.fence
    assert store.get(job_id).reason is None


def test_a_resumed_worker_cannot_write(store: Store, vandal: Vandal) -> None:
    """
    The attempt whose job was taken back writes nothing, before and after another has begun.
    """
    (job_id,) = submit_named(store, "a")
    lost = claim(store).lease
    vandal.run_out(job_id)
    reap(store, job_id)

    for _ in range(2):
        with pytest.raises(LeaseLost):
            store.progress(lost, Progress(step=1))
        with pytest.raises(LeaseLost):
            store.finish(lost, outcome(), claimant())
        with pytest.raises(LeaseLost):
            store.give_back(lost, "late")
        store.claim(claimant(OTHER_WORKER))
    assert (RUNNING, 2) == (store.get(job_id).state, store.get(job_id).attempt)


def test_a_job_that_is_lost_too_often_is_failed(store: Store, vandal: Vandal) -> None:
    """
    What takes its worker down three times is not handed out a fourth time, and its last attempt has no say.
    """
    (job_id,) = submit_named(store, "a")
    for _ in range(MAX_LOSSES):
        lease = claim(store).lease
        vandal.run_out(job_id)
        reap(store, job_id)

    job = store.get(job_id)
    assert (JobState.FAILED, Reason.WORKER_LOST, MAX_LOSSES) == (job.state, job.reason, job.losses)
    assert job.ended_ms is not None
    assert [QUEUED, RUNNING] * MAX_LOSSES + [JobState.FAILED] == history(store, job_id)
    with pytest.raises(LeaseLost):
        store.finish(lease, outcome())
    assert JobState.FAILED is store.get(job_id).state


def test_store_reaping_what_is_known_of_a_job_lost_too_often_is_kept(store: Store, vandal: Vandal) -> None:
    """
    Its outcome names the workers it took down, when, and how far the last attempt had come, with a hint.
    """
    (job_id,) = submit_named(store, "a")
    for worker in (WORKER, OTHER_WORKER, WORKER):
        lease = claim(store, worker).lease
        vandal.run_out(job_id)
        if worker == WORKER:
            store.progress(lease, Progress(phase="opt", step=12))
        reap(store, job_id)

    record = msgspec.json.decode(store.outcomes([job_id])[job_id], type=OutcomeRecord)
    assert (3, WORKER, NOTHING, ()) == (record.attempt, record.worker, record.result, record.warnings)
    assert record.failure is not None
    assert Reason.WORKER_LOST is record.failure.reason
    assert "worker lost 3 times: node07, node08, node07" == record.failure.message
    assert "nox run" in record.failure.hint
    *tries, reached = record.failure.evidence
    assert "attempt 3 had reported opt step 12" == reached
    told = [re.sub(r"\d+\.\d s", "T s", line) for line in tries]
    workers = enumerate((WORKER, OTHER_WORKER, WORKER), start=1)
    assert [f"attempt {n} on {worker}: taken back T s after its start" for n, worker in workers] == told


def test_store_reaping_only_unexplained_ends_count_as_losses(store: Store, vandal: Vandal) -> None:
    """
    Returns, retried failures and the ends of pauses leave the count as it is; the third loss is the last.
    """
    (job_id,) = submit_named(store, "a", retries=1, retry_on=frozenset({Reason.CRASHED}))
    for loss in range(1, MAX_LOSSES + 1):
        store.give_back(claim(store).lease, "drained")
        lease = claim(store).lease
        store.progress(lease, Progress(step=loss))
        store.keep_checkpoint(lease, b"got so far", loss)
        if loss == 1:
            store.finish(lease, failed(Reason.CRASHED))
            vandal.fall_due(job_id)
            store.tick(beat())
            claim(store)
        assert loss - 1 == store.get(job_id).losses
        vandal.run_out(job_id)
        reap(store, job_id)

    job = store.get(job_id)
    assert (JobState.FAILED, Reason.WORKER_LOST, MAX_LOSSES) == (job.state, job.reason, job.losses)
    ended = [tried.ended_as for tried in store.attempts(job_id)]
    assert ["given_back", "crashed", "worker_lost"] == ended[:3]
    assert ["given_back", "worker_lost", "given_back"] == ended[3:]
    (outcome_json,) = store.outcomes([job_id]).values()
    assert "worker lost 3 times: node07, node07, node07" in outcome_json
    assert 3 == outcome_json.count("taken back")


def test_a_lost_job_whose_cancel_was_requested_is_cancelled(store: Store, vandal: Vandal) -> None:
    """
    A cancelled job never runs again.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.cancel([job_id], owner=None)
    vandal.run_out(job_id)
    reap(store, job_id)

    job = store.get(job_id)
    assert (JobState.CANCELLED, Reason.USER) == (job.state, job.reason)
    with pytest.raises(LeaseLost):
        store.finish(lease, outcome(JobState.CANCELLED, Reason.USER))


def test_a_lost_job_leaves_its_lane(store: Store, vandal: Vandal) -> None:
    """
    What a lost worker had reserved is anyone's.
    """
    (job_id,) = submit_named(store, "a", lane=WORKER)
    claim(store, lanes=frozenset({"", WORKER}))
    vandal.run_out(job_id)
    reap(store, job_id)

    assert "" == store.get(job_id).lane
    assert ["a"] == claimed_names(store, worker=OTHER_WORKER)


def test_the_lane_of_a_worker_that_is_gone_is_opened(store: Store) -> None:
    """
    Jobs that wait for a worker nobody hears of any more are anyone's after a while.
    """
    submit_named(store, "a", lane=WORKER)
    store.tick(beat(WORKER, lane_only=True))

    def opened() -> bool:
        store.tick(beat(OTHER_WORKER))
        return "" == store.page(Query()).items[0].lane

    wait_until(opened, LIMIT_S, "the lane to be opened")
    assert ["a"] == claimed_names(store, worker=OTHER_WORKER)


def test_a_tick_says_when_something_falls_due(store: Store) -> None:
    """
    While a job runs, its lease's end is what to wait for.
    """
    submit_named(store, "a")
    claim(store)
    due = store.tick(beat(OTHER_WORKER)).next_event_s

    assert due is not None
    assert 0 <= due <= LEASE_S
