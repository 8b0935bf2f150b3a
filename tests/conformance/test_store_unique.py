"""The store's contract: a job that goes by a unique key stands for later ones under that key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.stores import ADA, failed, new_job, outcome, run_to_end, submit_named
from workers.errors import InputRefused
from workers.job import IfExists, JobState
from workers.store.values import Accepted

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.values import Outcome

SUBMITTERS = 50


def accepted(store: Store, *, key: str = "key", then: IfExists = IfExists.SKIP) -> Accepted:
    """Submit one job under a key."""
    (found,) = store.submit([new_job("a", unique=key, if_exists=then)], submission=uuid4().hex)
    return found


@pytest.mark.parametrize("ended", [None, outcome(), failed()])
def test_a_second_job_under_a_key_is_the_first(store: Store, ended: Outcome | None) -> None:
    """
    Whether it waits or has ended, nothing is stored, its id comes back, and it is of the last submit.
    """
    first = accepted(store)
    if ended is not None:
        run_to_end(store, first.job_id, ended)
    submit_named(store, "between")
    again = accepted(store)

    assert not first.existing
    assert Accepted(first.job_id, first.number, existing=True) == again
    assert [first.job_id] == store.last(ADA)
    assert 2 == sum(store.counts().values())


def test_store_unique_other_keys_are_other_jobs(store: Store) -> None:
    """
    A key tells apart; jobs without one are like no other.
    """
    found = [accepted(store, key=key) for key in ("a", "b", "", "")]

    assert [False] * 4 == [one.existing for one in found]
    assert [1, 2, 3, 4] == [one.number for one in found]


def test_a_cancelled_job_frees_its_key(store: Store) -> None:
    """
    What was cancelled can be submitted again; the new job has the key then.
    """
    first = accepted(store)
    store.cancel([first.job_id], owner=None)
    second = accepted(store)

    assert (False, 2) == (second.existing, second.number)
    assert second.job_id == accepted(store).job_id


def test_store_unique_what_exists_may_be_an_error(store: Store) -> None:
    """
    The refusal names the job, and nothing of that call is stored.
    """
    first = accepted(store)
    jobs = [new_job("b"), new_job("c", unique="key", if_exists=IfExists.ERROR)]

    with pytest.raises(InputRefused, match=f"job {first.job_id} is the same"):
        store.submit(jobs, submission="s")
    assert {JobState.QUEUED: 1} == dict(store.counts())
    assert not accepted(store, key="other", then=IfExists.ERROR).existing


def test_store_unique_what_exists_may_be_replaced(store: Store) -> None:
    """
    A new job is stored all the same, and has the key from then on; the old one goes on.
    """
    accepted(store)
    second = accepted(store, then=IfExists.NEW)

    assert (False, 2) == (second.existing, second.number)
    assert second.job_id == accepted(store).job_id
    assert {JobState.QUEUED: 2} == dict(store.counts())


def test_equal_jobs_of_one_submit(store: Store) -> None:
    """
    The first of them is stored, the others are it.
    """
    jobs = [new_job("a", unique="x"), new_job("b"), new_job("c", unique="x"), new_job("d", unique="x")]
    found = store.submit(jobs, submission="s")

    assert [1, 2, 1, 1] == [one.number for one in found]
    assert [False, False, True, True] == [one.existing for one in found]
    assert {jobs[0].id} == {one.job_id for one in found if one.number == 1}
    assert [jobs[0].id, jobs[1].id] == store.last(ADA)


def test_the_same_id_goes_before_the_key(store: Store) -> None:
    """
    A submit that is repeated finds its own jobs, those that others stood for too.
    """
    jobs = [new_job("a", unique="x"), new_job("b", unique="x")]
    first = store.submit(jobs, submission="s")
    again = store.submit(jobs, submission="s")

    assert [one.job_id for one in first] == [one.job_id for one in again]
    assert [True, True] == [one.existing for one in again]


def test_a_damaged_job_keeps_its_key(store: Store, vandal: Vandal) -> None:
    """
    It has failed as others do, and says so.
    """
    first = accepted(store)
    vandal.damage(first.job_id)

    assert first.job_id == accepted(store).job_id


def test_fifty_submit_the_same_at_once(store: Store, another: Store) -> None:
    """
    However many at once, through one connection or several, one job is stored, and all hear of it.
    """

    def hand_over(number: int) -> list[Accepted]:
        jobs = [new_job(f"{number}", unique=f"key {which}") for which in range(4)]
        return (store if number % 2 else another).submit(jobs, submission=f"{number}")

    with ThreadPoolExecutor(SUBMITTERS) as threads:
        found = list(threads.map(hand_over, range(SUBMITTERS)))

    assert {JobState.QUEUED: 4} == dict(store.counts())
    assert 1 == len({tuple(one.job_id for one in part) for part in found})
    assert 4 == sum(not one.existing for part in found for one in part)
