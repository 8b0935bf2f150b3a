"""The store's contract: who gets which job, in which order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.stores import (
    ADA,
    BOB,
    OTHER_WORKER,
    WORKER,
    claim,
    claimant,
    claimed_names,
    history,
    new_job,
    outcome,
    submit,
    submit_named,
)
from workers.job import JobState, Lease

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.values import Claim, Claimant


def test_a_claimed_job_runs_under_a_fence(store: Store) -> None:
    """
    A claim makes attempt 1, whose number is the fence, and hands over all that a run needs.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)

    assert Lease(job_id, 1, WORKER) == found.lease
    assert store.get(job_id) == found.job
    assert (JobState.RUNNING, 1, WORKER) == (found.job.state, found.job.attempt, found.job.worker)
    assert (found.job.started_ms or 0) >= found.job.created_ms
    assert store.spec(job_id) == found.spec_json
    assert [JobState.QUEUED, JobState.RUNNING] == history(store, job_id)


def test_store_claiming_nothing_ready_is_nothing_claimed(store: Store) -> None:
    """
    An empty store, and one whose only job runs, have nothing to give.
    """
    assert store.claim(claimant()) is None
    submit_named(store, "a")
    claim(store)
    assert store.claim(claimant()) is None


def test_the_highest_priority_comes_first(store: Store) -> None:
    """
    Priorities are strict, whenever the jobs came.
    """
    for name, priority in (("none", 0), ("low", -100), ("high", 100), ("some", 1), ("less", -1)):
        submit_named(store, name, priority=priority)

    assert ["high", "some", "none", "less", "low"] == claimed_names(store)


def test_the_oldest_comes_first_at_equal_priority(store: Store) -> None:
    """
    Within one submit and over several, the order of the numbers is the order of the runs.
    """
    submit_named(store, "a b c")
    submit_named(store, "d e")

    assert ["a", "b", "c", "d", "e"] == claimed_names(store)


def test_a_late_job_of_higher_priority_overtakes(store: Store) -> None:
    """
    The best job is chosen at the moment of the claim.
    """
    submit_named(store, "a b")
    assert "a" == claim(store).job.name
    submit_named(store, "urgent", priority=50)

    assert ["urgent", "b"] == claimed_names(store)


def test_owners_alternate_at_equal_priority(store: Store) -> None:
    """
    The owner served least recently comes next, so a large batch does not shut others out.
    """
    submit_named(store, "a1 a2 a3")
    submit_named(store, "b1 b2", owner=BOB)

    assert ["a1", "b1", "a2", "b2", "a3"] == claimed_names(store)


def test_priority_goes_before_owners(store: Store) -> None:
    """
    Taking turns is for equals.
    """
    submit_named(store, "a1 a2", priority=1)
    submit_named(store, "b1", owner=BOB)

    assert ["a1", "a2", "b1"] == claimed_names(store)


def test_a_worker_may_serve_one_owner_only(store: Store) -> None:
    """
    Nobody computes for others unasked.
    """
    submit_named(store, "a")
    submit_named(store, "b", owner=BOB, priority=100)

    assert ["a"] == claimed_names(store, owner=ADA)
    assert [] == claimed_names(store, owner="nobody")
    assert ["b"] == claimed_names(store, owner=BOB)


def test_the_same_claim_again_gets_the_same_attempt(store: Store) -> None:
    """
    If the reply was lost, the repetition finds what the first call took, even if better jobs came since.
    """
    submit_named(store, "a b")
    asked = claimant()
    first = store.claim(asked)
    submit_named(store, "urgent", priority=100)

    assert first is not None
    assert first == store.claim(asked)
    assert [JobState.QUEUED, JobState.RUNNING] == history(store, first.job.id)


def test_store_claiming_another_claim_gets_another_job(store: Store) -> None:
    """
    The token is worker, slot and sequence: where one differs it is another claim.
    """
    submit_named(store, "a b c d")
    asked = [
        claimant(slot=0, sequence=1),
        claimant(slot=0, sequence=2),
        claimant(slot=1, sequence=1),
        claimant(OTHER_WORKER, slot=0, sequence=1),
    ]

    assert ["a", "b", "c", "d"] == [found.job.name for c in asked if (found := store.claim(c))]


def test_a_claim_that_found_nothing_may_find_something_when_repeated(store: Store) -> None:
    """
    An empty answer binds nobody.
    """
    asked = claimant()
    assert store.claim(asked) is None
    submit_named(store, "a")

    found = store.claim(asked)
    assert found is not None
    assert "a" == found.job.name


def test_the_fence_grows_with_every_claim(store: Store) -> None:
    """
    Each attempt has a number of its own, greater than the last.
    """
    submit_named(store, "a")
    fences = []
    for _ in range(2):
        found = claim(store)
        fences.append(found.lease.fence)
        store.give_back(found.lease, "drained")

    assert [1, 2, 3] == [*fences, claim(store).lease.fence]


def test_eight_threads_never_get_one_job_twice(store: Store, another: Store) -> None:
    """
    However many claim at once, through one connection or several, each job is handed out once.
    """
    ids = submit(store, *(new_job() for _ in range(200)))

    def drain(slot: int) -> list[str]:
        through = store if slot % 2 else another
        taken = []
        while found := through.claim(claimant(slot=slot)):
            taken.append(found.job.id)
            through.finish(found.lease, outcome())
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [job_id for part in threads.map(drain, range(8)) for job_id in part]

    assert sorted(ids) == sorted(taken)
    assert {JobState.DONE: 200} == dict(store.counts())
    assert all(
        [JobState.QUEUED, JobState.RUNNING, JobState.DONE] == history(store, job_id) for job_id in ids[:5]
    )


def test_store_claiming_one_token_from_many_threads_is_one_claim(store: Store) -> None:
    """
    Repetitions that overlap still take one job.
    """
    submit_named(store, "a b c")
    asked = claimant()

    def ask(claimant: Claimant) -> Claim | None:
        return store.claim(claimant)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, [asked] * 16))

    assert [found[0]] * 16 == found
    assert {JobState.QUEUED: 2, JobState.RUNNING: 1} == dict(store.counts())
