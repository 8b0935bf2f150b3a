"""The share of an optimisation's time that its points take: of the worker's processes and of Redis.

Optimisations run with and without points, in turn; CPU time is compared, as other load on the machine only
adds to the time of the clock.  The difference is less than the noise of that, so what one report of points
costs is also measured by itself: a report goes to the store every quarter of a second at most.

Run by name only: `python -m benchmarks points` takes five minutes.  POINTS_ROUNDS: the number of rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure, median
from benchmarks.ground import LOOK_EVERY_S, WAITED_S, Ground, local_ground, redis_ground, until
from benchmarks.processes import family
from workers.job import FINAL, NewJob, Progress, Reason
from workers.runtime.attempt import PROGRESS_EVERY_S
from workers.store.values import POINTS_KEPT, Claimant, Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.job import Lease
    from workers.store.base import Store

ROOT = Path(__file__).parents[1]
# A small and a large molecule, how many of each are optimised in a round, and for how many steps at most.
MOLECULES = {
    "caffeine": (ROOT / "examples" / "caffeine.xyz", 3, 100),
    "pep200": (ROOT / "tests" / "molecules" / "pep200.xyz", 1, 4),
}
ROUNDS = int(os.environ.get("POINTS_ROUNDS", "5"))
REPORTS = 2_000
STEPS_A_REPORT = 8  # a step of a molecule of 20 atoms takes 30 ms
SHARE = 1.0  # percent of an optimisation's time
GIB = 1 << 30
_WITHOUT = """
from workers.runtime.attempt import AttemptRunner
AttemptRunner._pass = lambda *_: None
"""
_WORKER = """
from nox_cli.main import main
raise SystemExit(main())
"""


def measure() -> list[Figure]:
    """Measure on each store."""
    figures: list[Figure] = []
    for kind, ground_of in (("redis", redis_ground), ("local", local_ground)):
        with ground_of() as ground:
            figures += _of_a_report(ground, kind)
        for name in MOLECULES:
            with ground_of() as ground:
                figures += _of_optimisations(ground, kind, name)
    return figures


def _of_a_report(ground: Ground, kind: str) -> Iterator[Figure]:
    """Report progress with and without points, in turn."""
    with closing(ground.store()) as store:
        lease = _begun(store)
        taken: dict[bool, list[float]] = {True: [], False: []}
        step = 0
        empty_bytes = _bytes(ground)
        for number in range(ROUNDS * 2):
            has_points = bool(number % 2)
            start = _cpu_s(ground)
            for _ in range(REPORTS):
                points = [Point(step + i, -40.0 - 1 / (step + i + 1), 0.01) for i in range(STEPS_A_REPORT)]
                store.progress(lease, Progress(0.5, "opt", step), points if has_points else ())
                step += STEPS_A_REPORT
            taken[has_points].append((_cpu_s(ground) - start) / REPORTS)
        assert len(store.points([lease.job_id])[lease.job_id]) == POINTS_KEPT
    difference_s = min(taken[True]) - min(taken[False])
    yield Figure(f"{kind}, points of a report", difference_s * 1e6, "us")
    share = 100 * difference_s / PROGRESS_EVERY_S
    yield Figure(f"{kind}, points, share of an optimisation at most", share, "%", SHARE)
    if ground.redis_url:
        yield Figure("redis, points of a running job", _bytes(ground) - empty_bytes, "bytes", 8_192)


def _begun(store: Store) -> Lease:
    """Submit a job and claim it."""
    job = NewJob(uuid4().hex, "ada", "opt", '{"kind":"opt"}', "digest", "echo", "mol")
    store.submit([job], submission=uuid4().hex)
    claim = store.claim(Claimant("h-1-aa", 0, 1, 1, GIB, frozenset({"echo"}), "ada"))
    assert claim is not None
    store.progress(claim.lease, Progress(0.5, "opt", 1))
    return claim.lease


def _of_optimisations(ground: Ground, kind: str, name: str) -> Iterator[Figure]:
    """Optimise with and without points, in turn."""
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(ROUNDS * 2):
        has_points = bool(number % 2)
        with _worker(ground, has_points=has_points) as worker:
            taken[has_points].append(_optimised_s(ground, worker, *MOLECULES[name]))
    on, off = median(taken[True]), median(taken[False])
    yield Figure(f"{kind}, {name}, cpu with points", on, "s")
    yield Figure(f"{kind}, {name}, cpu without points", off, "s")
    yield Figure(f"{kind}, {name}, with / without points", on / off, "x")


@contextmanager
def _worker(ground: Ground, *, has_points: bool) -> Iterator[int]:
    """Keep a worker of one slot running that reports points, or does not."""
    code = _WORKER if has_points else _WITHOUT + _WORKER
    worker = subprocess.Popen(
        [sys.executable, "-c", code, "worker", "--slots", "1"],
        env=ground.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with closing(ground.store()) as store:
            until(lambda: any(seen.alive and seen.beat.pid == worker.pid for seen in store.workers()), "it")
        time.sleep(WAITED_S)
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(30)


def _optimised_s(ground: Ground, worker: int, file: Path, count: int, cycles: int) -> float:
    """Optimise a molecule some times; return the CPU time of the worker, its processes and Redis."""
    with closing(ground.store()) as store:
        start = _cpu_s(ground, worker)
        cursor = store.events(None).cursor
        ground.nox("submit", *[str(file)] * count, "--opt", "--cycles", str(cycles), "--no-start")
        until(lambda: not set(store.counts()) - FINAL, "the optimisations", every_s=LOOK_EVERY_S)
        if {event.reason for event in store.events(cursor).items} - {None, Reason.NOT_CONVERGED}:
            raise RuntimeError("an optimisation failed")
        return (_cpu_s(ground, worker) - start) / count


def _cpu_s(ground: Ground, worker: int | None = None) -> float:
    """Add up the CPU time of Redis, and of a worker with all that it started, or else of this process."""
    server = 0.0
    if ground.redis_url:
        with redis.Redis.from_url(ground.redis_url) as client:
            used = client.info("cpu")
        server = float(used["used_cpu_user"] + used["used_cpu_sys"])
    if worker is None:
        return server + time.process_time()
    return server + sum(map(_tasks_s, family(worker)))


def _tasks_s(process: int) -> float:
    """Add up the CPU time of the threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _bytes(ground: Ground) -> float:
    """Read the memory that Redis uses for what it stores."""
    if not ground.redis_url:
        return 0.0
    with redis.Redis.from_url(ground.redis_url) as client:
        return sum(
            float(client.memory_usage(key, samples=0) or 0) for key in client.scan_iter("nox:points:*")
        )
