"""The time that `--require-durable` adds to a submit: Redis answers only when its disk has the jobs."""

from __future__ import annotations

import time

from benchmarks.figures import Figure, percentile
from benchmarks.ground import redis_ground
from benchmarks.handing import hand_over

# By Redis' policy: submits, and the bound on what the slowest of a hundred adds (ms).  `everysec` writes to
# the disk once a second, so a submit waits for that.
POLICIES = {"always": (300, 25), "everysec": (30, 1_500)}


def measure() -> list[Figure]:
    """Measure both policies, plain and durable submits in turn."""
    figures = []
    for policy, (submits, bound_ms) in POLICIES.items():
        plain, durable = _waits(policy, submits)
        added = percentile(durable, 0.99) - percentile(plain, 0.5)
        figures.append(Figure(f"durable submit, appendfsync {policy}, p99 adds", added * 1e3, "ms", bound_ms))
    return figures


def _waits(policy: str, submits: int) -> tuple[list[float], list[float]]:
    """Seconds a submit took, without and with `durable`."""
    waits: tuple[list[float], list[float]] = ([], [])
    with redis_ground(("--appendonly", "yes", "--appendfsync", policy)) as ground:
        store = ground.store()
        for n in range(submits):
            for durable in (False, True):
                start = time.perf_counter()
                hand_over(store, ground, {"n": n}, durable=durable)
                waits[durable].append(time.perf_counter() - start)
        store.close()
    return waits
