"""One look of an autoscaler at many ready jobs of many shapes, with busy workers and known run times.

A job of each shape is really submitted; the others are copies of it, made in Redis under ids of their own.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure
from benchmarks.ground import redis_ground
from workers import __version__
from workers.batch.system import BatchJob, BatchJobs
from workers.job import JobState, NewJob
from workers.pools.autoscaler import Autoscaler, OwnPool
from workers.store.pools import PoolDefinition
from workers.store.values import Beat, Claimant, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workers.store.base import Store

READY = int(os.environ.get("LOOK_READY", "1000000"))
SHAPES = list(product((1, 2, 4, 8), range(1, 26), range(10)))  # cores, half GiB of memory, hours of time
DONE, WORKERS, MORE_WORKERS, SLOTS = 1_000, 20, 100, 8
# The quietest of these looks counts: other load on the machine only adds.
REPEATS = 7
ENGINES, GIB = frozenset({"echo"}), 1 << 30
DIGEST = "0" * 64
POOLS = {"small": PoolDefinition(8, 16 * GIB, 4 * 3_600), "large": PoolDefinition(32, 128 * GIB, 24 * 3_600)}
# Makes ARGV[2] further jobs like the ARGV[1]th.
COPY = """
local old = redis.call('ZRANGE', 'nox:state:queued', ARGV[1] - 1, ARGV[1] - 1)[1]
local fields = redis.call('HGETALL', 'nox:job:' .. old)
local job = redis.call('HMGET', 'nox:job:' .. old, 'o', 'l', 'co', 'm', 'tl', 'e')
local needs = {job[1], job[2] or '', job[3] or '1', job[4] or '0', job[5] or '0', job[6]}
local shape = table.concat(needs, '\\31')
if redis.call('EXISTS', 'nox:ready:' .. shape) == 0 then return redis.error_reply('no shape ' .. shape) end
for i = 1, ARGV[2] do
  local n = ARGV[1] * 1000000 + i
  local id = redis.sha1hex(n):sub(1, 32)
  redis.call('HSET', 'nox:job:' .. id, unpack(fields))
  redis.call('ZADD', 'nox:ready:' .. shape, 100 * 2^44 + n, id)
  redis.call('ZADD', 'nox:state:queued', n, id)
end
redis.call('HINCRBY', 'nox:count', 'queued ada', ARGV[2])
"""


class NoJobs:
    """A batch system without jobs."""

    name = "none"

    def submit(self, script: str, words: Sequence[str], name: str) -> str:
        """Accept nothing: a plan requests nothing."""
        raise AssertionError(script, words, name)

    def look(self, names: Collection[str] = ()) -> BatchJobs:  # noqa: ARG002 - the protocol's
        """List nothing."""
        return BatchJobs({}, is_complete=True)

    def cancel_pending(self, jobs: Sequence[BatchJob]) -> None:
        """Cancel nothing: a plan cancels nothing."""
        raise AssertionError(jobs)

    def test(self, script: str, words: Sequence[str]) -> str:
        """Answer nothing: a plan asks nothing."""
        raise AssertionError(script, words)


def measure() -> list[Figure]:
    """Fill a Redis, and look."""
    with (
        redis_ground(["--appendonly", "no"]) as ground,
        closing(ground.store()) as store,
        redis.Redis.from_url(ground.redis_url or "") as client,
    ):
        _run_some(store, client)
        _fill(store, client)
        assert store.pools is not None
        own = [_own(store, name) for name in POOLS]
        autoscaler = Autoscaler(store, store.pools, NoJobs(), "ada", lambda: own)
        few = _look(autoscaler, client)
        _tick(store, MORE_WORKERS)
        many = _look(autoscaler, client)
    name = f"a look at {len(SHAPES):,} shapes and {READY:,} ready jobs"
    return [
        Figure(f"{name}, {WORKERS} workers", sum(few), "s", 0.2),
        Figure(f"{name}, {WORKERS} workers, of Redis", few[1], "s", 0.1),
        Figure(f"{name}, {MORE_WORKERS} workers", sum(many), "s"),
    ]


def _look(autoscaler: Autoscaler, client: redis.Redis) -> tuple[float, float]:
    """Return the processor time of a look here and in Redis, in seconds."""
    taken, of_redis = [], []
    for _ in range(REPEATS):
        before, start = _used_s(client), time.process_time()
        found = autoscaler.plan()
        taken.append(time.process_time() - start)
        of_redis.append(_used_s(client) - before)
    assert len(found.shapes) == len(SHAPES), len(found.shapes)
    assert sum(line.shape.jobs for line in found.shapes) == READY
    assert any(decision.wanted for decision in found.decisions)
    return min(taken), min(of_redis)


def _own(store: Store, name: str) -> OwnPool:
    assert store.pools is not None
    store.pools.define("ada", name, POOLS[name], DIGEST)
    return OwnPool(name, POOLS[name], DIGEST, (), str, str)


def _used_s(client: redis.Redis) -> float:
    cpu = client.info("cpu")
    return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])


def _run_some(store: Store, client: redis.Redis) -> None:
    """Let workers end jobs, of which the autoscaler learns run times, and hold others that run."""
    running = WORKERS * SLOTS
    store.submit([_job(number, 1, 1, 0) for number in range(DONE + running)], submission=uuid4().hex)
    ended = Outcome(state=JobState.DONE, reason=None, outcome_json='{"schema":1}')
    _tick(store, WORKERS)
    for number in range(DONE + running):
        worker, slot = f"h-{number % WORKERS + 1}-aa", number // WORKERS % SLOTS
        claim = store.claim(Claimant(worker, slot, number + 1, SLOTS, 8 * GIB, ENGINES, "ada"))
        assert claim is not None
        if number < DONE:
            store.finish(claim.lease, ended)
            client.hincrby(f"nox:job:{claim.job.id}", "st", -60_000)  # it took a minute


def _fill(store: Store, client: redis.Redis) -> None:
    """Store ready jobs of all shapes, and let the workers live when the look begins."""
    jobs = [_job(number, cores, half_gib, hours) for number, (cores, half_gib, hours) in enumerate(SHAPES)]
    store.submit(jobs, submission=uuid4().hex)
    copy = client.register_script(COPY)
    for rank in range(1, len(SHAPES) + 1):
        copy(args=[rank, READY // len(SHAPES) - 1])
    _tick(store, WORKERS)


def _tick(store: Store, workers: int) -> None:
    """Let the first workers of a crowd live."""
    for number in range(workers):
        store.tick(_beat(f"h-{number + 1}-aa"), may_reap=False)


def _beat(worker: str) -> Beat:
    return Beat(worker, 1, SLOTS, SLOTS, 8 * GIB, ENGINES, "ada", "", SLOTS, __version__)


def _job(number: int, cores: int, half_gib: int, hours: int) -> NewJob:
    return NewJob(
        uuid4().hex, "ada", ("opt", "hess", "ohess")[number % 3], "{}", DIGEST, "echo", f"mol{number}", "b",
        "C8H10N4O2", 10 + number % 90,
        cores=cores, memory_bytes=half_gib * GIB // 2, time_limit_s=3_600 * hours,
    )  # fmt: skip
