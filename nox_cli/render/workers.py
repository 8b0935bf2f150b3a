"""How a worker is described, the same in every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times

if TYPE_CHECKING:
    from workers.store.values import WorkerSeen


def record(worker: WorkerSeen) -> dict[str, Any]:
    """Everything the store knows of a worker, ready for JSON."""
    beat = worker.beat
    return {
        "worker": beat.worker,
        "name": beat.name,
        "host": worker.host,
        "pid": beat.pid,
        "slots": beat.slots,
        "busy": beat.busy,
        "cores": beat.cores,
        "memory_bytes": beat.memory_bytes,
        "engines": sorted(beat.engines),
        "owner": beat.owner,
        "nox_version": beat.nox_version,
        "last_seen_at": times.iso(worker.last_seen_ms),
    }
