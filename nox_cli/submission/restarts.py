"""Going on from where optimisations stopped: a new job each, on the last geometry of one that failed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from uuid import uuid4

from nox_cli.results.attempts import last_outcome
from nox_cli.results.documents import document, outcome
from nox_cli.results.geometry import geometry_of
from nox_cli.selectors import look_up
from workers.errors import InputRefused
from workers.first_input import as_part_of_source, first_input
from workers.job import JobState, NewJob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.results.geometry import Geometry
    from workers.job import Job
    from workers.spec import FirstInput
    from workers.store.base import Store

# Outcomes hold whole trajectories of energies: so many are in memory at once.
_STRETCH = 50


def restarts(store: Store, job_ids: Sequence[str]) -> Iterator[NewJob]:
    """Make the jobs that go on from the last geometries of others, in order: the same calculation otherwise.

    The same attempt is gone on from once: asked for again, it is the job that is there.

    Raises:
        InputRefused: one has no last geometry to go on from.
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    for start in range(0, len(job_ids), _STRETCH):
        jobs = list(look_up(store, job_ids[start : start + _STRETCH]))
        specs, outcomes = (read([job.id for job in jobs]) for read in (store.specs, store.outcomes))
        for job in jobs:
            result = last_outcome(store, job, outcome(outcomes.get(job.id))).result
            geometry = geometry_of(result)
            if job.state is not JobState.FAILED or geometry is None:
                why = "left no geometry" if job.state is JobState.FAILED else f"is {job.state}"
                raise InputRefused(
                    f"job {job.number} has no last geometry to go on from: it {why}",
                    did="nothing was submitted",
                    hint="name optimisations that did not converge, as @failed:not_converged",
                )
            yield _restart(job, specs.get(job.id, ""), geometry, first_input(job.id, result.fields))


def _restart(job: Job, spec_json: str, geometry: Geometry, first: FirstInput | None) -> NewJob:
    spec = dict(document(spec_json).fields)
    source = spec.get("source")
    spec["structure"] = geometry.structure
    spec["source"] = {
        **(source if isinstance(source, dict) else {}),
        **as_part_of_source(first),
        "job": job.id,
    }
    spec |= {"retry_of": job.id, "awaits_geometry": False}
    text = json.dumps(spec)
    return NewJob.like(job, text, hashlib.sha256(text.encode()).hexdigest())._replace(
        id=uuid4().hex,
        unique=hashlib.sha256(f"{job.owner} on from {job.id} {job.attempt}".encode()).hexdigest(),
    )
