"""`workers.fit`: which worker may run a job, and what is missing where none may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stores import ADA, BOB, GIB, WORKER, beat
from workers.fit import lack, may_run
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
    assert "10.0 h left (the most a worker has: 10 min)" == lack(beats, waiting(time_limit_s=36_000))


def test_wants_met_by_different_workers_are_told_together() -> None:
    """
    Where one worker has the cores and another the engine, what is missing is one with both.
    """
    beats = [beat(cores=2), beat(engines=frozenset({"echo"}))]

    assert "one worker with all of: jobs of ada, xtb@22.1, 4 cores, 2.0 GiB" == lack(beats, waiting())


def test_one_worker_that_fits_is_enough() -> None:
    """
    Others may lack whatever they like.
    """
    assert "" == lack([beat(owner=BOB), beat(cores=1), beat()], waiting())
