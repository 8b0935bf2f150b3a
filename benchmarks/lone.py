"""The latency of a lone job on an idle worker: from before its submit to the event that it is done.

`EARLIER` is the folder of an earlier nox: a worker of it waits next to the other one, each with a store of
its own, and they take turns.  `LONE_JOBS` is the number of jobs of each, 200 unless set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import peer
from benchmarks.figures import Figure, median, percentile
from benchmarks.ground import ROOT, WAITED_S, earlier, local_ground, redis_ground

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from benchmarks.ground import Ground

JOBS = int(os.environ.get("LONE_JOBS", "200"))
PEER_JOBS = 25
SLOTS = 2
PAUSE_S = 0.03
# Of echo, in milliseconds, and of all by the latency of an earlier nox, 0e17d33.
BOUNDS_MS = {"redis": 15, "local": 30}
EARLIER_BOUND = 1.03
_PROBE = Path(__file__).with_name("probe.py")
_MOLECULE = ROOT / "examples" / "ethanol.xyz"


def measure() -> list[Figure]:
    """Measure both stores, each with the earlier nox in turn, then the peer."""
    trees = {"": None} | ({"earlier nox, ": tree} if (tree := earlier()) else {})
    figures = [
        figure
        for kind, ground_of in (("redis", redis_ground), ("local", local_ground))
        for figure in _of_store(kind, ground_of, trees)
    ]
    with redis_ground() as ground:
        assert ground.redis_url is not None
        waits_s = peer.latencies(ground.redis_url, PEER_JOBS)
    return [*figures, Figure("idle latency, dramatiq, p50", median(waits_s) * 1e3, "ms")]


def _of_store(
    kind: str,
    ground_of: Callable[..., AbstractContextManager[Ground]],
    trees: dict[str, Path | None],
) -> Iterator[Figure]:
    with ExitStack() as stack:
        probes = {}
        for name, tree in trees.items():
            ground = stack.enter_context(ground_of(tree=tree))
            stack.enter_context(ground.worker(SLOTS))
            stored = ground.nox("submit", str(_MOLECULE), "--quiet", "--hold").stdout
            probes[name] = stack.enter_context(_probe(ground)), stored
        time.sleep(WAITED_S)
        for what in ("echo", "single point"):
            waits_ms: dict[str, list[float]] = {name: [] for name in probes}
            for number in range(JOBS + 1):  # the first of each is not counted
                for name in list(probes)[:: -1 if number % 2 else 1]:
                    probe, stored = probes[name]
                    assert probe.stdin is not None
                    assert probe.stdout is not None
                    probe.stdin.write("\n" if what == "echo" else stored)
                    probe.stdin.flush()
                    waits_ms[name] += [1e3 * float(probe.stdout.readline())] * (number > 0)
                    time.sleep(PAUSE_S)
            for name, found in waits_ms.items():
                title = f"idle latency, {name}{what}, {kind}"
                bound = BOUNDS_MS[kind] if what == "echo" and not name else None
                yield Figure(f"{title}, p50", median(found), "ms", bound)
                yield Figure(f"{title}, p99", percentile(found, 0.99), "ms")
            for other in list(probes)[1:]:
                times = median(waits_ms[""]) / median(waits_ms[other])
                yield Figure(f"idle latency, {what}, {kind} / earlier nox, p50", times, "x", EARLIER_BOUND)


@contextmanager
def _probe(ground: Ground) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-P", str(_PROBE)],
        env=ground.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
