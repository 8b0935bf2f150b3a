"""A worker is killed while it optimises: nothing is left of the points of its attempt."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from nox_cli.results.convergence import convergence
from tests.standin.engine import GO, HELD, HELD_AT
from tests.support.examples import EXAMPLES
from tests.support.signed import run_out
from tests.support.stores import OTHER_WORKER, beat
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

LIMIT_S = 60.0


@pytest.mark.parametrize(
    ("molecule", "kind", "phase"), [("aspirin", "opt", "opt"), ("water", "ohess", "freq")]
)
def test_points_of_a_killed_worker_are_removed(
    any_nox: Nox, tmp_path: Path, molecule: str, kind: str, phase: str
) -> None:
    """
    Every step up to the newest is there while it runs, and gradients of frequencies are none.  After the
    loss there are none, in the next attempt its own, and of the result those of its trajectory.
    """
    file = tmp_path / f"{HELD}-{molecule}.xyz"
    shutil.copy(EXAMPLES / f"{molecule}.xyz", file)
    (job_id,) = any_nox.submit(str(file), f"--{kind}", "--no-start")
    first = any_nox.worker("--slots", "1", standin=True)

    def is_on_its_way() -> bool:
        reached = any_nox.job(job_id).progress
        return reached.phase == phase and reached.step == HELD_AT

    wait_until(is_on_its_way, LIMIT_S, lambda: first.log)
    with any_nox.store() as store:
        points = store.points([job_id])[job_id]
        first.kill()
        run_out(any_nox, job_id)
        wait_until(lambda: job_id in store.tick(beat(OTHER_WORKER)).reaped, LIMIT_S, "the loss to be noticed")
        assert {} == store.points([job_id])
        assert [] == store.audit()

    assert list(range(1, len(points) + 1)) == [point.step for point in points]
    assert (len(points) == HELD_AT) == (kind == "opt")
    assert points[-1].energy_hartree < points[0].energy_hartree
    assert points[-1].gradient_norm < points[0].gradient_norm

    (tmp_path / GO).touch()
    second = any_nox.worker("--slots", "1", "--burst", standin=True)
    assert 0 == second.wait(LIMIT_S), second.log
    with any_nox.store() as store:
        course = convergence(store, store.get(job_id))
        assert {} == store.points([job_id])
        assert [] == store.audit()
    if kind == "opt":  # frequencies may have continued from a checkpoint, and left no trajectory
        assert (2, False) == (course.attempt, course.is_running)
        assert points[-1].energy_hartree > course.points[-1].energy_hartree
