"""The store's contract: a job goes to a slot it fits into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import GIB, OTHER_WORKER, WORKER, claim, claimant, claimed_names, submit_named
from workers.store.values import Revision

if TYPE_CHECKING:
    from workers.store.base import Store

EVERY_LANE = frozenset({"", WORKER})


def test_a_job_waits_for_enough_cores(store: Store) -> None:
    """
    A slot with fewer cores free does not get it; one with exactly as many does.
    """
    submit_named(store, "a", cores=4)

    assert [] == claimed_names(store, cores=3)
    assert ["a"] == claimed_names(store, cores=4)


def test_a_job_waits_for_enough_memory(store: Store) -> None:
    """
    A slot with a byte too little does not get it; one with exactly as much does.
    """
    submit_named(store, "a", memory_bytes=2 * GIB)

    assert [] == claimed_names(store, memory_bytes=2 * GIB - 1)
    assert ["a"] == claimed_names(store, memory_bytes=2 * GIB)


def test_a_job_that_asks_for_no_memory_fits_anywhere(store: Store) -> None:
    """
    Nothing asked for, nothing needed.
    """
    submit_named(store, "a", memory_bytes=0)

    assert ["a"] == claimed_names(store, memory_bytes=0, cores=1)


def test_a_job_that_may_take_longer_than_there_is_time_is_passed_over(store: Store) -> None:
    """
    A slot that ends in an hour gets what may take an hour, or does not say; the rest keeps its place.
    """
    submit_named(store, "night", time_limit_s=28_800, priority=9)
    submit_named(store, "hour", time_limit_s=3_600)
    submit_named(store, "open")
    submit_named(store, "longer", time_limit_s=3_601, priority=5)

    assert ["hour", "open"] == claimed_names(store, time_s=3_600)
    assert ["night", "longer"] == claimed_names(store)


def test_a_new_time_limit_decides_where_a_job_fits(store: Store) -> None:
    """
    What is changed while a job waits counts from the next claim on.
    """
    (job_id,) = submit_named(store, "a", time_limit_s=3_600)
    store.revise([job_id], Revision(time_limit_s=60), owner=None)

    assert ["a"] == claimed_names(store, time_s=60)


@pytest.mark.parametrize(
    ("engine", "offered", "found"),
    [
        ("xtb", {"xtb", "xtb@22.1"}, ["a"]),
        ("xtb@22.1", {"xtb", "xtb@22.1"}, ["a"]),
        ("xtb@22.2", {"xtb", "xtb@22.1"}, []),
        ("tblite", {"xtb", "xtb@22.1", "echo"}, []),
        ("echo", set(), []),
    ],
)
def test_a_job_waits_for_its_engine(store: Store, engine: str, offered: set[str], found: list[str]) -> None:
    """
    A job goes only to a worker that offers its engine key exactly.
    """
    submit_named(store, "a", engine=engine)

    assert found == claimed_names(store, engines=frozenset(offered))


def test_a_big_job_does_not_block_smaller_ones(store: Store) -> None:
    """
    What does not fit is passed over, whatever its priority and age.
    """
    submit_named(store, "wide", cores=64, priority=100)
    submit_named(store, "heavy", memory_bytes=512 * GIB, priority=100)
    submit_named(store, "exotic", engine="tblite", priority=100)
    submit_named(store, "small", priority=-100)

    assert ["small"] == claimed_names(store)
    assert ["wide"] == claimed_names(store, cores=64)


def test_the_best_that_fits_is_chosen_among_many_shapes(store: Store) -> None:
    """
    Jobs of many sizes and engines come by priority and age, each as soon as it fits.
    """
    for cores in (1, 2, 4, 8):
        for memory in (GIB, 4 * GIB):
            submit_named(store, f"c{cores}m{memory // GIB}", cores=cores, memory_bytes=memory, priority=cores)

    assert ["c2m1", "c1m1"] == claimed_names(store, cores=3, memory_bytes=2 * GIB)
    assert ["c8m1", "c8m4", "c4m1", "c4m4", "c2m4", "c1m4"] == claimed_names(store)


def test_a_reserved_job_goes_to_its_worker_only(store: Store) -> None:
    """
    A job in a lane is seen by claimants of that lane and by no other.
    """
    submit_named(store, "mine", lane=WORKER)
    submit_named(store, "anyones")

    assert ["anyones"] == claimed_names(store, worker=OTHER_WORKER)
    assert [] == claimed_names(store, worker=OTHER_WORKER, lanes=frozenset({"", OTHER_WORKER}))
    assert ["mine"] == claimed_names(store, lanes=EVERY_LANE)


def test_a_worker_may_keep_to_its_lane(store: Store) -> None:
    """
    A claimant that names only its lane takes nothing else.
    """
    submit_named(store, "anyones", priority=100)
    submit_named(store, "mine", lane=WORKER)

    assert ["mine"] == claimed_names(store, lanes=frozenset({WORKER}))


def test_lanes_are_served_by_priority_and_age_together(store: Store) -> None:
    """
    A reserved job is no better than another.
    """
    submit_named(store, "a", priority=1)
    submit_named(store, "b", lane=WORKER, priority=2)
    submit_named(store, "c")
    submit_named(store, "d", lane=WORKER)

    assert ["b", "a", "c", "d"] == claimed_names(store, lanes=EVERY_LANE)


def test_a_reserved_job_needs_room_as_any_other(store: Store) -> None:
    """
    A lane is no exception from cores, memory, engine and owner.
    """
    submit_named(store, "a", lane=WORKER, cores=4)

    assert [] == claimed_names(store, lanes=EVERY_LANE, cores=2)
    assert [] == claimed_names(store, lanes=EVERY_LANE, engines=frozenset({"xtb"}))
    assert [] == claimed_names(store, lanes=EVERY_LANE, owner="bob")
    assert ["a"] == claimed_names(store, lanes=EVERY_LANE)


def test_a_job_that_is_given_back_leaves_its_lane(store: Store) -> None:
    """
    What its worker could not keep is anyone's.
    """
    submit_named(store, "a", lane=WORKER)
    store.give_back(claim(store, lanes=EVERY_LANE).lease, "drained")

    found = store.claim(claimant(OTHER_WORKER))
    assert found is not None
    assert ("a", "") == (found.job.name, found.job.lane)


def test_a_lane_is_open_when_its_worker_left(store: Store) -> None:
    """
    Jobs reserved for a worker that ended in good order are anyone's, and keep their place in the order.
    """
    submit_named(store, "a", lane=WORKER)
    submit_named(store, "b")
    submit_named(store, "c", lane=WORKER, priority=1)
    store.leave(WORKER)

    assert ["c", "a", "b"] == claimed_names(store, worker=OTHER_WORKER)
