"""The course of an optimisation: while it runs, and after it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from nox_cli.results.job_record import point
from tests.support.ended import complete, water
from tests.support.stores import artifact, claim, outcome, submit
from workers.job import Progress
from workers.store.values import Point

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox

FIRST, SECOND = Point(1, -5.01, 0.25), Point(2, -5.07, 0.0009)
FRAME = "1\nenergy=-5.010000000000 gnorm=0.250000000 nox=0.1.0\nO 0 0 0.1\n"


def test_points_of_a_running_job_are_followed(app_client: TestClient, any_nox: Nox) -> None:
    """
    A client that has the newest points gets 304 until there is another one.
    """
    with any_nox.store() as store:
        submit(store, water())
        lease = claim(store).lease
        store.progress(lease, Progress(phase="opt", step=1), [FIRST])
        first = app_client.get("/jobs/1/points")
        again = app_client.get("/jobs/1/points", headers={"If-None-Match": first.headers["ETag"]})
        store.progress(lease, Progress(phase="opt", step=2), [SECOND])
        then = app_client.get("/jobs/1/points", headers={"If-None-Match": first.headers["ETag"]})
        told = json.loads(any_nox("status", "1", "--json", check=True).stdout)
        status = app_client.get("/jobs/1/status").json()
        store.finish(lease, outcome())

    assert {
        "schema": 1,
        "job_id": told["job_id"],
        "attempt": 1,
        "running": True,
        "energy_change_threshold_hartree": 5e-6,
        "gradient_norm_threshold_hartree_per_bohr": 1e-3,
        "points": [point(FIRST)],
    } == first.json()
    assert (304, b"") == (again.status_code, again.content)
    assert [point(FIRST), point(SECOND)] == then.json()["points"] == told["points"]
    assert "points" not in status
    assert [] == app_client.get("/jobs/1/points").json()["points"]


def test_points_of_an_ended_job_are_those_of_its_trajectory(app_client: TestClient, any_nox: Nox) -> None:
    """
    They are there as long as the trajectory is.
    """
    with any_nox.store() as store:
        complete(store, water(), artifact("trajectory.xyz", FRAME))
    found = app_client.get("/jobs/1/points")

    assert (1, False, [point(FIRST)]) == tuple(
        found.json()[name] for name in ("attempt", "running", "points")
    )
    assert 404 == app_client.get("/jobs/9/points").status_code


@pytest.mark.parametrize("name", ["energy", "gnorm"])
def test_points_of_a_damaged_trajectory_are_finite(app_client: TestClient, any_nox: Nox, name: str) -> None:
    """
    A frame with a number too large for a float is left out, as is half a frame.
    """
    damaged = re.sub(rf"{name}=-?", rf"\g<0>{'9' * 400}", FRAME)
    with any_nox.store() as store:
        complete(store, water(), artifact("trajectory.xyz", damaged + FRAME + FRAME[:12]))

    assert [point(FIRST)] == app_client.get("/jobs/1/points").json()["points"]
