"""The peak memory of `nox submit` of 100,000 files, and of `nox results` of 100,000 jobs, on each store.

Run by name only: `python -m benchmarks memory` takes a quarter of an hour.  MEMORY_JOBS: the number of jobs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.ground import local_ground, redis_ground
from benchmarks.tabulate import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ground import Ground

JOBS = int(os.environ.get("MEMORY_JOBS", "100000"))
BOUND_MB = 300
_WATER = "3\n\nO 0 0 {z:.6f}\nH 0 0 0.96\nH 0.93 0 -0.24\n"


def measure() -> list[Figure]:
    """Submit, and tabulate, in each store."""
    with TemporaryDirectory(prefix="nox-bench-") as folder:
        paths = [Path(folder) / f"w{number:06}.xyz" for number in range(JOBS)]
        for number, path in enumerate(paths):
            path.write_text(_WATER.format(z=1e-6 * number))
        names = Path(folder) / "names"
        names.write_text("".join(f"{path}\n" for path in paths))
        figures: list[Figure] = []
        for kind, ground_of in (("redis", redis_ground), ("local", local_ground)):
            with ground_of() as ground:
                figures += _measure(ground, kind, paths[0], names)
    return figures


def _measure(ground: Ground, kind: str, water: Path, names: Path) -> Iterator[Figure]:
    fill(ground, JOBS, str(water))
    peak_mb = _peak_mb(ground, "results", "@all", "-o", "csv")
    yield Figure(f"{kind}, results of {JOBS:,} jobs as csv, peak memory", peak_mb, "MB", BOUND_MB)
    peak_mb = _peak_mb(ground, "submit", "--files-from", str(names), "--quiet")
    yield Figure(f"{kind}, submit of {JOBS:,} files, peak memory", peak_mb, "MB", BOUND_MB)


def _peak_mb(ground: Ground, *words: str) -> float:
    """Run a command to its end; return its largest resident memory.

    Raises:
        RuntimeError: it failed, or wrote fewer lines than there are jobs.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "nox_cli", *words],
        env=ground.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = sum(1 for _ in process.stdout)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or lines < JOBS:
        raise RuntimeError(f"nox {words[0]} ended with {process.returncode} after {lines:,} lines")
    return used.ru_maxrss / 1024
