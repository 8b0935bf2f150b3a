"""Handing out the best ready job of the local store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.job import PATIENCE_MS, JobState, Lease
from workers.store.base import SUBMIT_CHUNK
from workers.store.sqlite.rows import whole
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import end_damaged, read, start
from workers.store.values import Claim

if TYPE_CHECKING:
    import sqlite3

    from workers.job import Job
    from workers.store.sqlite.clock import Moment
    from workers.store.values import Claimant


def claim(connection: sqlite3.Connection, claimant: Claimant, moment: Moment) -> Claim | None:
    """Take the best ready job that fits, or again the one this token began.

    Records that cannot be read are put out of the way, up to `SUBMIT_CHUNK` of them.
    """
    again = _begun(connection, claimant, moment)
    if again is not None:
        return again
    for _ in range(SUBMIT_CHUNK):
        number = _best(connection, claimant, moment)
        if number is None:
            return None
        job = read(connection, number)
        spec = _spec(connection, number)
        if job is not None and spec is not None and job.state is JobState.QUEUED:
            return _handed(start(connection, job, claimant, moment), spec)
        end_damaged(connection, number, moment)
    return None


def _begun(connection: sqlite3.Connection, claimant: Claimant, moment: Moment) -> Claim | None:
    """Find the running attempt that this very claim began before, and prolong its lease."""
    token = {"worker": claimant.worker, "slot": claimant.slot, "sequence": claimant.sequence}
    row = connection.execute(QUERIES["held_by_token"], token).fetchone()
    job = read(connection, row["number"]) if row else None
    spec = _spec(connection, job.number) if job else None
    if job is None or spec is None or job.state is not JobState.RUNNING:
        return None
    prolong(connection, job, moment)
    return _handed(job, spec)


def prolong(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Let the lease of a running job end a full length from now."""
    values = {"number": job.number, "until": moment.lease_until_ms, "boot": moment.boot}
    connection.execute(QUERIES["prolong"], values)


def _best(connection: sqlite3.Connection, claimant: Claimant, moment: Moment) -> int | None:
    """Choose the job that comes next; one that waits for more room may keep the others waiting."""
    wanted = {
        "cores": claimant.cores,
        "memory_bytes": whole(claimant.memory_bytes),
        "all_cores": claimant.all_cores,
        "all_memory_bytes": whole(claimant.all_memory_bytes),
        "time_s": claimant.time_s,
        "owner": claimant.owner,
        "lanes": json.dumps(list(claimant.lanes)),
        "engines": json.dumps(list(claimant.engines)),
    }
    heads: list[sqlite3.Row] = connection.execute(QUERIES["ready_heads"], wanted).fetchall()
    found: int | None = next((head["number"] for head in heads if head["fits"]), None)
    if found is None or heads[0]["fits"]:
        return found
    since_ms = heads[0]["passed_over_ms"]
    if since_ms is None:
        connection.execute(QUERIES["pass_over"], {"number": heads[0]["number"], "now": moment.utc_ms})
    elif abs(moment.utc_ms - since_ms) >= PATIENCE_MS:
        return None
    return found


def _spec(connection: sqlite3.Connection, number: int) -> str | None:
    row = connection.execute(QUERIES["spec_by_number"], {"number": number}).fetchone()
    return row["spec"] if row else None


def _handed(job: Job, spec: str) -> Claim:
    return Claim(Lease(job.id, job.attempt, job.worker), job, spec)
