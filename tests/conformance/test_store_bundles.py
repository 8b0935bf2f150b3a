"""The store's contract: a slot claims several short jobs, of which one runs, and ends several at once."""

from __future__ import annotations

from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.stores import (
    ADA,
    BOB,
    OTHER_WORKER,
    WORKER,
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
from workers.job import MAX_LOSSES, JobState, Lease, Parent, Reason
from workers.store.losses import NOT_BEGUN
from workers.store.opening import open_store
from workers.store.values import Ahead, AttemptEnd, Claim, Claimant, Revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.settings import StoreSettings

QUEUED, RUNNING, DONE = JobState.QUEUED, JobState.RUNNING, JobState.DONE
ATOMS = 3
# What makes a job one that no slot claims ahead of its turn.
UNLIKE: list[dict[str, Any]] = [
    {"engine": "xtb"},
    {"kind": "sp"},
    {"atoms": ATOMS + 1},
    {"cores": 2},
    {"time_limit_s": 60},
]


def place(slot: int, held: int = 1, **changes: Any) -> Claimant:
    """Make a place of a slot that holds so many jobs already."""
    ahead = Ahead(held, "echo", "echo", ATOMS) if held else None
    return claimant(**{"slot": slot, "ahead": ahead, **changes})


def places(many: int, first_held: int = 0) -> list[Claimant]:
    """Make the places of a slot, each of which holds the jobs before it."""
    return [place(slot, first_held + slot) for slot in range(many)]


def claims(store: Store, many: int) -> list[Claim]:
    """Claim so many jobs for one slot, which must be there."""
    found = [one for one in store.claim_several(places(many)) if one is not None]
    assert many == len(found)
    return found


def named(found: Sequence[Claim | LeaseLost | None]) -> list[str | None]:
    """Name the jobs that were claimed; None: nothing was."""
    return [one.job.name if isinstance(one, Claim) else None for one in found]


def reap(store: Store, vandal: Vandal, *job_ids: str) -> None:
    """Lose jobs with their worker."""
    for job_id in job_ids:
        vandal.run_out(job_id)
    assert set(job_ids) == set(store.tick(beat(OTHER_WORKER)).reaped)


@contextmanager
def opened(settings: StoreSettings, name: str) -> Iterator[Store]:
    """Open an empty store of the same kind."""
    home = settings.home / name
    home.mkdir(mode=0o700)
    store = open_store(settings._replace(prefix=f"{name}:", home=home))
    yield store
    store.close()


# -- claiming ------------------------------------------------------------------------------------


def test_a_slot_claims_several_jobs(store: Store) -> None:
    """
    Each place gets its own attempt, in the order of the queue, with its own lease.
    """
    ids = submit_named(store, "a b c d e f")
    found = claims(store, 3)

    assert ["a", "b", "c"] == named(found)
    assert [Lease(job_id, 1, WORKER) for job_id in ids[:3]] == [one.lease for one in found]
    assert [True] * 3 == [renewal.alive for renewal in store.renew([one.lease for one in found])]
    assert {RUNNING: 3, QUEUED: 3} == dict(store.counts())
    assert [] == store.claim_several([])


def test_a_group_of_claims_may_be_repeated(store: Store) -> None:
    """
    If the reply was lost, each place finds what it took, also once a better job came or one has begun.
    """
    submit_named(store, "a b c d e f")
    asked = places(3)
    first = store.claim_several(asked)
    submit_named(store, "urgent", priority=100)
    assert first == store.claim_several(asked)

    assert isinstance(first[1], Claim)
    store.begin(first[1].lease)
    assert first == store.claim_several(asked)
    assert {RUNNING: 3, QUEUED: 4} == dict(store.counts())


@pytest.mark.parametrize("changes", UNLIKE, ids=lambda changes: next(iter(changes)))
def test_a_job_of_another_kind_is_not_claimed_ahead(store: Store, changes: dict[str, Any]) -> None:
    """
    The best job stops the claims ahead if it is unlike those that the slot holds, and comes next.
    """
    submit_named(store, "a b c d", atoms=ATOMS)
    first = claim(store)
    submit_named(store, "unlike", priority=1, **changes)
    assert [None, None] == store.claim_several([place(1), place(2)])

    asked = [AttemptEnd(first.lease, outcome(), place(0, 0))]
    assert ["unlike"] == named(store.finish_several(asked))
    assert ["b"] == named([store.claim(place(1))])


def test_a_job_with_parents_is_not_claimed_ahead(store: Store) -> None:
    """
    Neither while they run, nor afterwards.
    """
    (parent,) = submit_named(store, "parent")
    submit(store, new_job("child", parents=(Parent(parent),), priority=1))
    submit_named(store, "a b c")
    run_to_end(store, parent)

    assert store.claim(place(1)) is None
    assert "child" == claim(store).job.name
    assert ["a"] == named([store.claim(place(1))])


def test_jobs_of_a_batch_are_claimed_ahead_only_as_many_may_fail(store: Store) -> None:
    """
    If all that slots hold fail, the batch has no more failures than it may have; others know no limit.
    """
    submit_named(store, "a b c d e f g h", batch="x", max_fails=3)
    found = store.claim_several(places(4))
    assert ["a", "b", "c", None] == named(found)

    one = next(claimed for claimed in found if claimed)
    assert [None] == named(store.finish_several([AttemptEnd(one.lease, failed(), place(0, 2))]))
    assert ["d"] == named([store.claim(place(4, 1))])

    submit_named(store, "i j k l", batch="x", owner=BOB, priority=1)
    assert ["i", "j"] == named(store.claim_several([place(5, 2), place(6, 3)]))


def test_a_job_that_was_attempted_is_not_claimed_ahead(store: Store, vandal: Vandal) -> None:
    """
    One that was released, one that failed and is retried, and one that runs in a new round are claimed alone.
    """
    submit_named(store, "a b c")
    (again,) = submit_named(store, "again", priority=1, retries=1, retry_on=frozenset({Reason.SCF}))
    store.give_back(claim(store).lease, "drained", ran=False)
    assert store.claim(place(1)) is None

    store.finish(claim(store).lease, failed())
    vandal.fall_due(again)
    store.tick(beat())
    assert store.claim(place(1)) is None

    run_to_end(store, again)
    store.retry([again], owner=None, done=True)
    assert store.claim(place(1)) is None
    assert "again" == claim(store).job.name
    assert ["a"] == named([store.claim(place(1))])


def test_a_job_is_not_claimed_ahead_while_jobs_are_scarce(store: Store, vandal: Vandal) -> None:
    """
    As many jobs must be ready as the slots of all living workers would hold; a dead worker has none.
    """
    for worker in (WORKER, OTHER_WORKER):
        store.tick(beat(worker))
    submit_named(store, "a b c d e f g h i")

    assert ["a", None] == named(store.claim_several([place(0, 0), place(1, 3, slots=2)]))
    assert ["b", None] == named(store.claim_several([place(1, 2, slots=2), place(2, 2, slots=2)]))
    assert ["c", "d", "e", "f", None] == [
        name for slot in range(2, 7) for name in named([store.claim(place(slot, 1, slots=2))])
    ]
    vandal.silence(OTHER_WORKER)
    assert ["g", None] == named(store.claim_several([place(6, 1, slots=2), place(7, 2, slots=2)]))
    store.leave(WORKER)
    assert ["h", None] == named(store.claim_several([place(7, 2), place(8, 2)]))


def test_only_jobs_of_its_size_make_a_job_plentiful(store: Store) -> None:
    """
    Those of another owner or size wait for other slots.
    """
    submit_named(store, "a b")
    submit_named(store, "x y z", memory_bytes=1_000)
    submit_named(store, "p q r", owner=BOB)
    store.finish(claim(store, owner=BOB).lease, outcome())

    assert store.claim(place(1, 3)) is None
    assert ["a"] == named([store.claim(place(1, 2))])


def test_priority_and_turns_hold_for_claims_ahead(store: Store) -> None:
    """
    The places of one slot get what as many slots would have got.
    """
    submit_named(store, "a b c d")
    submit_named(store, "x y z", owner=BOB)
    submit_named(store, "urgent more", owner=BOB, priority=5)

    found = store.claim_several([place(slot) for slot in range(6)])
    assert ["urgent", "more", "a", "x", "b", "y"] == named(found)


def test_a_claim_ahead_gets_jobs_that_its_worker_serves(store: Store) -> None:
    """
    Owner, lane and time are those of any claim.
    """
    submit_named(store, "x y", owner=BOB)
    submit_named(store, "l m", lane=OTHER_WORKER)
    submit_named(store, "a b")

    assert ["a", "b", None] == named(store.claim_several([place(slot, owner=ADA) for slot in range(3)]))
    lanes = frozenset({"", OTHER_WORKER})
    assert ["l"] == named([store.claim(place(3, worker=OTHER_WORKER, owner=ADA, lanes=lanes))])


def test_waiting_jobs_are_changed_between_claims_ahead(store: Store) -> None:
    """
    Hold, cancel and a new priority act on whatever is not claimed yet.
    """
    _, b, c, d, *_ = submit_named(store, "a b c d e f g")
    assert "a" == claim(store).job.name
    store.hold([b], owner=None)
    store.cancel([c], owner=None)
    assert ["d"] == named([store.claim(place(1))])

    (late,) = submit_named(store, "late")
    store.revise([late], Revision(priority=3), owner=None)
    store.release([b], owner=None)
    assert ["late", "b"] == named(store.claim_several([place(2), place(3)]))
    assert [QUEUED, RUNNING] == history(store, d)


def test_a_claim_ahead_passes_no_job_over(store: Store, vandal: Vandal) -> None:
    """
    A better job that lacks room stops the claims ahead, and its patience does not begin.
    """
    (wide,) = submit_named(store, "wide", cores=4, priority=1)
    submit_named(store, "a b c")
    assert store.claim(place(1, cores=1, all_cores=4, all_memory_bytes=1 << 40)) is None
    with pytest.raises(AssertionError):
        vandal.lose_patience(wide)

    assert "a" == claim(store, cores=1, all_cores=4, all_memory_bytes=1 << 40).job.name
    vandal.lose_patience(wide)
    assert store.claim(place(1, cores=1, all_cores=4, all_memory_bytes=1 << 40)) is None
    assert "wide" == claim(store, cores=4, all_cores=4, all_memory_bytes=1 << 40).job.name


def test_a_damaged_job_does_not_stop_claims_ahead(store: Store, vandal: Vandal) -> None:
    """
    It is put out of the way, and the next one is claimed.
    """
    bad, *_ = submit_named(store, "bad a b c")
    vandal.damage(bad, "tags", "[1")

    assert ["a", "b"] == named(store.claim_several([place(0), place(1)]))


# -- ending --------------------------------------------------------------------------------------


def test_several_attempts_end_in_order(store: Store) -> None:
    """
    Each place ends its job and gets the next one, one after the other.
    """
    ids = submit_named(store, "a b c d e f g h")
    held = claims(store, 3)
    endings = [
        AttemptEnd(one.lease, outcome(outcome_json=f'{{"of":"{one.job.name}"}}'), place(slot))
        for slot, one in enumerate(held)
    ]

    assert ["d", "e", "f"] == named(store.finish_several(endings))
    assert {job_id: f'{{"of":"{name}"}}' for job_id, name in zip(ids, "abc", strict=False)} == (
        store.outcomes(ids)
    )
    assert {DONE: 3, RUNNING: 3, QUEUED: 2} == dict(store.counts())
    assert [] == store.finish_several([])


def test_several_ends_without_claims(store: Store) -> None:
    """
    A place that is given up claims nothing.
    """
    submit_named(store, "a b c d e")
    one, two = claims(store, 2)
    asked = [AttemptEnd(one.lease, outcome()), AttemptEnd(two.lease, outcome(), place(1, 0))]

    assert [None, "c"] == named(store.finish_several(asked))


def test_a_group_of_ends_may_be_repeated(store: Store) -> None:
    """
    The whole group again, after any of it was recorded, gets the same claims and changes nothing.
    """
    submit_named(store, "a b c d e f g h i")
    held = claims(store, 3)
    endings = [AttemptEnd(one.lease, outcome(), place(slot)) for slot, one in enumerate(held)]
    begins = store.finish_several(endings[:2])
    whole = store.finish_several(endings, held[0].lease)
    events = store.events("0").items

    assert [*begins, *whole[2:]] == whole == store.finish_several(endings, held[0].lease)
    assert events == store.events("0").items
    assert [] == store.audit()


def test_a_lost_lease_concerns_no_other_end(store: Store) -> None:
    """
    Its place has the error, and claims nothing; those before and after it are recorded.
    """
    submit_named(store, "a b c d e f g")
    held = claims(store, 3)
    store.give_back(held[1].lease, "drained")
    store.finish(claim(store).lease, outcome())
    endings = [AttemptEnd(one.lease, outcome(), place(slot)) for slot, one in enumerate(held)]
    found = store.finish_several(endings)

    assert ["d", None, "e"] == named(found)
    assert isinstance(found[1], LeaseLost)
    assert held[1].lease.job_id in str(found[1])
    only = store.finish_several([endings[1], AttemptEnd(held[1].lease, outcome())])
    assert [LeaseLost, LeaseLost] == list(map(type, only))
    assert {DONE: 3, RUNNING: 2, QUEUED: 2} == dict(store.counts())


def test_a_lost_lease_first_in_a_group_hides_no_claim(store: Store) -> None:
    """
    What the places have in common is known to those after it.
    """
    submit_named(store, "a b c d e")
    one, two = claims(store, 2)
    stale = one.lease._replace(fence=7)
    found = store.finish_several(
        [AttemptEnd(stale, outcome(), place(0)), AttemptEnd(two.lease, outcome(), place(1))],
    )
    assert [None, "c"] == named(found)


def test_several_ends_are_those_of_single_calls(settings: StoreSettings) -> None:
    """
    States, fences, events and counts are the same, with children, retries, cancels and ended batches.
    """
    told = []
    for name in ("single", "several"):
        with opened(settings, name) as store:
            submit_all(store)
            held = [claim(store, slot=slot) for slot in range(5)]
            store.cancel([held[2].job.id], owner=None)
            endings = [
                AttemptEnd(held[0].lease, outcome(), claimant(slot=0)),
                AttemptEnd(held[1].lease, failed(Reason.SCF), claimant(slot=1)),
                AttemptEnd(held[2].lease, outcome(JobState.CANCELLED, Reason.USER), claimant(slot=2)),
                AttemptEnd(held[3].lease, failed(Reason.INTERNAL), claimant(slot=3)),
                AttemptEnd(held[4].lease._replace(fence=9), outcome(), claimant(slot=4)),
                AttemptEnd(held[4].lease, outcome(), claimant(slot=5)),
            ]
            if name == "several":
                found = store.finish_several(endings, held[4].lease)
            else:
                found = [one for ending in endings for one in store.finish_several([ending])]
            jobs = {
                job.name: (job.state, job.reason, job.attempt, job.round, job.retried, job.worker)
                for job in store.get_many(store.with_numbers(1, 99))
            }
            events = [
                (event.number, event.state, event.attempt, event.reason, event.batch)
                for event in store.events("0").items
            ]
            assert [] == store.audit()
            counts = [dict(store.counts(owner=owner, batch=batch)) for owner in (ADA, BOB) for batch in "b-"]
            told.append((named(found), jobs, events, counts, dict(store.counts())))
    assert told[0] == told[1]
    names, jobs, *_ = told[1]
    assert ["child", "l", "m", "n", None, "o"] == names
    assert (JobState.SCHEDULED, Reason.SCF) == jobs["retried"][:2]
    assert [JobState.CANCELLED, JobState.CANCELLED] == [jobs[name][0] for name in ("cut", "orphan")]


def test_an_end_changes_what_the_next_place_claims(store: Store) -> None:
    """
    A job that becomes ready by it comes in its turn, and one that it cancels does not, between two claims.
    """
    _, parent = submit_named(store, "first parent", priority=9)
    submit_named(store, "fails", priority=8, owner=BOB, batch="b", max_fails=1)
    held = [claim(store, slot=slot) for slot in range(3)]
    submit_named(store, "c d e", priority=5)
    submit(store, new_job("child", owner=BOB, priority=7, parents=(Parent(parent),)))
    submit_named(store, "cut", owner=BOB, batch="b", priority=5)
    submit_named(store, "x", owner=BOB)
    ends = (outcome(), outcome(), failed(Reason.INTERNAL))
    endings = [
        AttemptEnd(one.lease, end, claimant(slot=slot))
        for slot, (one, end) in enumerate(zip(held, ends, strict=True))
    ]

    assert ["c", "child", "d"] == named(store.finish_several(endings))
    assert ["e", "x", None] == named(store.claim_several([claimant(slot=slot) for slot in range(3)]))


def submit_all(store: Store) -> None:
    """Store jobs that end in all ways, and those that follow from it."""
    good, *_ = submit_named(store, "good", priority=9)
    retried = {"retries": 1, "retry_on": frozenset({Reason.SCF})}
    submit_named(store, "retried", priority=8, **retried)
    submit_named(store, "cancelled", priority=7)
    (bad,) = submit_named(store, "bad", priority=6, batch="b", max_fails=1)
    submit_named(store, "last", priority=5)
    submit(store, new_job("child", parents=(Parent(good),), priority=4))
    submit(store, new_job("orphan", parents=(Parent(bad),)))
    submit_named(store, "l m n o p")
    submit_named(store, "cut", priority=-3, batch="b")
    submit_named(store, "r", priority=-4, owner=BOB, batch="b")


# -- beginning -----------------------------------------------------------------------------------


def test_the_loss_of_a_job_that_waited_does_not_count(store: Store, vandal: Vandal) -> None:
    """
    The attempt is listed as a release that did not run; that of the job which had begun is a loss.
    """
    a, b, c, _ = submit_named(store, "a b c d")
    first, second, third = claims(store, 3)
    store.begin(second.lease)
    reap(store, vandal, a, b, c)

    jobs = store.get_many([a, b, c])
    assert [(QUEUED, 1, 0), (QUEUED, 1, 0), (QUEUED, 0, 0)] == [
        (job.state, job.losses, job.releases) for job in jobs
    ]
    assert [Reason.WORKER_LOST, Reason.WORKER_LOST, None] == [job.reason for job in jobs]
    listed = [store.attempts(job_id)[0] for job_id in (a, b, c)]
    assert [("worker_lost", "", True)] * 2 + [("given_back", NOT_BEGUN, False)] == [
        (tried.ended_as, tried.message, tried.ran) for tried in listed
    ]
    assert [QUEUED, RUNNING, QUEUED] == history(store, c)
    assert [False] * 3 == [renewal.alive for renewal in store.renew([first.lease, second.lease, third.lease])]


def test_the_first_of_a_group_has_begun_whatever_it_was_to_be_like(store: Store, vandal: Vandal) -> None:
    """
    A slot that holds no job begins what it gets: the loss counts, also where only more of a kind was wanted.
    """
    submit_named(store, "other", kind="sp", priority=-1)
    (job_id,) = submit_named(store, "a")
    free = claimant(slot=0, ahead=Ahead(0, "echo", "echo", ATOMS))
    first, nothing = store.claim_several([free, claimant(slot=1, ahead=Ahead(1, "echo", "echo", ATOMS))])
    reap(store, vandal, job_id)

    assert (job_id, None) == (first and first.job.id, nothing)
    assert 1 == store.get(job_id).losses


def test_a_job_that_was_lost_while_it_waited_is_claimed_alone(store: Store, vandal: Vandal) -> None:
    """
    It is not claimed ahead again, and its next losses count; what is known of them does not name the first.
    """
    a, b = submit_named(store, "a b")
    claims(store, 2)
    reap(store, vandal, b)
    submit_named(store, "c d e")
    assert store.claim(place(1)) is None

    for loss in range(1, MAX_LOSSES + 1):
        assert (b, loss + 1) == claim(store, OTHER_WORKER).lease[:2]
        reap(store, vandal, b)
        assert loss == store.get(b).losses
    assert (JobState.FAILED, Reason.WORKER_LOST) == (store.get(b).state, store.get(b).reason)
    told = store.outcomes([b])[b]
    assert f"worker lost {MAX_LOSSES} times" in told
    assert MAX_LOSSES == told.count("taken back")
    assert RUNNING is store.get(a).state


def test_a_job_is_noted_as_begun_with_the_ends_before_it(store: Store, vandal: Vandal) -> None:
    """
    The loss of the one that begins counts, that of those behind it does not; nor is it an event.
    """
    submit_named(store, "a b c d e f")
    one, two, three = claims(store, 3)
    found = store.finish_several([AttemptEnd(one.lease, outcome(), place(0, 2))], two.lease)
    assert ["d"] == named(found)
    assert [QUEUED, RUNNING] == history(store, two.job.id)
    ids = [two.job.id, three.job.id, store.with_numbers(4, 4)[0]]
    reap(store, vandal, *ids)

    assert [1, 0, 0] == [job.losses for job in store.get_many(ids)]


def test_a_lost_lease_cannot_begin(store: Store, vandal: Vandal) -> None:
    """
    The worker is told; in a group of ends it concerns none of them.  Others may begin as often as they like.
    """
    submit_named(store, "a b c d e")
    one, two, three = claims(store, 3)
    for _ in range(2):
        store.begin(one.lease)
        store.begin(three.lease)
    reap(store, vandal, two.job.id)
    with pytest.raises(LeaseLost):
        store.begin(two.lease)
    with pytest.raises(LeaseLost):
        store.begin(Lease(uuid4().hex, 1, WORKER))

    assert ["b"] == named(store.finish_several([AttemptEnd(one.lease, outcome(), place(0, 0))], two.lease))
    store.finish(three.lease, outcome())
    with pytest.raises(LeaseLost):
        store.begin(three.lease)


def test_a_job_that_waited_may_end_without_having_begun(store: Store, vandal: Vandal) -> None:
    """
    Ends, releases and failures that a retry follows are those of any job, and later attempts are not ahead.
    """
    retried: dict[str, Any] = {"retries": 1, "retry_on": frozenset({Reason.SCF})}
    ids = submit_named(store, "a b c", **retried)
    asked = [place(slot) for slot in range(3)]
    one, two, three = (found.lease for found in store.claim_several(asked) if found is not None)
    store.finish_several([AttemptEnd(one, outcome()), AttemptEnd(two, failed())])
    store.give_back(three, "drained", ran=False)
    store.retry(ids[:1], owner=None, done=True)
    vandal.fall_due(ids[1])
    store.tick(beat())
    for _ in ids:
        claim(store)
    reap(store, vandal, *ids)

    assert [1, 1, 1] == [job.losses for job in store.get_many(ids)]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_job_that_waited_lists_the_time_it_ran(store: Store, retries: int) -> None:
    """
    Its attempt begins as long before its end as it ran, but not before its claim.
    """
    ids = submit_named(store, "a b", retries=retries, retry_on=frozenset({Reason.SCF}))
    one, two = (found.lease for found in claims(store, 2))
    claimed_ms = store.get(ids[0]).started_ms or 0
    wait_until(lambda: time() * 1_000 > claimed_ms + 50, 30, "time passes")
    ended = failed()._replace(ran_ms=3)
    store.finish_several([AttemptEnd(one, ended), AttemptEnd(two, ended._replace(ran_ms=60_000))])

    if retries:
        spans = [store.attempts(job_id)[0] for job_id in ids]
        took_ms = [span.ended_ms - span.started_ms for span in spans]
    else:
        took_ms = [(job.ended_ms or 0) - (job.started_ms or 0) for job in store.get_many(ids)]
    assert took_ms[0] == 3
    assert 40 <= took_ms[1] < 60_000


def test_a_waiting_job_that_is_cancelled_is_not_requeued(store: Store, vandal: Vandal) -> None:
    """
    Its worker is told when it renews the lease; once that is lost, the job is cancelled.
    """
    submit_named(store, "a b")
    _, two = claims(store, 2)
    store.cancel([two.job.id], owner=None)
    assert [True] == [renewal.cancel_requested for renewal in store.renew([two.lease])]
    reap(store, vandal, two.job.id)

    job = store.get(two.job.id)
    assert (JobState.CANCELLED, Reason.USER, 0) == (job.state, job.reason, job.losses)
