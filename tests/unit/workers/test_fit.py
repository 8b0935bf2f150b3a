"""`workers.fit`: which worker may run a job, and what is missing where none may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stores import ADA, BOB, GIB, WORKER, beat
from workers.fit import Lack, Offer, Resource, lack, may_run
from workers.job import Job, JobState


def waiting(**changes: Any) -> Job:
    """Make a job that waits."""
    plain: dict[str, Any] = {"engine": "xtb@22.1", "cores": 4, "memory_bytes": 2 * GIB}
    return Job("f" * 32, 1, JobState.QUEUED, ADA, "sp", 0, **plain | changes)


@pytest.mark.parametrize(
    ("job", "fits"),
    [
        ({}, True),
        ({"cores": 8, "memory_bytes": 16 * GIB}, True),
        ({"cores": 9}, False),
        ({"memory_bytes": 16 * GIB + 1}, False),
        ({"engine": "tblite"}, False),
        ({"time_limit_s": 3_600}, True),
        ({"lane": WORKER}, True),
        ({"lane": "another-1-a"}, False),
    ],
)
def test_a_job_fits_whose_every_want_is_met(job: dict[str, Any], *, fits: bool) -> None:
    """
    Engine, cores, memory and lane all count.
    """
    assert fits == may_run(beat(), waiting(**job))
    assert fits == (not lack([beat()], waiting(**job)))


@pytest.mark.parametrize(("changes", "fits"), [({"owner": None}, True), ({"owner": BOB}, False)])
def test_a_worker_for_all_takes_anybodys(changes: dict[str, Any], *, fits: bool) -> None:
    """
    A worker for one person leaves the jobs of others alone.
    """
    assert fits == may_run(beat(**changes), waiting())


def test_a_worker_for_its_own_lane_takes_nothing_else() -> None:
    """
    `nox run` runs its own jobs only.
    """
    assert not may_run(beat(lane_only=True), waiting())
    assert may_run(beat(lane_only=True), waiting(lane=WORKER))


def test_a_worker_that_ends_soon_takes_no_long_job() -> None:
    """
    What may take longer than it is there is told with the most that any has left.
    """
    beats = [beat(time_s=600), beat(time_s=90)]

    assert may_run(beats[0], waiting(time_limit_s=600))
    assert may_run(beats[0], waiting())
    expected = Lack(Resource.TIME, "10 h left (the most a worker has: 10 min)", 600)
    assert expected == lack(beats, waiting(time_limit_s=36_000))


def test_wants_met_by_different_workers_are_told_together() -> None:
    """
    Where one worker has the cores and another the engine, what is missing is one with both.
    """
    beats = [beat(cores=2), beat(engines=frozenset({"echo"}))]

    expected = Lack(None, "all of: jobs of ada, xtb@22.1, 4 cores, 2.0 GiB")
    assert expected == lack(beats, waiting())
    expected = Lack(None, "all of: jobs of ada, xtb@22.1, 4 cores, 2.0 GiB, 1 h left")
    assert expected == lack(beats, waiting(time_limit_s=3_600))


def test_fit_one_worker_that_fits_is_enough() -> None:
    """
    Others may lack whatever they like.
    """
    assert None is lack([beat(owner=BOB), beat(cores=1), beat()], waiting())


@pytest.mark.parametrize(
    ("asked", "resource"),
    [
        ({"cores": 9}, Resource.CORES),
        ({"memory_bytes": 17 * GIB}, Resource.MEMORY),
        ({"engine": "tblite@0.9"}, Resource.ENGINE),
        ({"owner": BOB}, Resource.OWNER),
        ({"lane": "another-1-a"}, Resource.LANE),
    ],
)
def test_fit_what_is_lacking_has_a_type(asked: dict[str, Any], resource: Resource) -> None:
    """
    Callers decide by the resource, not by what is said of it.
    """
    found = lack([beat()], waiting()._replace(**asked))

    assert found is not None
    assert resource is found.resource


def test_fit_what_running_jobs_leave() -> None:
    """
    Each of slots, cores and memory may be short, also with the others free.
    """
    running = waiting()._replace(cores=5, memory_bytes=15 * GIB)
    offer = Offer(beat(slots=2), "node07", (running,))

    assert (1, 3, GIB) == (offer.slots, offer.cores, offer.memory_bytes)
    assert () == offer.short_of(waiting(cores=1, memory_bytes=GIB))
    assert (Resource.CORES,) == offer.short_of(waiting(cores=4, memory_bytes=GIB))
    assert (Resource.MEMORY,) == offer.short_of(waiting(cores=1, memory_bytes=2 * GIB))
    full = Offer(beat(slots=1), "node07", (running,))
    assert tuple(Resource)[-1:] == full.short_of(waiting(cores=1, memory_bytes=GIB))


def test_fit_jobs_of_one_slot_share_what_it_has() -> None:
    """
    A slot that holds several short jobs runs one at a time: the largest of them count.
    """
    short = waiting()._replace(cores=1, memory_bytes=2 * GIB)
    offer = Offer(beat(slots=2), "node07", (*[short] * 30, short._replace(memory_bytes=3 * GIB)))

    assert (0, 6, 11 * GIB) == (offer.slots, offer.cores, offer.memory_bytes)
    assert (Resource.SLOT,) == offer.short_of(short)


def test_fit_how_many_jobs_run_at_once() -> None:
    """
    As many as the scarcest of slots, cores and memory allows.
    """
    offer = Offer(beat(slots=8, cores=8), "node07", ())

    assert [8, 4, 2] == [
        offer.capacity(waiting(cores=cores, memory_bytes=size))
        for cores, size in ((1, GIB), (2, GIB), (2, 8 * GIB))
    ]
