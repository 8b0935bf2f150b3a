"""The store's contract: an attempt that lost its lease changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    OTHER_WORKER,
    artifact,
    claim,
    claimant,
    give_back_and_reclaim,
    outcome,
    submit_named,
)
from workers.errors import LeaseLost
from workers.job import JobState, Lease, Progress
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store

    Write = Callable[[Store, Lease], object]

WRITES: dict[str, Write] = {
    "checkpoint": lambda store, lease: store.keep_checkpoint(lease, b"stale", 99),
    "progress": lambda store, lease: store.progress(lease, Progress(fraction=0.9, step=99)),
    "points": lambda store, lease: store.progress(lease, Progress(step=99), [Point(99, -1.0, 0.1)]),
    "finish": lambda store, lease: store.finish(lease, outcome(artifacts=(artifact("stale.xyz"),))),
    "fail": lambda store, lease: store.finish(lease, outcome(JobState.FAILED)),
    "finish and claim": lambda store, lease: store.finish(lease, outcome(), claimant()),
    "give_back": lambda store, lease: store.give_back(lease, "stale"),
}


def everything(store: Store, job_id: str) -> tuple[object, ...]:
    """Read all that a stale write could have changed."""
    return (
        store.get(job_id),
        store.attempts(job_id),
        store.artifacts(job_id),
        store.outcomes([job_id]),
        store.points([job_id]),
        store.events("0").items,
        dict(store.counts()),
    )


@pytest.fixture(params=list(WRITES.values()), ids=list(WRITES))
def write(request: pytest.FixtureRequest) -> Write:
    """One way in which an attempt writes."""
    chosen: Write = request.param
    return chosen


def test_a_stale_attempt_cannot_write(store: Store, write: Write) -> None:
    """
    After another attempt was made, the earlier one's write is refused and leaves no trace.
    """
    (job_id, _) = submit_named(store, "a b")
    stale, good = give_back_and_reclaim(store)
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        write(store, stale)
    assert before == everything(store, job_id)
    store.finish(good, outcome())
    assert JobState.DONE is store.get(job_id).state


def test_a_stale_attempt_cannot_write_after_the_end(store: Store, write: Write) -> None:
    """
    When the newer attempt has ended the job, its result stands.
    """
    (job_id, _) = submit_named(store, "a b")
    stale, good = give_back_and_reclaim(store)
    store.finish(good, outcome(outcome_json='{"by":2}', artifacts=(artifact("opt.xyz", "by 2"),)))
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        write(store, stale)
    assert before == everything(store, job_id)
    assert artifact("opt.xyz", "by 2") == store.artifact(job_id, "opt.xyz")


def test_a_fence_from_the_future_is_none(store: Store, write: Write) -> None:
    """
    Only the very fence that was given out writes, not a greater one.
    """
    (job_id, _) = submit_named(store, "a b")
    lease = claim(store).lease
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        write(store, lease._replace(fence=lease.fence + 1))
    assert before == everything(store, job_id)


def test_anothers_fence_is_none(store: Store, write: Write) -> None:
    """
    A store that lost its last second gives a fence out anew: who had it before owns the job neither while the
    other runs it nor after its end.
    """
    (job_id, _) = submit_named(store, "a b")
    lease = claim(store).lease
    earlier = lease._replace(worker=OTHER_WORKER)
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        write(store, earlier)
    assert [False] == [renewal.alive for renewal in store.renew([earlier])]
    assert before == everything(store, job_id)
    store.finish(lease, outcome())
    before = everything(store, job_id)
    with pytest.raises(LeaseLost):
        write(store, earlier)
    assert before == everything(store, job_id)


def test_a_job_nobody_claimed_cannot_be_written(store: Store, write: Write) -> None:
    """
    Neither a waiting job nor one that does not exist has a fence; zero is none either.
    """
    (job_id,) = submit_named(store, "a")
    before = everything(store, job_id)

    for lease in (
        Lease(job_id, 0, OTHER_WORKER),
        Lease(job_id, 1, OTHER_WORKER),
        Lease("f" * 32, 1, "w-1-a"),
    ):
        with pytest.raises(LeaseLost):
            write(store, lease)
    assert before == everything(store, job_id)


@pytest.mark.parametrize("name", ["progress", "give_back"])
def test_an_ended_job_cannot_be_written_by_its_own_attempt(store: Store, name: str) -> None:
    """
    After its finish an attempt has nothing more to say; only the finish may be repeated.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.finish(lease, outcome())
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        WRITES[name](store, lease)
    assert before == everything(store, job_id)


@pytest.mark.parametrize("name", ["progress", "finish", "finish and claim"])
def test_a_job_that_was_given_back_cannot_be_written(store: Store, name: str) -> None:
    """
    Whoever gave a job back does not own it any more, even while nobody else does.
    """
    (job_id, _) = submit_named(store, "a b")
    lease = claim(store).lease
    store.give_back(lease, "drained")
    before = everything(store, job_id)

    with pytest.raises(LeaseLost):
        WRITES[name](store, lease)
    assert before == everything(store, job_id)


def test_a_refused_finish_claims_nothing(store: Store) -> None:
    """
    Finish and the next claim are one step: if the first is refused the second does not happen.
    """
    submit_named(store, "a b")
    stale, _ = give_back_and_reclaim(store)
    asked = claimant()

    with pytest.raises(LeaseLost):
        store.finish(stale, outcome(), asked)
    assert {JobState.QUEUED: 1, JobState.RUNNING: 1} == dict(store.counts())
    found = store.claim(asked)
    assert found is not None
    assert "b" == found.job.name
