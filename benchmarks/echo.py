"""Echo jobs through keepers: how many a second, and how soon an idle worker answers; with dramatiq."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, median, percentile
from benchmarks.ground import LOOK_EVERY_S, WAITED_S, Ground, local_ground, redis_ground, until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = 6_000
PROBES = 100
SLOTS = 2

PEER = """
import dramatiq, redis, sys
from dramatiq.brokers.redis import RedisBroker
url = {url!r}
dramatiq.set_broker(RedisBroker(url=url))
client = redis.Redis.from_url(url)
@dramatiq.actor
def echo(payload):
    client.rpush("echoed", str(payload))
"""

PEER_LATENCY = """
import sys, time
import peer
for n in range({probes}):
    start = time.perf_counter()
    peer.echo.send(n)
    peer.client.blpop("echoed", timeout=30)
    print(time.perf_counter() - start)
    time.sleep(0.03)
"""


def throughput(ground: Ground) -> float:
    """Jobs a second from the first end to the last, all queued beforehand."""
    lines = "\n".join(json.dumps({"kind": "echo", "payload": {"n": n}}) for n in range(JOBS))
    ground.nox("submit", "-", "--no-start", stdin=lines)
    store = ground.store()

    def ended() -> int:
        return store.counts().get(JobState.DONE, 0)

    with ground.worker(SLOTS):
        until(lambda: ended() > 0, "the first job", every_s=0.001)
        first, start = ended(), time.perf_counter()
        until(lambda: ended() == JOBS, "the last job", every_s=LOOK_EVERY_S)
        elapsed = time.perf_counter() - start
    store.close()
    return (JOBS - first) / elapsed


def latencies(ground: Ground) -> list[float]:
    """Seconds from before the submit to the event that the job is done, one job at a time."""
    from benchmarks.handing import hand_over

    store = ground.store()
    found = []
    with ground.worker(SLOTS):
        time.sleep(WAITED_S)
        cursor = store.events(None).cursor
        for n in range(PROBES):
            start = time.perf_counter()
            hand_over(store, ground, {"n": n})
            done = False
            while not done:
                stretch = store.events(cursor, wait_s=1.0)
                cursor = stretch.cursor
                done = any(event.state is JobState.DONE for event in stretch.items)
            found.append(time.perf_counter() - start)
            time.sleep(0.03)
    store.close()
    return found


@contextmanager
def dramatiq_worker(url: str) -> Iterator[Path]:
    """Run a dramatiq worker with its defaults; yield the folder that has the module of its actor."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        Path(folder, "peer.py").write_text(PEER.format(url=url))
        worker = subprocess.Popen(
            [sys.executable, "-m", "dramatiq", "peer", "--path", folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Path(folder)
        finally:
            worker.terminate()
            worker.wait(30)


def dramatiq_throughput(url: str) -> float:
    """Messages a second of bare dramatiq at its defaults, all queued beforehand."""
    import redis

    client = redis.Redis.from_url(url)
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        Path(folder, "peer.py").write_text(PEER.format(url=url))
        code = f"import peer\nfor n in range({JOBS}): peer.echo.send(n)"
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    with dramatiq_worker(url):
        until(lambda: int(client.llen("echoed")) > 0, "dramatiq's first message", every_s=0.001)
        first, start = int(client.llen("echoed")), time.perf_counter()
        until(lambda: int(client.llen("echoed")) == JOBS, "dramatiq's last message", every_s=LOOK_EVERY_S)
        elapsed = time.perf_counter() - start
    client.delete("echoed")
    return (JOBS - first) / elapsed


def dramatiq_latencies(url: str) -> list[float]:
    """Seconds from send to the actor's answer, of bare dramatiq at its defaults."""
    with dramatiq_worker(url) as folder:
        time.sleep(2)
        reply = subprocess.run(
            [sys.executable, "-c", PEER_LATENCY.format(probes=PROBES // 4)],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
    return [float(line) for line in reply.stdout.split()]


def measure() -> list[Figure]:
    """Measure both stores, then the peer, one after the other."""
    figures: list[Figure] = []
    with redis_ground() as ground:
        assert ground.redis_url is not None
        rate = throughput(ground)
        waits = {"redis": latencies(ground)}
        peer_rate = dramatiq_throughput(ground.redis_url)
        peer_waits = dramatiq_latencies(ground.redis_url)
    with local_ground() as ground:
        local_rate = throughput(ground)
    with local_ground() as ground:
        waits["local"] = latencies(ground)
    figures += [
        Figure("echo, redis, 2 slots", rate, "jobs/s", 1_000, at_least=True),
        Figure("echo, local, 2 slots", local_rate, "jobs/s", 1_000, at_least=True),
        Figure("echo, dramatiq at its defaults", peer_rate, "jobs/s"),
        Figure("echo, redis / dramatiq", rate / peer_rate, "x"),
    ]
    for name, bound in (("redis", 15), ("local", 30)):
        figures.append(Figure(f"idle latency, {name}, p50", median(waits[name]) * 1e3, "ms", bound))
        figures.append(Figure(f"idle latency, {name}, p99", percentile(waits[name], 0.99) * 1e3, "ms"))
    figures.append(Figure("idle latency, dramatiq, p50", median(peer_waits) * 1e3, "ms"))
    return figures
