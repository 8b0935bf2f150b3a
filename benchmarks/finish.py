"""What the end of a job and the claim of the next one cost Redis."""

from __future__ import annotations

from contextlib import closing
from uuid import uuid4

import redis

from benchmarks.figures import Figure
from benchmarks.ground import redis_ground
from workers.job import JobState, NewJob
from workers.store.values import Claimant, Outcome

# The quietest of these runs counts: other load on the machine only adds.
RUNS, JOBS = 20, 500
GIB = 1 << 30


def measure() -> list[Figure]:
    """Run jobs one after the other through one slot, without an engine."""
    with (
        redis_ground(["--appendonly", "no"]) as ground,
        closing(ground.store()) as store,
        redis.Redis.from_url(ground.redis_url or "") as client,
    ):

        def used_s() -> float:
            cpu = client.info("cpu")
            return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

        def claimant(number: int) -> Claimant:
            return Claimant("h-1-aa", 0, number, 1, GIB, frozenset({"echo"}), "ada")

        store.submit([_job(number) for number in range(RUNS * JOBS + 1)], submission=uuid4().hex)
        ended = Outcome(state=JobState.DONE, reason=None, outcome_json='{"schema":1}')
        claim, taken = store.claim(claimant(0)), []
        for run in range(RUNS):
            start = used_s()
            for number in range(JOBS):
                assert claim is not None
                claim = store.finish(claim.lease, ended, claimant(run * JOBS + number + 1))
            taken.append((used_s() - start) / JOBS)
    return [Figure("finish and claim, of redis", min(taken) * 1_000, "ms a job", 0.15)]


def _job(number: int) -> NewJob:
    spec, name = '{"kind":"echo","payload":1}', f"mol{number}"
    return NewJob(uuid4().hex, "ada", "echo", spec, name, "echo", name, "b")
