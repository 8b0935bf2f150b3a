"""The cost of an idle worker: Redis commands a second, and processor time."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ground import local_ground, redis_ground

WATCHED_S = 20.0


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


def measure() -> list[Figure]:
    """Watch an idle worker on each store."""
    import redis

    with redis_ground() as ground:
        assert ground.redis_url is not None
        client = redis.Redis.from_url(ground.redis_url)
        with ground.worker(2) as pid:
            time.sleep(3)
            before = client.info("commandstats")
            used = share(pid)
            after = client.info("commandstats")
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
        Figure("idle worker, local", used_local, "% of a core", 0.5),
    ]
