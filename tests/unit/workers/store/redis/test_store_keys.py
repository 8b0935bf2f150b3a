"""What always holds among the keys (`lua/shared.lua`), after anything at all happened."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import (
    ADA,
    BOB,
    OTHER_WORKER,
    WORKER,
    artifact,
    beat,
    claimant,
    ended_at,
    failed,
    new_job,
    outcome,
    submit,
)
from workers.errors import LeaseLost
from workers.job import Progress, Reason

if TYPE_CHECKING:
    import redis

    from workers.job import Lease
    from workers.store.redis.store import RedisStore

FINAL = {"done", "failed", "cancelled"}
STEPS = 400


class Keys:
    """Everything that lies under the prefix, read from outside."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.names = sorted(key.decode().removeprefix("nox:") for key in client.scan_iter("nox:*"))
        self.jobs = {name[4:]: self.hash(name) for name in self.names if name.startswith("job:")}

    def hash(self, name: str) -> dict[str, str]:
        """Read a hash."""
        fields: dict[Any, Any] = self.client.hgetall(f"nox:{name}")
        return {field.decode(): value.decode() for field, value in fields.items()}

    def zset(self, name: str) -> dict[str, float]:
        """Read a sorted set."""
        members: Any = self.client.zrange(f"nox:{name}", 0, -1, withscores=True)
        return {member.decode(): score for member, score in members}

    def under(self, start: str) -> dict[str, dict[str, float]]:
        """Read the sorted sets whose names start so, by the rest of their names."""
        return {name.removeprefix(start): self.zset(name) for name in self.names if name.startswith(start)}

    def shapes(self) -> set[str]:
        """Read the shapes of every lane."""
        names = [name for name in self.names if name.startswith("shapes:")]
        sets: list[Any] = [self.client.smembers(f"nox:{name}") for name in names]
        return {shape.decode() for shapes in sets for shape in shapes}

    def numbers_of(self, name: str) -> set[int]:
        """Read which numbers lie in an index of ranges."""
        ranges = (member.partition("-") for member in self.zset(name))
        return {number for first, _, last in ranges for number in range(int(first), int(last) + 1)}


def shape_of(job: dict[str, str]) -> str:
    """Write a job's shape as the scripts do."""
    sizes = (job.get("co", "1"), job.get("m", "0"), job.get("tl", "0"))
    parts = (job["o"], job.get("l", ""), *sizes, job["e"])
    return "\x1f".join(parts)


def assert_in_step(keys: Keys) -> None:
    """Hold every index and count against the records."""
    jobs = keys.jobs
    by_state: dict[str, dict[str, float]] = defaultdict(dict)
    by_shape: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for job_id, job in jobs.items():
        by_state[job["s"]][job_id] = float(job["n"])
        counts[f"{job['s']} {job['o']}"] += 1
        if job["s"] == "queued":
            by_shape[shape_of(job)].add(job_id)

    assert {job_id: float(job["n"]) for job_id, job in jobs.items()} == keys.zset("numbers")
    assert set(jobs) == {job_id for bucket in keys.under("ids:").values() for job_id in bucket}
    assert dict(by_state) == keys.under("state:")
    assert set(by_state["running"]) == set(keys.zset("leases"))
    assert set(by_state["scheduled"]) == set(keys.zset("scheduled"))
    assert set(by_state["scheduled"]) == {job_id for job_id, job in jobs.items() if "du" in job}
    assert {job_id for state in FINAL for job_id in by_state[state]} == set(keys.zset("ended"))
    assert {job_id for job_id, job in jobs.items() if "p" in job} == set(keys.zset("priority"))
    assert dict(by_shape) == {shape: set(members) for shape, members in keys.under("ready:").items()}
    assert set(by_shape) == keys.shapes()
    assert {shape.split("\x1f")[1] for shape in by_shape} - {""} == set(keys.zset("lanes"))
    assert counts == Counter({name: int(n) for name, n in keys.hash("count").items() if n != "0"})
    for owner in (ADA, BOB):
        mine = {int(job["n"]) for job in jobs.values() if job["o"] == owner}
        assert mine == keys.numbers_of(f"user:{owner}")
    assert {int(job["n"]) for job in jobs.values() if job.get("b") == "x"} == keys.numbers_of("batch:x")


def assert_attempts_in_step(keys: Keys) -> None:
    """Hold what is kept of attempts against the records, and its sums against it."""
    sums = [0, 0, 0]
    for name in keys.names:
        kind, _, job_id = name.partition(":")
        if kind == "outcome":
            assert keys.jobs[job_id]["s"] in FINAL
        if kind != "earlier":
            continue
        held: dict[Any, Any] = keys.client.hgetall(f"nox:{name}")
        lengths = {field.decode(): len(text) for field, text in held.items()}
        counted = {field.decode()[1:]: int(text) for field, text in held.items() if field.startswith(b"z")}
        there: Counter[str] = Counter()
        for field, length in lengths.items():
            there[field[1:].partition(" ")[0]] += length * (field[0] != "z")
        shown = keys.jobs[job_id].get("gd")
        assert {attempt: size for attempt, size in there.items() if attempt != shown} == counted
        assert shown is None or f"o{shown}" in lengths
        sums = [sums[0] + bool(counted), sums[1] + len(counted), sums[2] + sum(counted.values())]
    kept = keys.hash("kept")
    assert sums == [int(kept.get(field, 0)) for field in ("jobs", "attempts", "bytes")]
    for job_id, job in keys.jobs.items():
        listed = [json.loads(raw)["number"] for raw in keys.client.lrange(f"nox:attempts:{job_id}", 0, -1)]
        newest = int(job.get("at", 0))
        assert list(range(1, newest + 1)) == listed + [newest] * ("st" in job)


class Anything:
    """Does one thing after another to a store."""

    def __init__(self, store: RedisStore, client: redis.Redis, seed: int) -> None:
        self.store, self.client = store, client
        self.chance = random.Random(seed)
        self.leases: list[Lease] = []
        self.ids: list[str] = []

    def step(self) -> None:
        """Do one thing."""
        deeds = [self.submit, self.claim, self.claim, self.finish, self.give_back, self.cancel, self.lose]
        self.chance.choice([*deeds, self.retry, self.forget])()

    def submit(self) -> None:
        """Store some jobs of several owners, lanes, shapes and priorities."""
        one_of = self.chance.choice
        jobs = [
            new_job(
                owner=one_of([ADA, BOB]),
                lane=one_of(["", "", WORKER, "node09-1-ff"]),
                cores=one_of([1, 4]),
                priority=one_of([0, 0, -5, 100]),
                batch=one_of(["", "x"]),
                retries=one_of([0, 1, 3]),
                retry_on=frozenset({Reason.SCF, Reason.WORKER_LOST}),
            )
            for _ in range(one_of([1, 3]))
        ]
        self.ids += submit(self.store, *jobs)

    def claim(self) -> None:
        """Take a job."""
        lanes = frozenset({"", self.chance.choice([WORKER, OTHER_WORKER])})
        found = self.store.claim(claimant(cores=self.chance.choice([1, 8]), lanes=lanes))
        self.leases += [found.lease] if found else []

    def write(self, write: Any) -> None:
        """Write by any lease there ever was."""
        if self.leases:
            try:
                write(self.chance.choice(self.leases))
            except LeaseLost:
                return

    def finish(self) -> None:
        """End an attempt."""
        files = (artifact("opt.xyz", "x" * self.chance.randrange(1_000)),)
        ended = self.chance.choice(
            [outcome(progress=ended_at(-1.5), artifacts=files), failed(artifacts=files)]
        )
        self.write(lambda lease: self.store.finish(lease, ended, self.chance.choice([None, claimant()])))

    def give_back(self) -> None:
        """Return a job, sometimes after progress."""
        self.write(lambda lease: self.store.progress(lease, Progress(step=1)))
        self.write(lambda lease: self.store.give_back(lease, "drained"))

    def cancel(self) -> None:
        """Cancel any job."""
        if self.ids:
            self.store.cancel([self.chance.choice(self.ids)], owner=self.chance.choice([None, ADA]))

    def retry(self) -> None:
        """Run some jobs again."""
        wanted = self.chance.sample(self.ids, min(5, len(self.ids)))
        self.store.retry(wanted, owner=None, done=self.chance.random() < 0.7)

    def forget(self) -> None:
        """Remove what earlier attempts of a job have left, or the artifacts of all."""
        for job_id in self.chance.sample(self.ids, min(1, len(self.ids))):
            if self.chance.random() < 0.5:
                self.store.remove([job_id], owner=None, files_only=True)
            else:
                self.store.remove_attempts([job_id], owner=None)

    def lose(self) -> None:
        """Let a lease run out or a pause be over, or a worker leave."""
        if self.leases:
            job_id = self.chance.choice(self.leases).job_id
            for index in ("leases", "scheduled"):
                self.client.zadd(f"nox:{index}", {job_id: 1}, xx=True)
        self.store.tick(beat())
        if self.chance.random() < 0.2:
            self.store.leave(WORKER)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_index_and_count_keeps_step_with_the_records(
    store: RedisStore, client: redis.Redis, seed: int
) -> None:
    """
    Whatever is done in whatever order, the keys agree, and nothing lies in two places.
    """
    anything = Anything(store, client, seed)
    for at in range(STEPS):
        anything.step()
        if at % 40 == 0:
            assert_in_step(Keys(client))
            assert_attempts_in_step(Keys(client))

    keys = Keys(client)
    assert_in_step(keys)
    assert_attempts_in_step(keys)
    assert int(keys.hash("kept")["attempts"]) > 0
    assert {"done", "failed", "cancelled"} <= {job["s"] for job in keys.jobs.values()}


def test_a_record_stays_small(store: RedisStore, client: redis.Redis) -> None:
    """
    A finished job's hash is a listpack; all of it, without texts and events, takes at most 1,000 bytes.
    """
    jobs = [
        new_job(
            f"conf_{i:04}",
            batch="screen-2025",
            digest="0123456789abcdef" * 4,
            formula="C8H10N4O2",
            atoms=24,
            memory_bytes=2 * 1024**3,
        )
        for i in range(2_000)
    ]
    submit(store, *jobs)
    found = store.claim(claimant())
    while found:
        found = store.finish(found.lease, outcome(progress=ended_at(-42.15083)), claimant())
    beside = (b"nox:spec:", b"nox:outcome:", b"nox:events")
    keys = [name for name in client.scan_iter(count=1_000) if not name.startswith(beside)]
    used = sum(client.memory_usage(name, samples=0) or 0 for name in keys)

    assert {b"listpack"} == {client.object("encoding", f"nox:job:{job.id}") for job in jobs}
    assert used / len(jobs) <= 1_000
