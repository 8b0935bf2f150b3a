"""The time of a TAB: `nox __complete`, which completion scripts call, among 100,000 jobs on both stores.

The times to the end are those of a quiet machine; processor times are those of the client.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks.figures import Figure, median
from benchmarks.ground import local_ground, redis_ground
from benchmarks.startup import cpu_ms
from workers.job import NewJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ground import Ground

JOBS, BATCHES = 100_000, 100
ROUNDS = 11
BOUND_MS = 150
OWNER = "ada"
# What is completed -> the kind of candidates, and the words of the line, the last one as far as it is typed.
LINES = {
    "jobs": ("jobs", "nox", "status", ""),
    "numbers": ("jobs", "nox", "status", "4"),
    "names, all match": ("jobs", "nox", "status", "name:mol"),
    "names, none match": ("jobs", "nox", "status", "name:none"),
    "batches": ("jobs", "nox", "status", "@batch:"),
    "labels": ("tags", "nox", "list", "--tag", ""),
}
# A TAB in bash, with all that the script does; `nox` is the one of this Python.
IN_BASH = """
source completions/nox.bash
COMP_LINE='nox status 4' COMP_POINT=12 COMP_TYPE=9
_nox
[[ ${#COMPREPLY[@]} -gt 9 ]]
"""
_AT_ONCE = 10_000


def measure() -> list[Figure]:
    """Fill each store and complete there."""
    with redis_ground() as ground:
        figures = list(_measure(ground, "redis"))
    with local_ground() as ground:
        return [*figures, *_measure(ground, "local")]


def _measure(ground: Ground, kind: str) -> Iterator[Figure]:
    ground.environ["NOX_USER"] = OWNER
    with closing(ground.store()) as store:
        for start in range(0, JOBS, _AT_ONCE):
            store.submit([_job(start + i) for i in range(_AT_ONCE)], submission=uuid4().hex)
    for what, words in LINES.items():
        argv = [sys.executable, "-m", "nox_cli", "__complete", "zsh", *words]
        found = subprocess.run(argv, env=ground.environ, capture_output=True, text=True, check=True).stdout
        if ("none" in what) == bool(found):
            raise RuntimeError(f"{what}: {found!r}")
        times, walls = [], []
        for _ in range(ROUNDS):
            began = time.monotonic()
            times.append(cpu_ms(argv, ground.environ))
            walls.append(1e3 * (time.monotonic() - began))
        name = f"{kind}, a TAB among {JOBS:,} jobs, {what}"
        yield Figure(f"{name}, processor time, median", median(times), "ms", BOUND_MS)
        yield Figure(f"{name}, to its end, minimum", min(walls), "ms", BOUND_MS)
    environ = ground.environ | {"PATH": f"{Path(sys.executable).parent}:{ground.environ['PATH']}"}
    argv = ["bash", "--norc", "-c", IN_BASH]
    taken = median([cpu_ms(argv, environ) for _ in range(ROUNDS)])
    yield Figure(f"{kind}, a TAB in bash among {JOBS:,} jobs, numbers, median", taken, "ms", BOUND_MS)


def _job(number: int) -> NewJob:
    name, batch = f"mol{number:06}", f"batch{number * BATCHES // JOBS:03}"
    spec = '{"kind":"echo","payload":1}'
    return NewJob(uuid4().hex, OWNER, "echo", spec, name, "echo", name, batch, tags={"k": str(number % 7)})
