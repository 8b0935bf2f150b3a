"""A job that was stopped in one allocation goes on in the next, on both stores, with a real engine."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin.engine import GO, HELD, HELD_AT
from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

START_S = 60.0


@pytest.mark.parametrize(
    ("molecule", "kind", "phase"), [("aspirin", "opt", "opt"), ("water", "ohess", "freq")]
)
def test_a_job_goes_on_in_the_next_allocation(
    any_nox: Nox, tmp_path: Path, molecule: str, kind: str, phase: str
) -> None:
    """
    It ends with the numbers of a job that was not stopped, by fewer gradients, and its result tells of it.
    At the level normal, two ways to a minimum may end 1e-5 hartree apart.
    """
    file = tmp_path / f"{HELD}-{molecule}.xyz"
    shutil.copy(EXAMPLES / f"{molecule}.xyz", file)
    (stopped,) = any_nox.submit(str(file), f"--{kind}", "tight", "--no-start")
    first = any_nox.worker("--slots", "1", "--drain-timeout", "0", standin=True)

    def is_on_its_way() -> bool:
        reached = any_nox.job(stopped).progress
        return reached.phase == phase and (reached.step or 0) == HELD_AT

    wait_until(is_on_its_way, START_S, lambda: first.log)
    first.kill(signal.SIGTERM)
    assert 0 == first.wait(START_S)
    (tmp_path / GO).touch()

    (whole,) = any_nox.submit(str(EXAMPLES / f"{molecule}.xyz"), f"--{kind}", "tight", "--no-start")
    second = any_nox.worker("--slots", "1", "--burst", standin=True)
    assert 0 == second.wait(START_S)

    expected, found = result(any_nox, whole), result(any_nox, stopped)
    assert pytest.approx(expected["energy_hartree"], abs=1e-5) == found["energy_hartree"]
    continued = found["provenance"]["continued"]["gradients"]
    assert (2, 0) == (any_nox.job(stopped).attempt, any_nox.job(stopped).losses)
    assert expected["provenance"]["continued"] is None
    assert f"went on after {continued} gradients of earlier attempts" in any_nox("status", stopped).stdout
    if kind == "opt":
        assert continued > 1
        assert found["convergence"]["gradients"] < expected["convergence"]["gradients"]
    else:
        assert continued > expected["convergence"]["steps"]
        modes, again = (one["vibrations"]["frequencies_cm1"] for one in (expected, found))
        assert modes == [pytest.approx(mode, abs=0.1) for mode in again]


def result(nox: Nox, job_id: str) -> dict[str, Any]:
    """Read the result of a job that is done."""
    with nox.store() as store:
        found: dict[str, Any] = json.loads(store.outcomes([job_id])[job_id])["result"]
    return found
