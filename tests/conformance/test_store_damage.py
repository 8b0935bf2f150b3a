"""The store's contract: a record that cannot be read shows as such and harms no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claim, claimed_names, names, outcome, submit_named
from workers.job import JobState, Parent, Reason
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

DAMAGES = [("state", "banana"), ("priority", "high"), ("tags", "{"), ("tags", "[1]"), ("state", "")]


@pytest.fixture(params=DAMAGES, ids="=".join)
def broken(request: pytest.FixtureRequest, store: Store, vandal: Vandal) -> str:
    """The id of a damaged job that lies between two sound ones, `a` and `c`."""
    ids = submit_named(store, "a b c")
    field, value = request.param
    vandal.damage(ids[1], field, value)
    return ids[1]


def test_a_damaged_job_is_failed_with_its_id(store: Store, broken: str) -> None:
    """
    One sees which job it was, alone and among others.
    """
    for job in (store.get(broken), *store.get_many([broken])):
        assert (broken, JobState.FAILED, Reason.DAMAGED) == (job.id, job.state, job.reason)


def test_a_list_goes_on_past_a_damaged_job(store: Store, broken: str) -> None:
    """
    The others are listed as ever, and the damaged one with them.
    """
    for sort in (SortKey.NUMBER, SortKey.CREATED):
        items = store.page(Query(sort=sort)).items
        assert ["c", "a"] == [job.name for job in items if job.id != broken]
        assert broken in {job.id for job in items}


def test_a_damaged_job_is_never_handed_out(store: Store, broken: str) -> None:
    """
    It blocks nobody: the jobs before and after it run.
    """
    assert ["a", "c"] == claimed_names(store)
    assert Reason.DAMAGED is store.get(broken).reason


def test_a_damaged_job_can_be_cancelled_and_read_without_harm(store: Store, broken: str) -> None:
    """
    Whatever is asked about it has an answer.
    """
    (answer,) = store.cancel([broken], owner=None)

    assert broken == answer.job_id
    assert JobState.FAILED is answer.after
    assert [] == store.artifacts(broken)
    assert {} == store.outcomes([broken])
    assert Reason.DAMAGED is store.get(broken).reason


def test_a_running_job_that_is_damaged_loses_its_lease(store: Store, vandal: Vandal) -> None:
    """
    Its worker hears that the lease is lost; the job beside it ends as usual.
    """
    a, b = submit_named(store, "a b")
    first, second = claim(store), claim(store)
    vandal.damage(a)

    assert [False, True] == [renewal.alive for renewal in store.renew([first.lease, second.lease])]
    store.finish(second.lease, outcome())
    assert [Reason.DAMAGED, None] == [job.reason for job in store.get_many([a, b])]
    assert ["b"] == names(store.page(Query(states=frozenset({JobState.DONE}))).items)


def test_store_damage_nobody_waits_for_a_damaged_job(store: Store, vandal: Vandal, broken: str) -> None:
    """
    It has failed, whatever its record says: what waits for it is told by the next ticks.
    """
    sound, waiting = submit_named(store, "d e")
    (child,) = submit_named(store, "child", parents=(Parent(waiting),))
    vandal.damage(waiting)
    (other,) = submit_named(store, "other", parents=(Parent(broken), Parent(sound)))
    assert ["a", "c", "d"] == claimed_names(store)
    for _ in range(2):
        store.tick(beat())
    assert [JobState.CANCELLED] * 2 == [job.state for job in store.get_many([child, other])]
