"""JSON objects of pools, allocations and looks, made of what the store and the autoscaler return."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.alloc.definition import HOUR_S
from nox_cli.times import iso

if TYPE_CHECKING:
    from nox_cli.alloc.json_objects import (
        AllocationRecord,
        DecisionRecord,
        DefinitionRecord,
        ShapeRecord,
    )
    from workers.pools.report import Decision, ShapeLine
    from workers.store.pools import Allocation, PoolDefinition


class PlannedRequest(NamedTuple):
    """The request that a pool would make, and the answer to it."""

    words: tuple[str, ...]
    script: str
    test: str


def definition_record(definition: PoolDefinition) -> DefinitionRecord:
    """Describe the definition of a pool."""
    budget = definition.budget
    return {
        "cores": definition.cores,
        "memory_bytes": definition.memory_bytes,
        "time_s": definition.time_s,
        "max": definition.most,
        "pending": definition.pending,
        "budget": None
        if budget is None
        else {"core_hours": budget.core_seconds / HOUR_S, "days": budget.days},
        "idle_s": definition.idle_s,
        "engines": sorted(definition.engines),
    }


def allocation_record(one: Allocation) -> AllocationRecord:
    """Describe an allocation."""
    return {
        "pool": one.pool,
        "token": one.token,
        "number": one.number,
        "state": one.state,
        "reason": one.reason,
        "intended_at": iso(one.intended_ms),
        "starts_at": iso(one.starts_ms),
        "started_at": iso(one.started_ms),
        "ended_at": iso(one.ended_ms),
        "ended_as": one.ended_as,
        "worker": one.worker,
        "jobs": one.jobs,
        "log": one.log,
    }


def shape_record(line: ShapeLine) -> ShapeRecord:
    """Describe ready jobs that need the same."""
    shape = line.shape
    return {
        "cores": shape.cores,
        "memory_bytes": shape.memory_bytes,
        "time_limit_s": shape.time_limit_s or None,
        "engine": shape.engine,
        "ready": shape.jobs,
        "pool": line.pool or None,
        "lack": line.lack,
        "run_s": line.run_s,
        "basis": line.basis,
        "left": line.left,
    }


def decision_record(one: Decision, planned: PlannedRequest | None) -> DecisionRecord:
    """Describe the decision on a pool; `planned`: what the dry run shows, None otherwise."""
    return {
        "pool": one.pool.name,
        "wanted": one.wanted,
        "pending": one.pending,
        "running": one.running,
        "limits": dict(one.limits),
        "request": one.request,
        "cancel": [allocation.number for allocation in one.cancel],
        "why": one.why,
        "words": planned and list(planned.words),
        "script": planned and planned.script,
        "test": planned and planned.test,
    }
