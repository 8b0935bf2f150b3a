"""A Hessian of aspirin, from `nox submit` to its result, and by `xtb --hess` on as many cores."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, median
from benchmarks.ground import WAITED_S, Ground, has, local_ground
from workers.job import FINAL, JobState

ASPIRIN = Path(__file__).parents[1] / "examples" / "aspirin.xyz"
# In turn, so that what else the machine does meanwhile meets both alike.
ROUNDS = 5


def measure() -> list[Figure]:
    """Measure one core, and two where there are."""
    return [figure for cores in range(1, min(2, os.cpu_count() or 1) + 1) for figure in _measured(cores)]


def _measured(cores: int) -> list[Figure]:
    """Measure both in turn; the medians."""
    name = "Hessian of aspirin" if cores == 1 else f"Hessian of aspirin on {cores} cores"
    whole: list[float] = []
    computing: list[float] = []
    peer: list[float] = []
    with local_ground() as ground, ground.worker(cores):
        time.sleep(WAITED_S)
        for number in range(1, ROUNDS + 1):
            whole.append(submitted_s(ground, ASPIRIN, "--hess", "--cores", f"{cores}"))
            computing.append(_computing_s(ground, number))
            if has("xtb"):
                peer.append(program_s(cores, ASPIRIN, "--hess"))
    figures = [
        Figure(f"{name}, submit to end", median(whole), "s"),
        Figure(f"{name}, computing alone", median(computing), "s"),
    ]
    if peer:
        ratio, bound = median(whole) / median(peer), 1.0 if cores == 1 else None
        figures += [
            Figure(f"{name}, xtb --hess", median(peer), "s"),
            Figure(f"{name}, submit to end / xtb --hess", ratio, "x", bound),
        ]
    return figures


def submitted_s(ground: Ground, file: Path, *options: str) -> float:
    """Measure from the submit of one job to its end.

    Raises:
        RuntimeError: it failed.
    """
    store = ground.store()
    cursor = store.events(None).cursor
    start = time.perf_counter()
    ground.nox("submit", str(file), *options)
    state = JobState.QUEUED
    while state not in FINAL:
        stretch = store.events(cursor, wait_s=1.0)
        cursor = stretch.cursor
        state = next((event.state for event in reversed(stretch.items)), state)
    elapsed = time.perf_counter() - start
    store.close()
    if state is not JobState.DONE:
        raise RuntimeError(f"{file.name} {' '.join(options)} failed")
    return elapsed


def _computing_s(ground: Ground, number: int) -> float:
    record = json.loads(ground.nox("status", f"{number}", "--raw").stdout)
    return float(record["outcome"]["result"]["wall_s"])


def program_s(cores: int, file: Path, *options: str) -> float:
    """Measure the xtb program on as many cores."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        environ = {**os.environ, "OMP_NUM_THREADS": f"{cores}", "OMP_STACKSIZE": "1G"}
        start = time.perf_counter()
        subprocess.run(["xtb", str(file), *options], cwd=folder, env=environ, capture_output=True, check=True)
        return time.perf_counter() - start
