"""A Hessian of aspirin, from the start of `nox submit` to its result, beside `xtb --hess` (one thread)."""

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
    """Measure both in turn; the medians."""
    whole: list[float] = []
    computing: list[float] = []
    peer: list[float] = []
    with local_ground() as ground, ground.worker(1):
        time.sleep(WAITED_S)
        for number in range(1, ROUNDS + 1):
            whole.append(_nox_s(ground))
            computing.append(_computing_s(ground, number))
            if has("xtb"):
                peer.append(_program_s())
    figures = [
        Figure("Hessian of aspirin, submit to end", median(whole), "s"),
        Figure("Hessian of aspirin, computing alone", median(computing), "s"),
    ]
    if peer:
        figures += [
            Figure("Hessian of aspirin, xtb --hess", median(peer), "s"),
            Figure("Hessian of aspirin, submit to end / xtb --hess", median(whole) / median(peer), "x", 1.0),
        ]
    return figures


def _nox_s(ground: Ground) -> float:
    store = ground.store()
    cursor = store.events(None).cursor
    start = time.perf_counter()
    ground.nox("submit", str(ASPIRIN), "--hess")
    state = JobState.QUEUED
    while state not in FINAL:
        stretch = store.events(cursor, wait_s=1.0)
        cursor = stretch.cursor
        state = next((event.state for event in reversed(stretch.items)), state)
    elapsed = time.perf_counter() - start
    store.close()
    if state is not JobState.DONE:
        raise RuntimeError("the Hessian failed")
    return elapsed


def _computing_s(ground: Ground, number: int) -> float:
    record = json.loads(ground.nox("status", f"{number}", "--raw").stdout)
    return float(record["outcome"]["result"]["wall_s"])


def _program_s() -> float:
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        start = time.perf_counter()
        subprocess.run(
            ["xtb", str(ASPIRIN), "--hess"], cwd=folder, env=environ, capture_output=True, check=True
        )
        return time.perf_counter() - start
