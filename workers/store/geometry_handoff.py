"""Geometries that jobs take from the results of others, inserted into their specifications."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workers.errors import EngineInput
from workers.first_input import as_part_of_source, first_input
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store


def outcome_of(store: Store, job_id: str) -> str | None:
    """Read the outcome of a job that is done now; None: it is not.

    A job that runs again still shows its earlier outcome, which must not be used.

    Raises:
        StoreError: the store cannot be read.
    """
    for job in store.get_many([job_id]):
        if job.state is JobState.DONE:
            return store.outcome(job_id, job.attempt)
    return None


def complete(spec_json: str, outcome_of: Callable[[str], str | None]) -> str:
    """Put the final geometry of the job a specification names into it, if it waits for one.

    What that job's chain began with goes along: bonds are compared with it.

    Args:
        spec_json: a `workers.spec.JobSpec`.
        outcome_of: reads how a job ended, as a `workers.result.OutcomeRecord`; None: it has no outcome.

    Raises:
        EngineInput: there is no such geometry, or it is of another molecule.
    """
    spec = _read(spec_json)
    if spec.get("awaits_geometry") is not True:
        return spec_json
    job_id = _source(spec)
    result = _read(outcome_of(job_id) or "").get("result")
    structure = spec.get("structure")
    if not isinstance(result, dict) or not isinstance(structure, dict):
        raise EngineInput(
            f"job {job_id} has no final geometry now: it runs again, or was removed",
            hint=f"once it is done, run this one again; nox status {job_id}",
        )
    if any(result.get(name) != structure.get(name) for name in ("symbols", "lattice_angstrom")):
        raise EngineInput(f"job {job_id} ended with another molecule or cell than this one was to start from")
    structure["positions_angstrom"] = result.get("positions_angstrom")
    source = {**spec["source"], **as_part_of_source(first_input(job_id, result))}
    return json.dumps(spec | {"source": source, "awaits_geometry": False})


def awaited(spec_json: str) -> str:
    """Name the job whose geometry a specification waits for; empty: it waits for none."""
    spec = _read(spec_json)
    return _source(spec) if spec.get("awaits_geometry") is True else ""


def renamed(spec_json: str, job_id: str) -> str:
    """Let a specification wait for the geometry of this job instead."""
    spec = _read(spec_json)
    return json.dumps(spec | {"source": {**spec["source"], "job": job_id}})


def _source(spec: dict[str, Any]) -> str:
    source = spec.get("source")
    return str(source.get("job", "")) if isinstance(source, dict) else ""


def _read(text: str) -> dict[str, Any]:
    """Read an object; anything else reads as empty, and the caller raises the error."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
