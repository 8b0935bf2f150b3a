"""`nox results` over 10,000 finished optimisations of caffeine, from each store."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure
from benchmarks.ground import local_ground, redis_ground
from workers.job import JobState, NewJob
from workers.store.values import Claimant, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ground import Ground
    from workers.job import Job
    from workers.store.base import Store

JOBS = 10_000
BOUND_S = 5.0
CAFFEINE = str(Path(__file__).parents[1] / "examples" / "caffeine.xyz")
WORKER = "bench-1-000000"
# How far the jobs lie apart: as near as conformers of a large molecule.
STEP_HARTREE = 1e-6


def measure() -> list[Figure]:
    """Fill each store, and write the table of all of it."""
    figures = []
    for ground_of in (local_ground, redis_ground):
        with ground_of() as ground:
            figures += list(_tabulated(ground))
    return figures


def _tabulated(ground: Ground) -> Iterator[Figure]:
    fill(ground, JOBS, CAFFEINE, "--opt")
    name = "redis" if ground.redis_url else "local"
    for form, *options in (("csv",), ("table",), ("csv", "--boltzmann")):
        start = time.perf_counter()
        lines = ground.nox("results", "@all", "-o", form, *options).stdout.splitlines()
        elapsed = time.perf_counter() - start
        if len(lines) < JOBS:
            raise RuntimeError(f"{JOBS} jobs ended, {len(lines)} lines came")
        told = " ".join((form, *options))
        bound = BOUND_S if told == "csv" else None
        yield Figure(f"results of {JOBS:,} jobs as {told}, {name}", elapsed, "s", bound)


def fill(ground: Ground, jobs: int, structure: str, *options: str) -> None:
    """Compute a structure, and end as many more jobs with nearly the same outcome."""
    ground.nox("run", structure, *options)
    store = ground.store()
    (model,) = store.get_many(store.last(_owner(ground)))
    spec, outcome = store.spec(model.id), json.loads(store.outcomes([model.id])[model.id])
    for start in range(1, jobs, 200):
        count = min(200, jobs - start)
        store.submit([_copy(model, spec, start + i) for i in range(count)], submission=uuid.uuid4().hex)
    _finish_all(store, model, outcome)
    store.close()


def _owner(ground: Ground) -> str:
    record = json.loads(ground.nox("status", "1", "--raw").stdout)
    return str(record["owner"])


def _copy(model: Job, spec: str, number: int) -> NewJob:
    return NewJob(
        id=uuid.uuid4().hex,
        owner=model.owner,
        kind=model.kind,
        spec_json=spec,
        digest=f"{number}",
        engine=model.engine,
        name=f"conf_{number:05d}",
        batch="conformers",
        formula=model.formula,
        atoms=model.atoms,
    )


def _finish_all(store: Store, model: Job, outcome: dict[str, Any]) -> None:
    sequence = 0

    def claimant() -> Claimant:
        nonlocal sequence
        sequence += 1
        return Claimant(WORKER, 0, sequence, 8, 2**36, frozenset({model.engine}), None)

    claim = store.claim(claimant())
    while claim is not None:
        result = outcome["result"] | {
            "energy_hartree": outcome["result"]["energy_hartree"] + sequence * STEP_HARTREE
        }
        text = json.dumps(outcome | {"attempt": claim.lease.fence, "worker": WORKER, "result": result})
        claim = store.finish(claim.lease, Outcome(JobState.DONE, None, text), claimant())
