"""A million ended jobs and ten thousand that wait, in both stores: what a question takes, what a job weighs.

Run by name only: `python -m benchmarks scale` takes minutes and gigabytes.  Some jobs are really submitted,
run and ended; the million are copies of these under ids of their own, made by each store's own program with
every key and row that a job has, and looked at through the store afterwards.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure, median
from benchmarks.ground import redis_ground
from workers.job import RESULT_PHASE, JobState, NewJob, Progress
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Claimant, Outcome, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workers.store.base import Store

ENDED = int(os.environ.get("SCALE_ENDED", "1000000"))
WAITING = 10_000
REPEATS = 300
OWNER, WORKER, GIB = "ada", "node01-1-abcdef", 1024**3
SPEC = '{"kind":"echo","payload":1}'
# How many jobs are really run.
ORIGINALS = 1_000
COPIED_AT_ONCE = 5_000
MEMORY_DISK = Path("/dev/shm")
# The parts of a job that the bounds leave out: all but its record.
BESIDE = ("specs", "outcomes", "artifacts", "uniques", "sqlite_autoindex_artifacts_1", "uniques_number")
_SAMPLED = 500
# Copies the first ARGV[3] jobs as the ARGV[2] after ARGV[1], with all that `lua/shared.lua` gives a job.
COPY = """
local first, count, originals = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local originals_ids = redis.call('ZRANGE', 'nox:numbers', 0, originals - 1)
for n = first + 1, first + count do
  local old = originals_ids[(n - 1) % originals + 1]
  local id = redis.sha1hex(n):sub(1, 32)
  local fields = redis.call('HGETALL', 'nox:job:' .. old)
  for i = 1, #fields, 2 do if fields[i] == 'n' then fields[i + 1] = n end end
  redis.call('HSET', 'nox:job:' .. id, unpack(fields))
  redis.call('SET', 'nox:spec:' .. id, redis.call('GET', 'nox:spec:' .. old))
  redis.call('SET', 'nox:outcome:' .. id, redis.call('GET', 'nox:outcome:' .. old))
  redis.call('ZADD', 'nox:numbers', n, id)
  redis.call('ZADD', 'nox:ids:' .. id:sub(1, 4), 0, id)
  redis.call('ZADD', 'nox:state:done', n, id)
  redis.call('ZADD', 'nox:ended', n, id)
end
local last = first + count
for _, key in ipairs({'nox:user:ada', 'nox:batch:screen-7f3a'}) do
  redis.call('DEL', key)
  redis.call('ZADD', key, 1, '1-' .. last)
end
redis.call('HINCRBY', 'nox:count', 'done ada', count)
redis.call('HINCRBY', 'nox:count:batch:screen-7f3a', 'done ada', count)
redis.call('HSET', 'nox:meta', 'number', last, 'ended', last)
"""


def measure() -> list[Figure]:
    """Fill each store, and ask it."""
    return [*_measure_redis(), *_measure_local()]


def _measure_redis() -> Iterator[Figure]:
    with redis_ground(["--appendonly", "no"]) as ground, closing(ground.store()) as store:
        assert ground.redis_url is not None
        with redis.Redis.from_url(ground.redis_url) as client:
            empty = client.info("memory")["used_memory"]
            _run_some(store)
            copy = client.register_script(COPY)
            for begin in range(ORIGINALS, ENDED, COPIED_AT_ONCE):
                copy(args=[begin, min(COPIED_AT_ONCE, ENDED - begin), ORIGINALS])
            _check(store)
            filled = client.info("memory")["used_memory"]
            beside = _weight_beside(client, store)
        yield Figure("redis, a job", (filled - empty) / ENDED - beside, "bytes", 1_000)
        _submit(store, WAITING)
        yield from _ask(store, "redis")


def _weight_beside(client: redis.Redis, store: Store) -> float:
    """Measure the memory of a finished job except its record, by samples."""
    names = store.with_numbers(1, ENDED, limit=_SAMPLED)
    kinds = ("spec", "outcome")
    sizes = [int(client.memory_usage(f"nox:{kind}:{name}") or 0) for name in names for kind in kinds]
    return sum(sizes) / len(names)


def _measure_local() -> Iterator[Figure]:
    fast = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(dir=fast) as folder, tempfile.TemporaryDirectory() as target:
        with closing(_local(Path(folder))) as store:
            _run_some(store)
        with closing(sqlite3.connect(Path(folder) / "nox.sqlite3", isolation_level=None)) as database:
            _copy_rows(database)
        for file in Path(folder).iterdir():
            if file.is_file():
                shutil.move(file, target)
        with closing(_local(Path(target))) as store:
            _check(store)
        with closing(sqlite3.connect(Path(target) / "nox.sqlite3")) as database:
            marks = ", ".join("?" * len(BESIDE))
            query = f"SELECT sum(pgsize) FROM dbstat WHERE name NOT IN ({marks})"
            (size,) = database.execute(query, BESIDE).fetchone()
        yield Figure("local, a job", size / ENDED, "bytes", 500)
        with closing(_local(Path(target))) as store:
            _submit(store, WAITING)
            yield from _ask(store, "local")


def _copy_rows(database: sqlite3.Connection) -> None:
    """Copy each job's row, what was asked and how it ended, in their order; triggers do the rest."""
    columns = {
        table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        for table in ("jobs", "specs", "outcomes")
    }
    database.execute("PRAGMA synchronous=OFF")
    for begin in range(ORIGINALS, ENDED, ORIGINALS):
        database.execute("BEGIN")
        for table, names in columns.items():
            new = {"number": f"number + {begin}", "id": "randomblob(16)"}
            values = ", ".join(new.get(name, name) for name in names)
            condition = f"number <= min({ORIGINALS}, {ENDED - begin})"
            database.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {condition}")
        database.execute("COMMIT")


def _local(home: Path) -> Store:
    return open_store(StoreSettings(None, "nox:", home))


def _run_some(store: Store) -> None:
    """Submit jobs, and run each to its end."""
    claimant = _claimants()
    _submit(store, ORIGINALS)
    claim = store.claim(next(claimant))
    while claim is not None:
        ended = Outcome(
            JobState.DONE,
            None,
            '{"result":{"payload":1}}',
            progress=Progress(phase=RESULT_PHASE, energy_hartree=-5.07054),
        )
        claim = store.finish(claim.lease, ended, next(claimant))


def _check(store: Store) -> None:
    """Make sure that the copies are jobs to the store."""
    if store.counts() != {JobState.DONE: ENDED}:
        raise RuntimeError(f"the {store.kind} store counts {store.counts()}")
    names = store.with_numbers(ENDED // 2, ENDED // 2 + 20)
    jobs = store.get_many(names)
    if {job.state for job in jobs} != {JobState.DONE} or not store.outcomes(names):
        raise RuntimeError(f"the {store.kind} store cannot read what was copied")


def _claimants() -> Iterator[Claimant]:
    sequence = 0
    while True:
        sequence += 1
        yield Claimant(WORKER, 0, sequence, 8, 16 * GIB, frozenset({"echo"}), None)


def _submit(store: Store, count: int) -> None:
    store.submit([_job(n) for n in range(count)], submission=uuid4().hex)


def _job(number: int) -> NewJob:
    name = f"conformer-{number:05}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return NewJob(
        uuid4().hex, OWNER, "echo", SPEC, digest, "echo", name, "screen-7f3a", "C8H10N4O2", 24,
        memory_bytes=2 * GIB,
    )  # fmt: skip


def _ask(store: Store, kind: str) -> Iterator[Figure]:
    newest = Query(owner=OWNER, limit=20)
    job_ids = store.with_numbers(ENDED // 2, ENDED // 2 + REPEATS)
    claimant = _claimants()

    def run_one() -> None:
        claim = store.claim(next(claimant))
        assert claim is not None
        store.finish(claim.lease, Outcome(JobState.DONE, None, "{}"))

    yield Figure(f"{kind}, newest 20", _ms(lambda _: store.page(newest)), "ms", 1)
    yield Figure(f"{kind}, counts", _ms(lambda _: store.counts(owner=OWNER)), "ms", 1)
    waiting = Query(owner=OWNER, states=frozenset({JobState.QUEUED}), limit=20)
    yield Figure(f"{kind}, newest 20 waiting", _ms(lambda _: store.page(waiting)), "ms")
    yield Figure(
        f"{kind}, batch's newest 20", _ms(lambda _: store.page(Query(batch="screen-7f3a", limit=20))), "ms"
    )
    yield Figure(f"{kind}, one job", _ms(lambda n: store.get(job_ids[n])), "ms")
    yield Figure(f"{kind}, submit one", _ms(lambda _: _submit(store, 1)), "ms")
    yield Figure(f"{kind}, claim and finish", _ms(lambda _: run_one()), "ms")


def _ms(act: Callable[[int], object]) -> float:
    """Do something many times; the median of what it takes."""
    took: list[float] = []
    for n in range(REPEATS):
        start = time.perf_counter()
        act(n)
        took.append(time.perf_counter() - start)
    return 1_000 * median(_without_first(took))


def _without_first(took: Sequence[float]) -> Sequence[float]:
    """Leave out what was paid once, as scripts that were loaded."""
    return took[1:]
