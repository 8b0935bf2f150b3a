"""The store's contract: how an attempt ends its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import artifact, claim, claimant, ended_at, failed, history, outcome, submit_named
from workers.job import JobState, Reason
from workers.store.values import Outcome

if TYPE_CHECKING:
    from workers.store.base import Store


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (JobState.DONE, None),
        (JobState.FAILED, Reason.NOT_CONVERGED),
        (JobState.FAILED, Reason.CRASHED),
        (JobState.CANCELLED, Reason.USER),
    ],
)
def test_a_job_ends_as_its_attempt_says(store: Store, state: JobState, reason: Reason | None) -> None:
    """
    State, reason and time of the end are recorded, with one event.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)
    assert store.finish(found.lease, outcome(state, reason)) is None

    job = store.get(job_id)
    assert (state, reason, 1, found.job.worker) == (job.state, job.reason, job.attempt, job.worker)
    assert (job.ended_ms or 0) >= (job.started_ms or 0) > 0
    assert [JobState.QUEUED, JobState.RUNNING, state] == history(store, job_id)
    assert reason is store.events("0").items[-1].reason


def test_finishing_again_changes_nothing(store: Store) -> None:
    """
    The repetition of a finish whose reply was lost is no error, and what stood first stays.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    first = outcome(artifacts=(artifact("opt.xyz", "first"),), progress=ended_at(-1.0))
    store.finish(lease, first)
    before = (store.get(job_id), store.outcomes([job_id]), store.events("0"))
    store.finish(lease, first)
    store.finish(
        lease,
        failed(
            artifacts=(artifact("opt.xyz", "second"),),
            progress=ended_at(-2.0),
        ),
    )

    assert before == (store.get(job_id), store.outcomes([job_id]), store.events("0"))
    assert artifact("opt.xyz", "first") == store.artifact(job_id, "opt.xyz")


def test_finish_claims_the_next_job_in_the_same_step(store: Store) -> None:
    """
    A busy slot needs one call a job.
    """
    a, b = submit_named(store, "a b")
    first = claim(store)
    second = store.finish(first.lease, outcome(), claimant())

    assert second is not None
    assert (b, 1) == (second.job.id, second.lease.fence)
    assert [JobState.DONE, JobState.RUNNING] == [job.state for job in store.get_many([a, b])]
    assert store.finish(second.lease, outcome(), claimant()) is None


def test_finish_and_claim_can_be_repeated_together(store: Store) -> None:
    """
    If the reply was lost, the repetition returns the job that the first call claimed.
    """
    submit_named(store, "a b c")
    first = claim(store)
    asked = claimant()
    second = store.finish(first.lease, outcome(), asked)

    assert second is not None
    assert second == store.finish(first.lease, outcome(), asked)
    assert {JobState.DONE: 1, JobState.RUNNING: 1, JobState.QUEUED: 1} == dict(store.counts())


def test_finish_claims_by_the_same_rules(store: Store) -> None:
    """
    The next job is the best that fits, not the next in line.
    """
    submit_named(store, "a")
    first = claim(store)
    submit_named(store, "wide", cores=64, priority=100)
    submit_named(store, "plain")
    submit_named(store, "better", priority=1)
    second = store.finish(first.lease, outcome(), claimant())

    assert second is not None
    assert "better" == second.job.name


def test_a_job_that_was_cancelled_while_running_ends_as_cancelled(store: Store) -> None:
    """
    Whatever its attempt says short of a result: the user cancelled it.
    """
    a, b = submit_named(store, "a b")
    first, second = claim(store), claim(store)
    store.cancel([a, b], owner=None)
    store.finish(first.lease, failed(Reason.CRASHED))
    store.finish(second.lease, outcome(JobState.CANCELLED, Reason.USER))

    ends = [(job.state, job.reason) for job in store.get_many([a, b])]
    assert [(JobState.CANCELLED, Reason.USER)] * 2 == ends
    assert [JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED] == history(store, a)


def test_a_result_that_came_before_the_cancel_counts(store: Store) -> None:
    """
    A job whose attempt is done is done, even if its cancel was on the way.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)
    store.cancel([job_id], owner=None)
    store.finish(found.lease, outcome())

    assert (JobState.DONE, None) == (store.get(job_id).state, store.get(job_id).reason)


def test_a_finish_carries_artifacts_of_any_bytes(store: Store) -> None:
    """
    Artifacts and the outcome are there the moment the job has ended, for other processes too.
    """
    (job_id,) = submit_named(store, "a")
    files = tuple(artifact(name, text) for name, text in (("a", ""), ("b", "\x00\xff" * 9_000), ("c d", "x")))
    store.finish(claim(store).lease, Outcome(JobState.DONE, None, "{}", artifacts=files))

    assert {item.name: item for item in files} == {
        item.name: store.artifact(job_id, item.name) for item in store.artifacts(job_id)
    }


def test_the_artifacts_of_a_failed_job_are_kept(store: Store) -> None:
    """
    What a failed attempt left is there to be looked at.
    """
    (job_id,) = submit_named(store, "a")
    store.finish(claim(store).lease, failed(artifacts=(artifact("engine.log"),)))

    assert artifact("engine.log") == store.artifact(job_id, "engine.log")
    assert [job_id] == list(store.outcomes([job_id]))
