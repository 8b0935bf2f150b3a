"""The cost of idle workers: commands a second, processor time, and what a thousand cost Redis."""

from __future__ import annotations

import heapq
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import redis

from benchmarks.figures import Figure
from benchmarks.ground import Ground, local_ground, redis_ground
from benchmarks.processes import cpu_seconds, family
from workers import __version__
from workers.bell.dramatiq import LOOK_EVERY_S
from workers.machine import allow_open_files
from workers.store.base import LEASE_S
from workers.store.redis.resp import RespConnection
from workers.store.values import Beat, Claimant

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store

WATCHED_S = 20.0
IDLE = 1_000
# Connecting all of them takes less.
WAITED_S = 10.0
# An idle worker ticks every 2 s, and once more after each look for jobs: 0.62 times a second, as measured.
TICK_EVERY_S = 1.6
ENGINES = frozenset({"echo"})
GIB = 1 << 30


def share(pid: int) -> float:
    """The share of one core, in percent, that a worker and its keepers use while idle."""
    start = sum(map(cpu_seconds, family(pid)))
    time.sleep(WATCHED_S)
    return (sum(map(cpu_seconds, family(pid))) - start) / WATCHED_S * 100


class Idle:
    """Does to Redis what an idle worker of one slot does: ticks, waits for the bell, and claims."""

    def __init__(self, ground: Ground, number: int) -> None:
        self._store: Store = ground.store()
        self._worker = f"h-{number}-aa"
        self._beat = Beat(self._worker, number, 1, 1, GIB, ENGINES, "ada", "", 0, __version__)
        self._began, self._claims = time.monotonic(), 0
        port = urlsplit(ground.redis_url or "").port or 0
        self._bell = RespConnection("127.0.0.1", port, connect_timeout_s=1)
        self._bell.set_timeout(60)
        self._listen()

    def tick(self) -> None:
        """Send a beat."""
        self._store.tick(self._beat, may_reap=time.monotonic() - self._began > LEASE_S)

    def claim(self) -> None:
        """Look for a job once the bell was silent for as long as that takes."""
        self._bell.read()
        self._claims += 1
        lanes = frozenset({"", self._worker})
        who = Claimant(self._worker, 0, self._claims, 1, GIB, ENGINES, "ada", lanes, 1, GIB)
        assert self._store.claim(who) is None
        self._listen()

    def _listen(self) -> None:
        self._bell.send(("BLPOP", "nox:bell", int(LOOK_EVERY_S)))

    def close(self) -> None:
        """End every connection."""
        self._bell.close()
        self._store.close()


def a_thousand(ground: Ground, client: redis.Redis) -> tuple[float, float]:
    """The share of one core, in percent, that idle workers use in Redis, and the ticks of each in a second.

    They are clients of the store in one thread, which keeps their times.
    """

    def used() -> tuple[float, int]:
        cpu, calls = client.info("cpu"), client.info("commandstats")
        return cpu["used_cpu_user"] + cpu["used_cpu_sys"], calls["cmdstat_hsetnx"]["calls"]

    allow_open_files(4 * IDLE)
    start = time.monotonic()
    with ExitStack() as stack:
        due: list[tuple[float, int, float, Callable[[], None]]] = []
        for number in range(IDLE):
            one = stack.enter_context(closing(Idle(ground, number + 1)))
            later = start + WAITED_S + TICK_EVERY_S * number / IDLE
            due += [(later, number, TICK_EVERY_S, one.tick), (later, number, LOOK_EVERY_S, one.claim)]
        before, since = (0.0, 0), 0.0
        heapq.heapify(due)
        while not since or time.monotonic() < since + WATCHED_S:
            if not since and time.monotonic() > start + WAITED_S + LEASE_S + TICK_EVERY_S:
                before, since = used(), time.monotonic()
            at, number, every_s, call = due[0]
            time.sleep(max(0.0, at - time.monotonic()))
            call()
            heapq.heapreplace(due, (at + every_s, number, every_s, call))
        after, took = used(), time.monotonic() - since
    return 100 * (after[0] - before[0]) / took, (after[1] - before[1]) / took / IDLE


def measure() -> list[Figure]:
    """Watch an idle worker on each store, and many on one Redis."""
    with redis_ground() as ground:
        assert ground.redis_url is not None
        client = redis.Redis.from_url(ground.redis_url)
        with ground.worker(2) as pid:
            time.sleep(3)
            before = client.info("commandstats")
            used = share(pid)
            after = client.info("commandstats")
        thousand, ticks = a_thousand(ground, client)
    # What a script calls inside the server is counted too; what crosses the wire is this.
    wire = {
        "cmdstat_evalsha",
        "cmdstat_eval",
        "cmdstat_fcall",
        "cmdstat_blpop",
        "cmdstat_ping",
        "cmdstat_llen",
    }
    commands = sum(
        after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in wire & set(after)
    )
    with local_ground() as ground, ground.worker(2) as pid:
        time.sleep(3)
        used_local = share(pid)
    return [
        Figure("idle worker, redis", commands / WATCHED_S, "commands/s", 2),
        Figure("idle worker, redis", used, "% of a core", 0.5),
        Figure("1,000 idle workers, of redis", thousand, "% of a core", 10),
        Figure("1,000 idle workers, ticks of each", ticks, "a second"),
        Figure("idle worker, local", used_local, "% of a core", 0.5),
    ]
