"""The store's contract: a job that needs its parent's result starts only while that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
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
from workers.job import Condition, JobState, Parent, Reason

if TYPE_CHECKING:
    from workers.store.base import Store

BLOCKED, QUEUED, RUNNING = JobState.BLOCKED, JobState.QUEUED, JobState.RUNNING


def pair(store: Store, **changes: object) -> tuple[str, str]:
    """Store a job, and one that needs its result."""
    (parent,) = submit_named(store, "parent")
    link = Parent(parent, Condition.RESULT)
    (child,) = submit_named(store, "child", parents=(link,), **changes)
    assert [link] == store.parents(child)
    return parent, child


def test_store_results_needed_starts_once_its_parent_is_done(store: Store) -> None:
    """
    It waits as for a job that is to be done: a failure cancels it, and a retry brings it back.
    """
    parent, child = pair(store)
    assert BLOCKED is store.get(child).state
    run_to_end(store, parent, failed())
    assert (JobState.CANCELLED, Reason.DEPENDENCY) == (store.get(child).state, store.get(child).reason)
    store.retry([parent], owner=None, done=True)
    assert BLOCKED is store.get(child).state
    run_to_end(store, parent)
    assert QUEUED is store.get(child).state
    (late,) = submit_named(store, "late", parents=(Parent(parent, Condition.RESULT),))
    assert QUEUED is store.get(late).state


def test_store_results_needed_waits_again_while_its_parent_runs_again(store: Store) -> None:
    """
    A parent that runs again has no result; what has not begun is not handed out before there is one.
    """
    parent, child = pair(store)
    run_to_end(store, parent)
    store.retry([parent], owner=None, done=True)
    assert BLOCKED is store.get(child).state
    found = claim(store)
    assert parent == found.job.id
    assert store.claim(claimant()) is None
    following = store.finish(found.lease, outcome(), claimant())
    assert following is not None
    assert child == following.job.id
    assert [BLOCKED, QUEUED, BLOCKED, QUEUED, RUNNING] == history(store, child)


def test_store_results_needed_what_has_begun_or_is_held_stays(store: Store) -> None:
    """
    A running job has what it needs and goes on; a held one waits for its parent once it is released.
    """
    parent, child = pair(store)
    (held,) = submit_named(store, "held", parents=(Parent(parent, Condition.RESULT),), held=True)
    run_to_end(store, parent)
    found = claim(store)
    store.retry([parent], owner=None, done=True)
    assert [RUNNING, JobState.HELD] == [store.get(child).state, store.get(held).state]
    store.finish(found.lease, outcome())
    assert BLOCKED is store.release([held], owner=None)[0].after


@pytest.mark.parametrize("count", [1_600, pytest.param(10_000, marks=pytest.mark.long)])
def test_store_results_needed_many_wait_again(store: Store, count: int) -> None:
    """
    More than one step decides about are blocked again by the time the call returns.
    """
    (parent,) = submit_named(store, "parent")
    link = Parent(parent, Condition.RESULT)
    submit(store, *(new_job(f"{number}", parents=(link,)) for number in range(count)))
    run_to_end(store, parent)
    store.retry([parent], owner=None, done=True)
    assert {QUEUED: 1, BLOCKED: count} == dict(store.counts())


def test_store_results_needed_what_comes_back_waits_too(store: Store) -> None:
    """
    A job that is given back while its parent runs again is not handed out before that has its result.
    """
    parent, child = pair(store)
    run_to_end(store, parent)
    found = claim(store)
    store.retry([parent], owner=None, done=True)
    store.give_back(found.lease, "drained")
    assert BLOCKED is store.get(child).state
    run_to_end(store, parent)
    assert child == claim(store).job.id
