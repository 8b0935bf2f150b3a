"""Optimisations of small molecules a second, from submit to the last end, with GNU parallel and xtb."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.figures import Figure, median, ratio
from benchmarks.ground import has, local_ground, redis_ground
from benchmarks.molecules import frames, parallel_rate, submitted

JOBS = 40
# One after the other and again, so that what else the machine does meanwhile meets all alike.
ROUNDS = 3
PEER = "parallel -j2 xtb"


def measure() -> list[Figure]:
    """Measure both stores and the peer in turn; the medians."""
    rates: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        files = frames(Path(folder), JOBS)
        for _ in range(ROUNDS):
            for kind, ground_of in (("redis", redis_ground), ("local", local_ground)):
                with ground_of() as ground:
                    rates[kind].append(JOBS / submitted(ground, files, "--opt").seconds)
            if has("parallel") and has("xtb"):
                rates[PEER].append(parallel_rate(files, "--opt"))
    figures = [
        Figure(f"optimisations, {name}", median(found), "molecules/s") for name, found in rates.items()
    ]
    if PEER in rates:
        for kind in ("redis", "local"):
            times = ratio(rates[kind], rates[PEER])
            figures.append(Figure(f"optimisations, {kind} / parallel", times, "x", 1, at_least=True))
    return figures
