"""Random faults of all kinds at once, on both stores; `make soak` does the same for half an hour."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = 1
FAULTS_S = 20


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bundle", [32, pytest.param(1, marks=pytest.mark.long)])
def test_soak_of_random_faults_breaks_no_rule(tmp_path: Path, bundle: int) -> None:
    """
    Whatever is killed, frozen, cut off or restarted: each job ends once, with the right result, whether or
    not slots hold several.
    """
    outcome = tmp_path / "soak.json"
    command = [sys.executable, "-m", "benchmarks.soak", "--store", "both", "--seconds", str(FAULTS_S)]
    done = subprocess.run(
        [*command, "--seed", str(SEED), "--bundle", str(bundle), "--json", str(outcome)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )

    assert 0 == done.returncode, f"{done.stdout}\n{done.stderr}"
    soaks = {soak["store"]: soak for soak in json.loads(outcome.read_text())["soaks"]}
    assert {"redis": "ok", "local": "ok"} == {store: soak["verdict"] for store, soak in soaks.items()}
    assert all(soak["done"] and soak["faults"] for soak in soaks.values())
