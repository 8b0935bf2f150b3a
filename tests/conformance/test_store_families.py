"""The store's contract: a job may wait for others, and ends or starts with them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    beat,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import InputRefused
from workers.job import Condition, JobState, Parent, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.vandal import Vandal
    from workers.job import Lease, NewJob
    from workers.store.base import Store
    from workers.store.values import Outcome

BLOCKED, QUEUED, RUNNING = JobState.BLOCKED, JobState.QUEUED, JobState.RUNNING
DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED
HOUR_MS = 3_600_000


def after(*parents: str, condition: Condition = Condition.DONE) -> tuple[Parent, ...]:
    """Wait for jobs."""
    return tuple(Parent(parent, condition) for parent in parents)


def states(store: Store, *ids: str) -> list[JobState]:
    """Read the states of jobs."""
    return [job.state for job in store.get_many(ids)]


def family(store: Store) -> list[str]:
    """Store a job, its child and its grandchild."""
    (parent,) = submit_named(store, "parent")
    (child,) = submit_named(store, "child", parents=after(parent))
    return [parent, child, *submit_named(store, "grandchild", parents=after(child))]


def test_a_child_waits_for_its_parent(store: Store) -> None:
    """
    It is blocked and handed to nobody; the step that records its parent's end queues it, and may claim it.
    """
    parent, child, grandchild = family(store)

    assert [QUEUED, BLOCKED, BLOCKED] == states(store, parent, child, grandchild)
    assert {QUEUED: 1, BLOCKED: 2} == dict(store.counts())
    found = claim(store)
    assert store.claim(claimant()) is None
    following = store.finish(found.lease, outcome(), claimant())
    assert following is not None
    assert child == following.job.id
    store.finish(following.lease, outcome())
    assert [BLOCKED, QUEUED] == history(store, grandchild)


@pytest.mark.parametrize(
    ("condition", "ended", "starts"),
    [
        (Condition.DONE, outcome(), True),
        (Condition.DONE, failed(), False),
        (Condition.DONE, outcome(CANCELLED, Reason.USER), False),
        (Condition.FAILED, outcome(), False),
        (Condition.FAILED, failed(), True),
        (Condition.FAILED, outcome(CANCELLED, Reason.USER), False),
        (Condition.ENDED, outcome(), True),
        (Condition.ENDED, failed(), True),
        (Condition.ENDED, outcome(CANCELLED, Reason.USER), True),
    ],
)
def test_every_condition(store: Store, condition: Condition, ended: Outcome, *, starts: bool) -> None:
    """
    What lets a child start, and what cancels it, is the same before and after its parent's end.
    """
    (parent,) = submit_named(store, "parent")
    (early,) = submit_named(store, "early", parents=after(parent, condition=condition))
    run_to_end(store, parent, ended)
    (late,) = submit_named(store, "late", parents=after(parent, condition=condition))
    expected = (QUEUED, None) if starts else (CANCELLED, Reason.DEPENDENCY)

    assert [expected] * 2 == [(job.state, job.reason) for job in store.get_many([early, late])]
    assert [starts] * 2 == [job.ended_ms is None for job in store.get_many([early, late])]
    assert [BLOCKED, expected[0]] == history(store, early)
    assert [expected[0]] == history(store, late)


def test_store_families_all_parents_are_waited_for(store: Store) -> None:
    """
    It starts with the last of them, whatever their order.
    """
    parents = submit_named(store, "a b c")
    (child,) = submit_named(store, "child", parents=after(*parents), priority=100)
    for name in "abc":
        assert BLOCKED is store.get(child).state
        found = claim(store)
        assert name == found.job.name
        store.finish(found.lease, outcome())

    assert ["child"] == claimed_names(store)


def test_an_end_goes_down_the_chain(store: Store) -> None:
    """
    A failed or a cancelled job takes its descendants with it, held ones too, each by one event.
    """
    first, second = family(store), family(store)
    store.hold([first[1]], owner=None)
    run_to_end(store, first[0], failed())
    store.cancel([second[0]], owner=None)

    assert [FAILED, CANCELLED, CANCELLED] == states(store, *first)
    assert [CANCELLED] * 3 == states(store, *second)
    assert [Reason.DEPENDENCY] * 2 == [job.reason for job in store.get_many(second[1:])]
    assert [BLOCKED, CANCELLED] == history(store, first[2])


def test_a_retried_parent_brings_its_descendants_back(store: Store) -> None:
    """
    They wait again, in a new round, and run if it ends well this time.
    """
    ids = family(store)
    run_to_end(store, ids[0], failed())
    store.retry([ids[0]], owner=None, done=True)

    assert [QUEUED, BLOCKED, BLOCKED] == states(store, *ids)
    assert [2, 2, 2] == [job.round for job in store.get_many(ids)]
    for job_id in ids:
        run_to_end(store, job_id)
    assert [DONE] * 3 == states(store, *ids)
    assert [BLOCKED, CANCELLED, BLOCKED, QUEUED, RUNNING, DONE] == history(store, ids[1])


def test_store_families_one_cancelled_for_two_parents_needs_both(store: Store) -> None:
    """
    It comes back when the last parent that keeps it back runs again.
    """
    parents = submit_named(store, "a b")
    (child,) = submit_named(store, "child", parents=after(*parents))
    for parent in parents:
        run_to_end(store, parent, failed())
    store.retry(parents[:1], owner=None, done=True)
    assert CANCELLED is store.get(child).state
    store.retry(parents[1:], owner=None, done=True)
    assert BLOCKED is store.get(child).state


def test_store_families_what_a_user_cancelled_stays_cancelled(store: Store) -> None:
    """
    Only what was cancelled for its parent's sake comes back by itself.
    """
    parent, child, grandchild = family(store)
    store.cancel([child], owner=None)
    run_to_end(store, parent, failed())
    store.retry([parent], owner=None, done=True)

    assert [QUEUED, CANCELLED, CANCELLED] == states(store, parent, child, grandchild)
    store.retry([child], owner=None, done=True)
    assert [QUEUED, BLOCKED, BLOCKED] == states(store, parent, child, grandchild)


def test_a_job_cannot_be_retried_without_its_parent(store: Store) -> None:
    """
    While a parent keeps it back it stays cancelled; named together they both run, in any order.
    """
    parent, child, _ = family(store)
    run_to_end(store, parent, failed())

    assert [False] == [one.changed for one in store.retry([child], owner=None, done=True)]
    store.retry([child, parent], owner=None, done=True)
    assert [QUEUED, BLOCKED] == states(store, parent, child)


def test_store_families_what_has_begun_goes_on(store: Store) -> None:
    """
    A child that was let go is not called back when its parent runs again; if it is retried, it waits.
    """
    parent, child, _ = family(store)
    run_to_end(store, parent)
    found = claim(store)
    store.retry([parent], owner=None, done=True)
    assert [QUEUED, RUNNING] == states(store, parent, child)
    store.finish(found.lease, outcome())
    store.retry([child], owner=None, done=True)
    assert [QUEUED, BLOCKED] == states(store, parent, child)
    run_to_end(store, parent)
    assert QUEUED is store.get(child).state


def drained(store: Store, _vandal: Vandal, lease: Lease) -> None:
    """Let the worker of a running job give it back."""
    store.give_back(lease, "drained")


def lost(store: Store, vandal: Vandal, lease: Lease) -> None:
    """Let the worker of a running job be gone."""
    vandal.run_out(lease.job_id)
    store.tick(beat())


def tried_again(store: Store, _vandal: Vandal, lease: Lease) -> None:
    """Let an attempt fail, but not its job."""
    store.finish(lease, failed(Reason.SCF))


@pytest.mark.parametrize("condition", [Condition.DONE, Condition.RESULT])
@pytest.mark.parametrize("comes_back", [drained, lost, tried_again])
def test_store_families_what_comes_back_heeds_its_parents(
    store: Store, vandal: Vandal, comes_back: Callable[[Store, Vandal, Lease], None], condition: Condition
) -> None:
    """
    A parent that ran again and failed while its child ran cancels the child once that would wait again.
    """
    (parent,) = submit_named(store, "parent")
    again = {"retries": 1, "retry_on": frozenset({Reason.SCF})}
    (child,) = submit_named(store, "child", parents=after(parent, condition=condition), **again)
    run_to_end(store, parent)
    found = claim(store)
    store.retry([parent], owner=None, done=True)
    run_to_end(store, parent, failed())
    assert [FAILED, RUNNING] == states(store, parent, child)

    comes_back(store, vandal, found.lease)
    assert (CANCELLED, Reason.DEPENDENCY) == (store.get(child).state, store.get(child).reason)
    store.retry([parent], owner=None, done=True)
    run_to_end(store, parent)
    assert child == claim(store).job.id


def test_time_and_hold_come_before_parents(store: Store, vandal: Vandal) -> None:
    """
    A held child goes on to its time, then to its parents.
    """
    (parent,) = submit_named(store, "parent")
    begin_ms = time.time_ns() // 1_000_000 + HOUR_MS
    (child,) = submit_named(store, "child", parents=after(parent), held=True, begin_ms=begin_ms)

    assert JobState.HELD is store.get(child).state
    assert JobState.SCHEDULED is store.release([child], owner=None)[0].after
    vandal.fall_due(child)
    store.tick(beat())
    assert BLOCKED is store.get(child).state
    store.hold([child], owner=None)
    run_to_end(store, parent)
    assert JobState.HELD is store.get(child).state
    assert QUEUED is store.release([child], owner=None)[0].after


def test_a_failure_that_is_retried_is_no_end(store: Store, vandal: Vandal) -> None:
    """
    Children wait until the last try.
    """
    retried = {"retries": 1, "retry_on": frozenset({Reason.SCF})}
    (parent,) = submit_named(store, "parent", **retried)
    (child,) = submit_named(store, "child", parents=after(parent))
    run_to_end(store, parent, failed(Reason.SCF))
    assert BLOCKED is store.get(child).state
    vandal.fall_due(parent)
    store.tick(beat())
    run_to_end(store, parent, failed(Reason.SCF))

    assert CANCELLED is store.get(child).state


def test_a_lost_or_damaged_parent_fails(store: Store, vandal: Vandal) -> None:
    """
    Whatever ends a parent tells its children: here a worker that never came back, and a broken disk.
    """
    (lost,) = submit_named(store, "lost")
    (child,) = submit_named(store, "child", parents=after(lost))
    for _ in range(3):
        claim(store, "gone-1-a")
        vandal.run_out(lost)
        store.tick(beat())
    assert [FAILED, CANCELLED] == states(store, lost, child)

    (damaged,) = submit_named(store, "damaged")
    (orphan,) = submit_named(store, "orphan", parents=after(damaged))
    vandal.damage(damaged, "priority")
    assert store.claim(claimant()) is None
    store.tick(beat())
    assert CANCELLED is store.get(orphan).state


def test_unknown_parents_are_refused(store: Store) -> None:
    """
    Nothing of the chunk is stored; a job is no parent of itself, nor of one that comes before it.
    """
    mine, other = new_job("a"), new_job("b")
    for job in (
        new_job("c", parents=after("0" * 32)),
        new_job("c", id=mine.id, parents=after(mine.id)),
        new_job("c", parents=after(other.id)),
    ):
        with pytest.raises(InputRefused, match="to wait for"):
            store.submit([job, other], submission="s")
    assert {} == dict(store.counts())


def test_parents_are_told(store: Store) -> None:
    """
    First those that keep a job back, then those it waits for, at most as many as asked.
    """
    a, b, c = submit_named(store, "a b c")
    (child,) = submit_named(store, "child", parents=after(a, b, c, condition=Condition.FAILED))
    run_to_end(store, a, failed())
    assert {b, c} == {parent.job_id for parent in store.parents(child, limit=2)}
    run_to_end(store, b)

    assert Parent(b, Condition.FAILED) == store.parents(child, limit=1)[0]
    assert {a, b, c} == {parent.job_id for parent in store.parents(child)}
    job = store.get(child)
    assert (3, 1, 1) == (job.parents, job.unended, job.unmet)
    assert [] == store.parents(a)


def chain(length: int, condition: Condition) -> list[NewJob]:
    """Make jobs each of which waits for the one before it."""
    jobs = [new_job("0")]
    for number in range(1, length):
        jobs.append(new_job(f"{number}", parents=after(jobs[-1].id, condition=condition)))
    return jobs


@pytest.mark.parametrize(
    "condition", [Condition.DONE, pytest.param(Condition.RESULT, marks=pytest.mark.long)]
)
def test_a_chain_of_a_thousand(store: Store, condition: Condition) -> None:
    """
    The end of the first cancels all, its retry brings all back, and each starts after the one before.
    """
    ids = submit(store, *chain(1_000, condition))
    run_to_end(store, ids[0], failed())
    assert {FAILED: 1, CANCELLED: 999} == dict(store.counts())
    store.retry(ids[:1], owner=ADA, done=True)
    assert {QUEUED: 1, BLOCKED: 999} == dict(store.counts())
    found = claim(store)
    for job_id in ids[:50]:
        assert job_id == found.job.id
        following = store.finish(found.lease, outcome(), claimant())
        assert following is not None
        found = following


@pytest.mark.parametrize("count", [2_300, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_wide_family(store: Store, count: int) -> None:
    """
    More children than one step decides about are all decided about when the call returns.
    """
    (parent,) = submit_named(store, "parent")
    submit(store, *(new_job(f"{number}", parents=after(parent)) for number in range(count)))
    run_to_end(store, parent, failed())
    assert {FAILED: 1, CANCELLED: count} == dict(store.counts())
    store.retry([parent], owner=None, done=True)
    assert {QUEUED: 1, BLOCKED: count} == dict(store.counts())
    run_to_end(store, parent)
    assert {DONE: 1, QUEUED: count} == dict(store.counts())


def test_a_tick_goes_on_where_a_call_was_cut(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If whoever ended the parent dies before all children were told, every tick tells some, and says that it
    will go on at once.
    """
    (parent,) = submit_named(store, "parent")
    submit(store, *(new_job(f"{number}", parents=after(parent)) for number in range(2_300)))
    found = claim(store)
    monkeypatch.setattr(store, "_spread", lambda: None)
    store.finish(found.lease, failed())
    left = []
    while BLOCKED in store.counts():
        left.append(store.counts()[BLOCKED])
        tick = store.tick(beat())
        assert (tick.next_event_s == 0) == (BLOCKED in store.counts())

    assert [1_300, 800, 300] == left


def test_store_families_many_parents(store: Store) -> None:
    """
    A job may wait for thousands, and starts with the last.
    """
    parents = submit(store, *(new_job(f"{number}") for number in range(1_500)))
    (child,) = submit_named(store, "child", parents=after(*parents, condition=Condition.ENDED))
    store.cancel(parents[1:], owner=None)
    assert (BLOCKED, 1) == (store.get(child).state, store.get(child).unended)
    run_to_end(store, parents[0])
    assert ["child"] == claimed_names(store)
