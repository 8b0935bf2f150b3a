"""Commands about many jobs: a batch of 50,000, searches by name and tag, the removal of 100,000 jobs.

Run by name only: `python -m benchmarks queries` takes minutes.  QUERIES_JOBS: the number of jobs to search.
All but the time over a timeout and that of a submit are processor times of the command and its server, which
other load changes little.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure, percentile
from benchmarks.ground import local_ground, redis_ground
from workers.job import NewJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.ground import Ground
    from workers.store.base import Store

JOBS = int(os.environ.get("QUERIES_JOBS", "100000"))
# Those of the batch are among them.
BATCH = min(50_000, JOBS // 2)
CLEANED = min(100_000, JOBS)
OWNER = "ada"
# The oldest job has the name mol0000000 and the tag k=0; all are queued.
SEARCHES = (
    ("--name of the oldest", 0.5, ("--name", "mol0000000")),
    ("--name, 20 match at the oldest end", 0.5, ("--name", "mol000000*")),
    ("--name, all match", 0.5, ("--name", "mol*")),
    ("--name and --batch", 0.5, ("--name", "mol0000*7", "--batch", "b0")),
    ("--name and --state, all match the name, none the state", 0.5, ("--name", "mol*", "--state", "failed")),
    ("--tag of the oldest", 0.5, ("--tag", "k=0")),
    ("--tag and --state of the oldest", 0.5, ("--tag", "k=0", "--state", "queued")),
    ("--tag, none match", 0.5, ("--tag", "k=none")),
    ("--name of any form, none match", 5, ("--name", "*none*")),
    ("--name by priority, none match", 5, ("--name", "none*", "--sort", "-priority")),
)
_AT_ONCE = 10_000
_TIMEOUT_S = 1.0
_ALONE_S = 5.0


def measure() -> list[Figure]:
    """Fill each store, and search, wait, cancel and clean there."""
    with redis_ground(["--appendonly", "no"]) as ground:
        figures = list(_measure(ground, "redis"))
    with local_ground() as ground:
        return [*figures, *_measure(ground, "local")]


def _measure(ground: Ground, kind: str) -> Iterator[Figure]:
    ground.environ["NOX_USER"] = OWNER
    batch = f"@batch of {BATCH:,}"
    with closing(ground.store()) as store:
        _fill(store)
        taken = _cpu_s(ground, "status", "@batch:b0", until_line=True)
        yield Figure(f"{kind}, status {batch}, first line", taken, "s", 1)
        yield Figure(f"{kind}, results {batch}, none ended", _cpu_s(ground, "results", "@batch:b0"), "s", 1)
        yield from _wait(ground, kind, batch)
        for what, bound_s, words in SEARCHES:
            taken = _cpu_s(ground, "list", "--limit", "20", *words)
            yield Figure(f"{kind}, list among {JOBS:,}, {what}", taken, "s", bound_s)
        taken = _cpu_s(ground, "status", "mol0000000", "--json")
        yield Figure(f"{kind}, status by the name alone of the oldest of {JOBS:,}", taken, "s", 0.5)
        yield from _longest_call(ground)
        yield Figure(f"{kind}, cancel {batch}, to its end", _cpu_s(ground, "cancel", "@batch:b0"), "s")
        store.cancel(store.with_numbers(1, CLEANED, limit=CLEANED), owner=OWNER)
        yield from _clean(ground, store, kind)


def _fill(store: Store) -> None:
    for start in range(0, JOBS, _AT_ONCE):
        jobs = [_job(number) for number in range(start, min(JOBS, start + _AT_ONCE))]
        store.submit(jobs, submission=uuid4().hex)


def _job(number: int) -> NewJob:
    name, batch = f"mol{number:07}", "b0" if number < BATCH else "b1"
    spec = '{"kind":"echo","payload":1}'
    return NewJob(uuid4().hex, OWNER, "echo", spec, name, "echo", name, batch, tags={"k": str(number)})


def _cpu_s(ground: Ground, *words: str, until_line: bool = False) -> float:
    """Run a command to its end, or to its first line; the processor time of the command and its server."""
    before, server = resource.getrusage(resource.RUSAGE_CHILDREN), server_s(ground)
    process = subprocess.Popen(
        [sys.executable, "-m", "nox_cli", *words],
        env=ground.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if until_line:
        if not process.stdout.readline():
            raise RuntimeError(f"nox {words[0]} wrote nothing")
        process.kill()
    _, errors = process.communicate()
    if process.returncode > 0 and words[0] != "wait":
        raise RuntimeError(f"nox {words[0]}: {errors}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return client + server_s(ground) - server


def _longest_call(ground: Ground) -> Iterator[Figure]:
    """Search once more; the longest call of Redis meanwhile, which other load lengthens."""
    if ground.redis_url is None:
        return
    with redis.Redis.from_url(ground.redis_url) as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.config_set("slowlog-max-len", 10_000)
        for name in ("*none*", "mol0000000"):
            client.slowlog_reset()
            _cpu_s(ground, "list", "--name", name)
            longest_us = max(entry["duration"] for entry in client.slowlog_get(10_000))
            yield Figure(f"redis, longest call of list --name {name}", longest_us / 1000, "ms", 10)
        client.config_set("slowlog-log-slower-than", -1)


def server_s(ground: Ground) -> float:
    """The processor time of the Redis server so far; 0: the store is local."""
    if ground.redis_url is None:
        return 0.0
    with redis.Redis.from_url(ground.redis_url) as client:
        used = client.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])


def _wait(ground: Ground, kind: str, batch: str) -> Iterator[Figure]:
    """Look once at a batch, then wait for longer than a timeout."""
    taken = _cpu_s(ground, "wait", "@batch:b0", "--timeout", "0")
    yield Figure(f"{kind}, wait {batch}, one look", taken, "s", 1)
    start = time.monotonic()
    _cpu_s(ground, "wait", "@batch:b0", "--timeout", f"{_TIMEOUT_S:.0f}s")
    over = time.monotonic() - start - _TIMEOUT_S
    yield Figure(f"{kind}, wait --timeout, over its time", over, "s", 0.5)


def _clean(ground: Ground, store: Store, kind: str) -> Iterator[Figure]:
    """Remove all jobs while another client submits; what its calls take, before and meanwhile."""
    until = time.monotonic() + _ALONE_S
    yield Figure(f"{kind}, submit, p99", _submits_ms(store, lambda: time.monotonic() < until), "ms")
    process = subprocess.Popen(
        [sys.executable, "-m", "nox_cli", "clean", "--older", "0s", "--yes"],
        env=ground.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    taken_ms = _submits_ms(store, lambda: process.poll() is None)
    if process.returncode:
        raise RuntimeError("nox clean failed")
    yield Figure(f"{kind}, submit while {CLEANED:,} jobs are removed, p99", taken_ms, "ms", 50)


def _submits_ms(store: Store, goes_on: Callable[[], bool]) -> float:
    """Submit one job after the other; what the slowest in a hundred takes."""
    taken = []
    while goes_on():
        start = time.perf_counter()
        store.submit([_job(0)._replace(id=uuid4().hex, owner="bob", batch="")], submission=uuid4().hex)
        taken.append(time.perf_counter() - start)
        time.sleep(0.005)
    return 1e3 * percentile(taken, 0.99)
