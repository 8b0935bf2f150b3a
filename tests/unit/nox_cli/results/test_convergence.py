"""`nox_cli.results.convergence`: the course of an optimisation, from the store or from a trajectory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.results.convergence import _comments, convergence
from tests.support.ended import complete, fail, water
from tests.support.stores import artifact, claim, new_job, submit
from workers.errors import ArtifactNotFound
from workers.job import Progress
from workers.store.sqlite.store import SqliteStore
from workers.store.values import Artifact, Point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POINTS = (Point(1, -5.01, 0.25), Point(2, -5.07, 0.0009))


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def frame(point: Point, state: str = "") -> str:
    """Write a frame of water as engines do."""
    comment = f"energy={point.energy_hartree:.12f} gnorm={point.gradient_norm:.9f}{state} nox=0.1.0"
    return f"3\n{comment}\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n"


def test_convergence_of_a_running_job_is_what_it_reported(store: SqliteStore) -> None:
    """
    The thresholds are those of the level of its specification.
    """
    (job_id,) = submit(store, water())
    lease = claim(store).lease
    before = convergence(store, store.get(job_id))
    store.progress(lease, Progress(phase="opt", step=2), POINTS)
    found = convergence(store, store.get(job_id))

    assert (None, True, ()) == (before.attempt, before.is_running, before.points)
    assert (1, True, POINTS) == (found.attempt, found.is_running, found.points)
    assert (5e-6, 1e-3) == found[-2:]


def test_convergence_of_an_ended_job_is_its_trajectory(store: SqliteStore) -> None:
    """
    Frames are counted from 1; charge and spin may follow the gradient norm.
    """
    trajectory = artifact("trajectory.xyz", frame(POINTS[0]) + frame(POINTS[1], " charge=-1 unpaired=2"))
    job_id = complete(store, None, trajectory)
    found = convergence(store, store.get(job_id))

    assert (1, False, POINTS) == (found.attempt, found.is_running, found.points)
    assert {
        "step": 2,
        "energy_hartree": -5.07,
        "gradient_norm_hartree_per_bohr": 0.0009,
    } == found.document()["points"][-1]


@pytest.mark.parametrize("name", ["waits", "failed", "sp", "echo"])
def test_convergence_is_empty_without_steps(store: SqliteStore, name: str) -> None:
    """
    A job that waits, one that left no trajectory, and those without an optimisation have no points.
    """
    if name == "failed":
        job_id = fail(store)
    else:
        plain = {"kind": name} if name == "sp" else {}
        (job_id,) = submit(store, new_job() if name == "echo" else water(**plain))
    found = convergence(store, store.get(job_id))

    assert (None, ()) == (found.attempt, found.points)
    assert (name in {"waits", "failed"}) == (found.gradient_norm_threshold_hartree_per_bohr is not None)


def test_convergence_needs_a_trajectory_within_reach(store: SqliteStore) -> None:
    """
    One on another machine is reported with its place.
    """
    away = Artifact("trajectory.xyz", 9, "ab" * 32, "chemical/x-xyz", host="node07", path="/away/t.xyz")
    job_id = complete(store, None, away)

    with pytest.raises(ArtifactNotFound, match="node07:/away"):
        convergence(store, store.get(job_id))


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_convergence_reads_a_trajectory_in_pieces(size: int) -> None:
    """
    A comment that lies in two pieces counts once.
    """
    text = "".join(map(frame, POINTS)).encode()
    pieces = (text[at : at + size] for at in range(0, len(text), size))

    assert [-5.01, -5.07] == [float(energy) for energy, _ in _comments(pieces)]
