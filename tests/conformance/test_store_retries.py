"""The store's contract: a failure that is to be retried is followed by another try, after a pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import (
    OTHER_WORKER,
    WORKER,
    artifact,
    beat,
    claim,
    claimant,
    failed,
    history,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from tests.support.waiting import wait_until
from workers.errors import LeaseLost
from workers.job import (
    MAX_LOSSES,
    RETRIABLE,
    RETRY_PAUSES_MS,
    JobState,
    Reason,
    retry_pause_ms,
)
from workers.store.values import Query

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.job import Job
    from workers.store.base import Store

QUEUED, RUNNING, SCHEDULED = JobState.QUEUED, JobState.RUNNING, JobState.SCHEDULED
FAILED, DONE = JobState.FAILED, JobState.DONE
CRASHED = frozenset({Reason.CRASHED})
LIMIT_S = 30.0


def submit_retried(store: Store, retries: int = 2, **changes: Any) -> str:
    """Store a job that is tried again after a crash; its id."""
    (job_id,) = submit(store, new_job("a", **{"retries": retries, "retry_on": CRASHED, **changes}))
    return job_id


def crash(store: Store, **changes: Any) -> Job:
    """Claim the one job there is and let its attempt crash; the job as it is then."""
    found = claim(store, **changes)
    store.finish(found.lease, failed(Reason.CRASHED, message="engine crashed: SIGSEGV"))
    return store.get(found.job.id)


def fall_due(store: Store, vandal: Vandal, job_id: str) -> None:
    """Let the pause of a scheduled job be over, and tick."""
    vandal.fall_due(job_id)
    assert (job_id,) == store.tick(beat()).released


def test_store_retries_what_was_asked_is_in_the_record(store: Store) -> None:
    """
    Retries and reasons are kept; nothing is asked unless somebody does; input errors cannot be asked for.
    """
    plain, asked = submit(
        store,
        new_job("plain"),
        new_job("asked", retries=3, retry_on=RETRIABLE | {Reason.INPUT}),
    )

    job = store.get(plain)
    assert (0, frozenset(), 0, None) == (job.retries, job.retry_on, job.retried, job.due_ms)
    job = store.get(asked)
    assert (3, RETRIABLE, 3) == (job.retries, job.retry_on, job.retries_left)


def test_a_failure_to_be_retried_waits_for_its_next_try(store: Store) -> None:
    """
    The job is scheduled in the step that records the failure; the attempt is an earlier one, with its reason,
    message, outcome and files.
    """
    job_id = submit_retried(store)
    found = claim(store)
    ended = failed(Reason.CRASHED, message="engine crashed: SIGSEGV", artifacts=(artifact("engine.log"),))
    assert store.finish(found.lease, ended) is None

    job = store.get(job_id)
    assert (SCHEDULED, Reason.CRASHED, 1, 1) == (job.state, job.reason, job.retried, job.retries_left)
    assert [QUEUED, RUNNING, SCHEDULED] == history(store, job_id)
    assert Reason.CRASHED is store.events("0").items[-1].reason
    assert {SCHEDULED: 1} == dict(store.counts())
    assert ({}, []) == (store.outcomes([job_id]), store.artifacts(job_id))
    assert ended.outcome_json == store.outcome(job_id, 1)
    assert artifact("engine.log") == store.artifact(job_id, "engine.log", 1)
    (tried,) = store.attempts(job_id)
    told = (tried.number, tried.worker, tried.ended_as, tried.message)
    assert (1, WORKER, "crashed", "engine crashed: SIGSEGV") == told
    assert (job.due_ms or 0) == tried.ended_ms + retry_pause_ms(job_id, 0)
    assert job.ended_ms is None
    assert store.claim(claimant()) is None


def test_pauses_grow_and_differ_between_jobs(store: Store, vandal: Vandal) -> None:
    """
    10 s, 1 min and 5 min, each longer by a fifth at most, by the job's id alone, as the function says.
    """
    ids = [f"{start}{'0' * 28}" for start in ("0000", "8000", "ffff")]
    submit(store, *(new_job(job_id, id=job_id, retries=4, retry_on=CRASHED) for job_id in ids))
    pauses: list[list[int]] = []
    for _ in range(4):
        jobs = [crash(store) for _ in ids]
        ended = {job.id: store.attempts(job.id)[-1].ended_ms for job in jobs}
        pauses.append([(job.due_ms or 0) - ended[job.id] for job in store.get_many(ids)])
        for job_id in ids:
            fall_due(store, vandal, job_id)

    assert [[retry_pause_ms(job_id, retried) for job_id in ids] for retried in range(4)] == pauses
    bases = [*RETRY_PAUSES_MS, RETRY_PAUSES_MS[-1]]
    assert bases == [first for first, _, _ in pauses]
    assert all(
        base < middle < last < 1.2 * base for base, (_, middle, last) in zip(bases, pauses, strict=True)
    )


def test_a_tick_queues_what_fell_due(store: Store, vandal: Vandal) -> None:
    """
    Not before its time; the next attempt has the next fence, and the pause has left no trace.
    """
    job_id = submit_retried(store)
    crash(store)
    early = store.tick(beat())
    assert () == early.released
    assert 0 < (early.next_event_s or 0) <= 1.2 * RETRY_PAUSES_MS[0] / 1_000
    fall_due(store, vandal, job_id)

    job = store.get(job_id)
    assert (QUEUED, None, 1) == (job.state, job.due_ms, job.attempt)
    found = claim(store)
    assert (job_id, 2) == (found.job.id, found.lease.fence)
    assert () == store.tick(beat()).released
    store.finish(found.lease, outcome())
    assert (DONE, None) == (store.get(job_id).state, store.get(job_id).reason)
    assert [QUEUED, RUNNING, SCHEDULED, QUEUED, RUNNING, DONE] == history(store, job_id)


def test_the_last_failure_ends_the_job(store: Store, vandal: Vandal) -> None:
    """
    Retries are counted: after the last the failure stands, with its outcome.
    """
    job_id = submit_retried(store, retries=2)
    for _ in range(2):
        assert SCHEDULED is crash(store).state
        fall_due(store, vandal, job_id)
    job = crash(store)

    assert (FAILED, Reason.CRASHED, 3, 0) == (job.state, job.reason, job.attempt, job.retries_left)
    assert ["crashed", "crashed"] == [tried.ended_as for tried in store.attempts(job_id)]
    assert [job_id] == list(store.outcomes([job_id]))


@pytest.mark.parametrize("reason", [Reason.INPUT, Reason.SCF, Reason.TIMEOUT, Reason.INTERNAL])
def test_store_retries_other_failures_end_the_job(store: Store, reason: Reason) -> None:
    """
    What was not asked to be retried is not, and an input error never is.
    """
    job_id = submit_retried(store, retry_on=CRASHED | {Reason.INPUT})
    run_to_end(store, job_id, failed(reason))

    assert (FAILED, reason) == (store.get(job_id).state, store.get(job_id).reason)


@pytest.mark.parametrize("reason", sorted(RETRIABLE - {Reason.WORKER_LOST}))
def test_every_kind_of_failure_can_be_asked_for(store: Store, reason: Reason) -> None:
    """
    Each of the kinds `--retry-on` names is retried if it alone is named.
    """
    job_id = submit_retried(store, retry_on=frozenset({reason}))
    run_to_end(store, job_id, failed(reason))

    assert (SCHEDULED, reason) == (store.get(job_id).state, store.get(job_id).reason)


def test_a_scheduled_job_is_cancelled_at_once(store: Store) -> None:
    """
    And never runs again.
    """
    job_id = submit_retried(store)
    crash(store)
    (answer,) = store.cancel([job_id], owner=None)

    assert (SCHEDULED, JobState.CANCELLED) == (answer.before, answer.after)
    job = store.get(job_id)
    assert (JobState.CANCELLED, Reason.USER, None) == (job.state, job.reason, job.due_ms)
    tick = store.tick(beat())
    assert ((), None) == (tick.released, tick.next_event_s)
    assert store.claim(claimant()) is None


def test_a_job_whose_cancel_was_requested_is_not_retried(store: Store) -> None:
    """
    The cancel wins over the retry.
    """
    job_id = submit_retried(store)
    found = claim(store)
    store.cancel([job_id], owner=None)
    store.finish(found.lease, failed(Reason.CRASHED))

    assert (JobState.CANCELLED, Reason.USER) == (store.get(job_id).state, store.get(job_id).reason)


def test_a_retry_is_recorded_once(store: Store, vandal: Vandal) -> None:
    """
    The repetition of a finish whose reply was lost changes nothing; after the next claim it is refused.
    """
    job_id = submit_retried(store)
    found = claim(store)
    ended = failed(Reason.CRASHED)
    for _ in range(2):
        store.finish(found.lease, ended)
    assert 1 == store.get(job_id).retried
    fall_due(store, vandal, job_id)
    store.finish(found.lease, ended)
    assert QUEUED is store.get(job_id).state
    claim(store)
    with pytest.raises(LeaseLost):
        store.finish(found.lease, ended)

    assert [QUEUED, RUNNING, SCHEDULED, QUEUED, RUNNING] == history(store, job_id)


def test_the_step_that_schedules_a_retry_claims_the_next_job(store: Store) -> None:
    """
    The slot goes on with other work during the pause.
    """
    submit_retried(store)
    found = claim(store)
    (other,) = submit_named(store, "other")
    following = store.finish(found.lease, failed(Reason.CRASHED), claimant())

    assert following is not None
    assert other == following.job.id


def test_a_retry_stays_in_its_lane(store: Store, vandal: Vandal) -> None:
    """
    What `nox run` runs comes back to it; once that worker is gone, anybody may have it.
    """
    job_id = submit_retried(store, lane=WORKER)
    crash(store, lanes=frozenset({WORKER}))
    fall_due(store, vandal, job_id)

    assert WORKER == store.get(job_id).lane
    store.leave(WORKER)
    assert job_id == claim(store, OTHER_WORKER).job.id


def test_a_retry_takes_its_turn_by_priority_and_number(store: Store, vandal: Vandal) -> None:
    """
    Back in the queue a job stands where its number puts it.
    """
    job_id = submit_retried(store)
    crash(store)
    submit_named(store, "late")
    submit_named(store, "urgent", priority=5)
    fall_due(store, vandal, job_id)

    assert ["urgent", "a", "late"] == [claim(store).job.name for _ in range(3)]


def test_scheduled_jobs_are_listed(store: Store) -> None:
    """
    By state, and not among the ended.
    """
    job_id = submit_retried(store)
    crash(store)

    assert [job_id] == [job.id for job in store.page(Query(states=frozenset({SCHEDULED}))).items]
    assert () == store.page(Query(states=frozenset({QUEUED, FAILED}))).items


def test_losses_are_retried_only_if_asked_for(store: Store, vandal: Vandal) -> None:
    """
    A job that takes its workers down is poison, whatever else is to be retried.
    """
    job_id = submit_retried(store, retries=5, retry_on=RETRIABLE - {Reason.WORKER_LOST})
    for _ in range(MAX_LOSSES):
        claim(store)
        vandal.run_out(job_id)
        _reap(store, job_id)

    assert (FAILED, Reason.WORKER_LOST) == (store.get(job_id).state, store.get(job_id).reason)


def test_losses_that_are_retried_wait_for_it(store: Store, vandal: Vandal) -> None:
    """
    Each retry asked for allows one loss more, after a pause, and out of the lost worker's lane.
    """
    job_id = submit_retried(store, retries=1, retry_on=frozenset({Reason.WORKER_LOST}), lane=WORKER)
    states = []
    for _ in range(MAX_LOSSES + 1):
        claim(store, lanes=frozenset({"", WORKER}))
        vandal.run_out(job_id)
        _reap(store, job_id)
        states.append(store.get(job_id).state)
        if states[-1] is SCHEDULED:
            assert "" == store.get(job_id).lane
            fall_due(store, vandal, job_id)

    assert [QUEUED, QUEUED, SCHEDULED, FAILED] == states
    assert ["worker_lost"] * MAX_LOSSES == [tried.ended_as for tried in store.attempts(job_id)]


def test_a_damaged_record_does_not_stop_those_that_fall_due(store: Store, vandal: Vandal) -> None:
    """
    It is put out of the way; what is beside it is queued.
    """
    jobs = [new_job(name, retries=1, retry_on=CRASHED) for name in "ab"]
    damaged, sound = submit(store, *jobs)
    for _ in jobs:
        crash(store)
    vandal.fall_due(damaged)
    vandal.fall_due(sound)
    vandal.damage(damaged, "priority")
    store.tick(beat())

    assert QUEUED is store.get(sound).state
    assert (FAILED, Reason.DAMAGED) == (store.get(damaged).state, store.get(damaged).reason)
    assert {QUEUED: 1, FAILED: 1} == dict(store.counts())
    assert store.tick(beat()).next_event_s is None


def _reap(store: Store, job_id: str) -> None:
    wait_until(lambda: job_id in store.tick(beat(OTHER_WORKER)).reaped, LIMIT_S, "the job to be taken back")


def test_finishing_again_is_harmless_once_the_waiting_retry_was_cancelled(store: Store) -> None:
    """
    A lost reply's repetition, after the job was cancelled while it waited for its next try, changes nothing.
    """
    job_id = submit_retried(store)
    found = claim(store)
    store.finish(found.lease, failed(Reason.CRASHED))
    store.cancel([job_id], owner=None)
    before = history(store, job_id)

    store.finish(found.lease, failed(Reason.CRASHED))

    assert before == history(store, job_id)
    assert JobState.CANCELLED is store.get(job_id).state
