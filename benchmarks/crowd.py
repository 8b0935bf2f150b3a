"""The cost of many workers for one Redis: their beats and leases, and the ends of their jobs.

The workers are clients of the store, each with a connection of its own, that do to Redis what workers do.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure
from benchmarks.ground import redis_ground
from workers import __version__
from workers.job import JobState, NewJob
from workers.machine import allow_open_files
from workers.store.base import RENEW_EVERY_S
from workers.store.values import Beat, Claimant, Outcome

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from workers.job import Lease
    from workers.store.base import Store

CROWDS = tuple(map(int, os.environ.get("CROWDS", "100,1000,5000").split(",")))
SLOTS = 8
# The quietest of these rounds counts: other load on the machine only adds.
ROUNDS = 3
ENGINES, GIB = frozenset({"echo"}), 1 << 30
ENDED = Outcome(state=JobState.DONE, reason=None, outcome_json='{"schema":1}')


class Busy:
    """Does to Redis what a worker does whose slots all run a job."""

    def __init__(self, store: Store, number: int) -> None:
        self._store, self._worker, self._claims = store, f"h-{number}-aa", 0
        self._beat = Beat(
            self._worker, number, SLOTS, SLOTS, SLOTS * GIB, ENGINES, "ada", "", SLOTS, __version__
        )
        self._store.tick(self._beat, may_reap=False)
        self._leases = [self._claimed(slot) for slot in range(SLOTS)]

    def renew(self) -> None:
        """Do what a worker does every 2 seconds: renew its leases and send a beat."""
        assert all(renewal.alive for renewal in self._store.renew(self._leases))
        self._store.tick(self._beat, may_reap=False)

    def finish(self, slot: int) -> None:
        """End the job of a slot and claim its next one."""
        claim = self._store.finish(self._leases[slot], ENDED, self._claimant(slot))
        assert claim is not None
        self._leases[slot] = claim.lease

    def _claimed(self, slot: int) -> Lease:
        claim = self._store.claim(self._claimant(slot))
        assert claim is not None
        return claim.lease

    def _claimant(self, slot: int) -> Claimant:
        self._claims += 1
        free, memory = SLOTS - slot, (SLOTS - slot) * GIB
        return Claimant(
            self._worker, slot, self._claims, free, memory, ENGINES, "ada",
            all_cores=SLOTS, all_memory_bytes=SLOTS * GIB, slots=SLOTS,
        )  # fmt: skip


def crowd(ground: Ground, client: redis.Redis, size: int) -> tuple[float, float]:
    """Return the processor time of Redis, in ms, for one worker's renewal and for the end of one job."""

    def used_ms() -> float:
        cpu = client.info("cpu")
        return 1_000 * float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    renewals, ends = [], []
    with ExitStack() as stack:
        first = stack.enter_context(closing(ground.store()))
        for start in range(0, size * (SLOTS + ROUNDS), 10_000):
            count = min(10_000, size * (SLOTS + ROUNDS) - start)
            first.submit([_job(start + number) for number in range(count)], submission=uuid4().hex)
        busy = [Busy(stack.enter_context(closing(ground.store())), number + 1) for number in range(size)]
        for turn in range(ROUNDS):
            start_ms = used_ms()
            for worker in busy:
                worker.renew()
            between_ms = used_ms()
            for worker in busy:
                worker.finish(turn)
            renewals.append((between_ms - start_ms) / size)
            ends.append((used_ms() - between_ms) / size)
    return min(renewals), min(ends)


def measure() -> list[Figure]:
    """Let crowds of workers renew their leases, and end and claim jobs."""
    allow_open_files(2 * max(CROWDS))
    figures = []
    for size in CROWDS:
        arguments = ["--appendonly", "yes", "--maxclients", str(size + 100)]
        with redis_ground(arguments) as ground, redis.Redis.from_url(ground.redis_url or "") as client:
            renewal_ms, end_ms = crowd(ground, client, size)
        name = f"{size:,} workers of {SLOTS} slots, of Redis"
        beats = size * renewal_ms / 1_000 / RENEW_EVERY_S
        figures += [
            Figure(f"{name}, beats and leases", 100 * beats, "% of a core", 60),
            Figure(f"{name}, end of a job and claim of the next", end_ms, "ms a job", 0.2),
        ]
    return figures


def _job(number: int) -> NewJob:
    spec, name = '{"kind":"echo","payload":1}', f"mol{number}"
    return NewJob(uuid4().hex, "ada", "echo", spec, name, "echo", name, "b", memory_bytes=GIB)
