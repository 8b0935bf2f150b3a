"""The memory of an idle slot, in addition to that of a process that has imported the library.

A slot has a keeper and an engine process, which share pages.  PSS divides each page among the processes that
have it, and RSS counts it for each of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.ground import ROOT, WAITED_S, Ground, local_ground, until
from benchmarks.processes import family
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUND_MB = 80
_MOLECULE = str(ROOT / "examples" / "ethanol.xyz")
_JOBS = (("--kind", "echo"), (_MOLECULE,), (_MOLECULE, "--opt"), (_MOLECULE, "--hess"))


def measure() -> list[Figure]:
    """Measure a slot before its first job, and after one job of each kind."""
    library = _library()
    figures = [Figure(f"the library, imported, {sort}", library[sort], "MB") for sort in library]
    with local_ground() as ground, ground.worker(1) as worker:
        time.sleep(WAITED_S)
        figures += _slot("idle slot, before the first job", worker, library)
        _run_each_kind(ground)
        figures += _slot("idle slot, after one job of each kind", worker, library)
    return figures


def _library() -> dict[str, float]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", "--warm"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = _memory_mb([process.pid])
        process.communicate(b"\n")
    return found


def _slot(title: str, worker: int, library: dict[str, float]) -> Iterator[Figure]:
    for sort, found in _memory_mb([pid for pid in family(worker) if pid != worker]).items():
        yield Figure(f"{title}, {sort}", found, "MB")
        yield Figure(f"{title}, without the library, {sort}", found - library[sort], "MB", BOUND_MB)


def _memory_mb(pids: list[int]) -> dict[str, float]:
    found = {"PSS": 0.0, "RSS": 0.0}
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, *values = line.split()
            if (sort := name.rstrip(":").upper()) in found:
                found[sort] += int(values[0]) / 1024
    return found


def _run_each_kind(ground: Ground) -> None:
    for words in _JOBS:
        ground.nox("submit", *words)
    store = ground.store()
    until(lambda: store.counts().get(JobState.DONE, 0) == len(_JOBS), "a job of each kind")
    store.close()
    time.sleep(WAITED_S)
