"""The cost of idle workers: commands a second, processor time, and what a thousand cost Redis."""

from __future__ import annotations

import io
import os
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from benchmarks.figures import Figure
from benchmarks.ground import Ground, local_ground, redis_ground
from workers import __version__
from workers.bell.base import open_bell
from workers.logs import Log
from workers.runtime.leases import Leases
from workers.store.base import LEASE_S
from workers.store.values import Beat, Claimant

if TYPE_CHECKING:
    from workers.store.base import Store

WATCHED_S = 20.0
# So many clients fit into one process and leave it time.
CLIENTS = int(os.environ.get("IDLE_CLIENTS", "200"))
GIB = 1 << 30


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in family(int(child)))]


def share(pid: int) -> float:
    """The share of one core, in percent, that a worker and its keepers use while idle."""
    start = sum(map(cpu_seconds, family(pid)))
    time.sleep(WATCHED_S)
    return (sum(map(cpu_seconds, family(pid))) - start) / WATCHED_S * 100


def idle(ground: Ground, stack: ExitStack, number: int) -> None:
    """Keep a client of the store, in threads, that does what an idle worker of one slot does."""
    store: Store = stack.enter_context(closing(ground.store()))
    worker, log = f"h-{number}-aa", Log(io.StringIO())
    claimant = Claimant(worker, 0, 1, 1, GIB, frozenset({"echo"}), "ada", frozenset({"", worker}))
    beat = Beat(worker, number, 1, 1, GIB, frozenset({"echo"}), "ada", "", 0, __version__)
    bell = open_bell(store, ground.home, log)
    leases = Leases(store, lambda: beat, log, bell.pass_on)

    def drain() -> None:
        assert store.claim(claimant) is None
        leases.hurry()

    leases.start()
    stack.callback(leases.stop)
    bell.start(1, drain, lambda _limit_s: True)
    stack.callback(bell.stop, 1.0)


def a_thousand(ground: Ground, client: redis.Redis) -> float:
    """The share of one core, in percent, that 1,000 idle workers use in Redis, by what `CLIENTS` use."""

    def used() -> float:
        cpu = client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    def share() -> float:
        start = used()
        time.sleep(WATCHED_S)
        return (used() - start) / WATCHED_S * 100

    alone = share()
    with ExitStack() as stack:
        for number in range(CLIENTS):
            idle(ground, stack, number + 1)
        time.sleep(LEASE_S + 1)  # before that each does what is due
        return (share() - alone) / CLIENTS * 1_000


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
        thousand = a_thousand(ground, client)
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
        Figure("idle worker, local", used_local, "% of a core", 0.5),
    ]
