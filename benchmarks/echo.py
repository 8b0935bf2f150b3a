"""Echo jobs a second through a worker of two slots, from its start to its end, with dramatiq.

All jobs wait before `nox worker --burst` starts.  `ECHO_JOBS` is their number, 10,000 unless set; `EARLIER`
is the folder of an earlier nox to compare with.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks import peer
from benchmarks.figures import Figure, median, ratio
from benchmarks.ground import NOX, Ground, earlier, local_ground, redis_ground
from benchmarks.processes import Run, run_to_end

if TYPE_CHECKING:
    from pathlib import Path

JOBS = int(os.environ.get("ECHO_JOBS", "10000"))
# One after the other and again, so that what else the machine does meanwhile meets all alike.
ROUNDS = 3
SLOTS = 2
PEER = "dramatiq -p 2 -t 4"
# The least rate of this nox by that of an earlier one, 0e17d33.
EARLIER_BOUNDS = {"redis": 3.3, "local": 3.0}
PEER_BOUND = 1.5


def measure() -> list[Figure]:
    """Measure both stores, the earlier nox and the peer in turn; the medians."""
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    rates: dict[str, list[float]] = defaultdict(list)
    trees = {"nox": None} | ({"earlier nox": tree} if (tree := earlier()) else {})
    for _ in range(ROUNDS):
        for name, place in trees.items():
            runs[name, "redis"].append(_redis(place))
            runs[name, "local"].append(_local(place))
        with redis_ground() as ground:
            assert ground.redis_url is not None
            for name, is_kept in ((PEER, False), (f"{PEER}, results kept", True)):
                rates[name].append(peer.rate(ground.redis_url, JOBS, *PEER.split()[1:], is_kept=is_kept))
    figures: list[Figure] = []
    for (name, kind), found in runs.items():
        what = f"echo, {kind}" if name == "nox" else f"echo, {name}, {kind}"
        speed = rates[what] = [JOBS / run.seconds for run in found]
        figures.append(Figure(f"{what}, {SLOTS} slots", median(speed), "jobs/s"))
        for role in found[0].cpu_s:
            used_ms = median([1e3 * run.cpu_s[role] / JOBS for run in found])
            figures.append(Figure(f"{what}, CPU of {role}", used_ms, "ms a job"))
        used_ms = median([1e3 * sum(run.cpu_s.values()) / JOBS for run in found])
        figures.append(Figure(f"{what}, CPU of all", used_ms, "ms a job"))
    figures += [Figure(f"echo, {name}", median(rates[name]), "jobs/s") for name in rates if PEER in name]
    if len(trees) > 1:
        for kind, bound in EARLIER_BOUNDS.items():
            times = ratio(rates[f"echo, {kind}"], rates[f"echo, earlier nox, {kind}"])
            figures.append(Figure(f"echo, {kind} / earlier nox", times, "x", bound, at_least=True))
    times = ratio(rates["echo, redis"], rates[PEER])
    return [*figures, Figure(f"echo, redis / {PEER}", times, "x", PEER_BOUND, at_least=True)]


def _redis(tree: Path | None) -> Run:
    with redis_ground(tree=tree) as ground:
        return _run(ground)


def _local(tree: Path | None) -> Run:
    with local_ground(tree=tree) as ground:
        return _run(ground)


def _run(ground: Ground) -> Run:
    """Run all jobs.

    Raises:
        RuntimeError: not all are done afterwards.
    """
    lines = "\n".join(json.dumps({"kind": "echo", "payload": {"n": n}}) for n in range(JOBS))
    ground.nox("submit", "-", "--no-start", "--quiet", stdin=lines)
    before = ground.cpu_seconds()
    argv = [*NOX, "worker", "--slots", str(SLOTS), "--burst"]
    run = run_to_end(argv, ground.environ, ground.home / "bench-worker.log")
    for role, used_s in ground.cpu_seconds().items():
        run.cpu_s[role] = used_s - before[role]
    counts = json.loads(ground.nox("status", "--json").stdout)["raw_counts"]
    if counts != {"done": JOBS}:
        raise RuntimeError(f"{JOBS:,} jobs, of which {counts}")
    return run
