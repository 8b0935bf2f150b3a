"""The peer: a dramatiq worker with an actor that returns its payload, and one that also answers."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import redis

from benchmarks.ground import until

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTORS = """
import dramatiq, redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url={url!r})
if {is_kept}:
    broker.add_middleware(Results(backend=RedisBackend(url={url!r}), store_results=True))
dramatiq.set_broker(broker)
client = redis.Redis.from_url({url!r})

@dramatiq.actor
def echo(payload):
    return payload

@dramatiq.actor
def answer(payload):
    client.rpush("answers", str(payload))
"""
_SENT = "import peer\nfor n in range({jobs}): peer.echo.send({{'n': n}})"
_ANSWERED = """
import time
import peer

for n in range({probes}):
    start = time.perf_counter()
    peer.answer.send(n)
    peer.client.blpop("answers", timeout=30)
    print(time.perf_counter() - start)
    time.sleep(0.03)
"""
# All messages of the queue that no worker has acknowledged.
_UNDONE = "dramatiq:default.msgs"


def rate(url: str, jobs: int, *options: str, is_kept: bool = False) -> float:
    """Measure echo messages a second, all sent before, from the start of the worker to the last one's end.

    Args:
        url: the Redis server.
        jobs: the number of messages.
        options: of the command line of dramatiq.
        is_kept: whether what the actor returns is stored; else it is dropped.
    """
    client = redis.Redis.from_url(url)
    with _folder(url, is_kept=is_kept) as folder:
        _python(folder, _SENT.format(jobs=jobs))
        assert client.hlen(_UNDONE) == jobs
        start = time.perf_counter()
        with _worker(folder, *options):
            until(lambda: client.hlen(_UNDONE) == 0, "dramatiq's last message", every_s=0.02)
            elapsed = time.perf_counter() - start
    client.flushdb()
    client.close()
    return jobs / elapsed


def latencies(url: str, probes: int) -> list[float]:
    """Measure seconds from a send to the actor's answer, one at a time, at dramatiq's defaults."""
    with _folder(url) as folder, _worker(folder):
        time.sleep(2)
        return [float(line) for line in _python(folder, _ANSWERED.format(probes=probes)).split()]


@contextmanager
def _folder(url: str, *, is_kept: bool = False) -> Iterator[Path]:
    with TemporaryDirectory(prefix="nox-bench-") as folder:
        Path(folder, "peer.py").write_text(_ACTORS.format(url=url, is_kept=is_kept))
        yield Path(folder)


@contextmanager
def _worker(folder: Path, *options: str) -> Iterator[None]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "dramatiq", "peer", "--path", str(folder), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def _python(folder: Path, code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
