"""The versions of nox that may write to a store, and how a newer one reserves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    OTHER_WORKER,
    WORKER,
    beat,
    claim,
    claimant,
    names,
    new_job,
    outcome,
    submit,
)
from workers import __version__
from workers.errors import NoxOutdated, StoreRefused
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.values import Query
from workers.store.versions import MIN_WRITER, is_older

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.settings import StoreSettings

CHANGES: dict[str, Callable[[Store, str], object]] = {
    "submit": lambda store, _: submit(store, new_job("late")),
    "cancel": lambda store, job_id: store.cancel([job_id], owner=None),
    "hold": lambda store, job_id: store.hold([job_id], owner=None),
    "retry": lambda store, job_id: store.retry([job_id], owner=None, done=True),
    "remove": lambda store, job_id: store.remove([job_id], owner=None),
    "remove_attempts": lambda store, job_id: store.remove_attempts([job_id], owner=None),
    "tick": lambda store, _: store.tick(beat(WORKER)),
}


def test_versions_are_compared_by_their_numbers() -> None:
    """
    0.9.0 precedes 0.10.0; a development version counts as its release; what is no version precedes none.
    """
    assert is_older("0.9.0", "0.10.0")
    assert not is_older("0.10.0", "0.9.0")
    assert not is_older("0.2.0.dev1", "0.2.0")
    assert not is_older("banana", "0.2.0")
    assert not is_older("0.2.0", "banana")
    assert not is_older(__version__, MIN_WRITER)


def test_the_first_change_reserves_a_store(store: Store, vandal: Vandal) -> None:
    """
    To open and read a store does not reserve it; the first change does, in the same step.
    """
    store.page(Query())
    assert "None" == vandal.reserved()
    submit(store, new_job("a"))
    assert MIN_WRITER == vandal.reserved()


@pytest.mark.parametrize("name", CHANGES)
def test_an_outdated_nox_changes_nothing(store: Store, vandal: Vandal, name: str) -> None:
    """
    Each change of a store that a newer nox has reserved is refused, and jobs stay as they are.
    """
    (job_id,) = submit(store, new_job("a"))
    vandal.reserve("0.2.0")

    with pytest.raises(NoxOutdated, match=r"may be changed by nox 0\.2\.0 or newer only") as refused:
        CHANGES[name](store, job_id)
    assert f"this is nox {__version__}" in refused.value.message
    assert ["a"] == names(store.page(Query()).items)
    assert JobState.QUEUED is store.get(job_id).state
    assert [] == store.workers()
    assert "0.2.0" == vandal.reserved()


def test_an_outdated_nox_reads_on(store: Store, settings: StoreSettings, vandal: Vandal) -> None:
    """
    A store that a newer nox has reserved can be opened and read by an older one.
    """
    (job_id,) = submit(store, new_job("a"))
    store.finish(claim(store).lease, outcome())
    vandal.reserve("0.2.0")

    opened = open_store(settings)
    assert ["a"] == names(opened.page(Query()).items)
    assert job_id in opened.outcomes([job_id])
    assert {JobState.DONE: 1} == opened.counts()
    opened.close()


def test_a_running_job_of_an_outdated_worker_is_recorded(store: Store, vandal: Vandal) -> None:
    """
    A worker that has a job when the store is reserved may still renew, finish and release it.
    """
    submit(store, new_job("a"), new_job("b"))
    first, second = claim(store).lease, claim(store, slot=1).lease
    vandal.reserve("0.2.0")

    assert store.renew([first])[0].alive
    store.finish(first, outcome())
    store.give_back(second, "drained")
    assert [JobState.DONE, JobState.QUEUED] == [store.get(one.job_id).state for one in (first, second)]


def test_older_workers_that_are_alive_keep_a_store(store: Store, vandal: Vandal) -> None:
    """
    While one lives nothing is changed, and the error names it; once it has left the store is reserved.
    """
    store.tick(beat(WORKER, nox_version="0.0.9"))
    store.tick(beat(OTHER_WORKER))
    vandal.reserve("0.0.9")

    with pytest.raises(StoreRefused, match="workers of nox before") as refused:
        submit(store, new_job("a"))
    assert f"{WORKER} (0.0.9)" in refused.value.message
    assert OTHER_WORKER not in refused.value.message
    with pytest.raises(StoreRefused, match="workers of nox before"):
        store.tick(beat(OTHER_WORKER))
    assert ("0.0.9", {}) == (vandal.reserved(), store.counts())

    store.leave(WORKER)
    submit(store, new_job("a"))
    assert MIN_WRITER == vandal.reserved()


def test_an_older_worker_that_died_keeps_no_store(store: Store, another: Store, vandal: Vandal) -> None:
    """
    Its lock or its lease shows that it is gone; the store is reserved all the same.
    """
    another.tick(beat(WORKER, nox_version="0.0.9"))
    vandal.reserve("0.0.9")
    another.close()
    vandal.silence(WORKER)

    submit(store, new_job("a"))
    assert MIN_WRITER == vandal.reserved()


@pytest.mark.parametrize("nonsense", ["", "banana", "1.2"])
def test_nonsense_for_a_version_is_replaced(store: Store, vandal: Vandal, nonsense: str) -> None:
    """
    A text that is no version, from another program, keeps no nox from writing, and is replaced.
    """
    submit(store, new_job("a"))
    vandal.reserve(nonsense)
    submit(store, new_job("b"))
    assert MIN_WRITER == vandal.reserved()
    assert store.claim(claimant()) is not None


def test_a_worker_of_a_newer_nox_is_listed(store: Store, vandal: Vandal) -> None:
    """
    A field of its beat that this nox does not know is ignored.
    """
    store.tick(beat(WORKER, nox_version="0.2.0"))
    vandal.add_to_beat(WORKER)
    (seen,) = store.workers()
    assert (WORKER, "0.2.0", True) == (seen.beat.worker, seen.beat.nox_version, seen.alive)
