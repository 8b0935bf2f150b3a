"""The store's contract: a large job is passed over by smaller ones for a while, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.stores import BOB, GIB, OTHER_WORKER, claim, claimant, claimed_names, submit_named

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

# One core of four is free.
BUSY: dict[str, Any] = {"cores": 1, "all_cores": 4, "all_memory_bytes": 16 * GIB}


def test_a_large_job_is_passed_over_for_a_while(store: Store) -> None:
    """
    While it lacks room, worse jobs that fit are handed out; with room it is first.
    """
    submit_named(store, "wide", cores=4, priority=1)
    submit_named(store, "a b c")

    assert ["a", "b"] == [claim(store, **BUSY).job.name for _ in range(2)]
    assert "wide" == claim(store, cores=4, all_cores=4).job.name
    assert ["c"] == claimed_names(store, **BUSY)


def test_a_large_job_is_not_passed_over_for_ever(store: Store, vandal: Vandal) -> None:
    """
    After that while a worker that could run it gets nothing else, until it is gone.
    """
    (wide,) = submit_named(store, "wide", cores=4)
    submit_named(store, "a b c")
    assert "a" == claim(store, **BUSY).job.name
    vandal.lose_patience(wide)

    assert store.claim(claimant(**BUSY)) is None
    assert "b" == claim(store, OTHER_WORKER, cores=1, all_cores=2, all_memory_bytes=16 * GIB).job.name
    assert "wide" == claim(store, **BUSY | {"cores": 4}).job.name
    assert ["c"] == claimed_names(store, **BUSY)


def test_memory_is_waited_for_too(store: Store, vandal: Vandal) -> None:
    """
    What is short may be memory.
    """
    short = BUSY | {"memory_bytes": 2 * GIB}
    (heavy,) = submit_named(store, "heavy", memory_bytes=8 * GIB)
    submit_named(store, "a b")
    assert "a" == claim(store, **short).job.name
    vandal.lose_patience(heavy)

    assert store.claim(claimant(**short)) is None
    assert "heavy" == claim(store, **BUSY).job.name


def test_store_patience_what_a_worker_has_no_time_for_keeps_no_room(store: Store, vandal: Vandal) -> None:
    """
    A worker that ends before a large job could end goes on with the others, however long that one waits.
    """
    (wide,) = submit_named(store, "wide", cores=4, time_limit_s=3_600)
    submit_named(store, "a b")
    assert "a" == claim(store, **BUSY).job.name
    vandal.lose_patience(wide)

    assert store.claim(claimant(**BUSY)) is None
    assert ["b"] == claimed_names(store, **BUSY, time_s=60)


def test_better_jobs_go_first_however_long_a_large_one_waits(store: Store, vandal: Vandal) -> None:
    """
    Only the best job is waited for: one of higher priority that fits is no reason to keep a core idle.
    """
    (wide,) = submit_named(store, "wide", cores=4)
    submit_named(store, "a")
    assert "a" == claim(store, **BUSY).job.name
    vandal.lose_patience(wide)
    submit_named(store, "urgent", priority=1)

    assert ["urgent"] == claimed_names(store, **BUSY)


def test_a_job_of_another_owner_is_not_waited_for(store: Store, vandal: Vandal) -> None:
    """
    A worker keeps its room for jobs it may run.
    """
    (wide,) = submit_named(store, "wide", cores=4, owner=BOB, priority=1)
    submit_named(store, "a b")
    assert "a" == claim(store, **BUSY).job.name
    vandal.lose_patience(wide)

    assert ["b"] == claimed_names(store, **BUSY, owner="ada")


def test_waiting_begins_anew_with_each_stay_in_the_queue(store: Store, vandal: Vandal) -> None:
    """
    A job that was handed out and given back has not been passed over since.
    """
    (wide,) = submit_named(store, "wide", cores=4)
    submit_named(store, "a b")
    assert "a" == claim(store, **BUSY).job.name
    vandal.lose_patience(wide)
    store.give_back(claim(store, **BUSY | {"cores": 4}).lease, "drained")

    assert ["b"] == claimed_names(store, **BUSY)
