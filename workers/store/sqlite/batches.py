"""Stopping batches of the local store when too many of their jobs have failed; a trigger notes which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import JobState, Reason
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import bring_back, end, read

if TYPE_CHECKING:
    import sqlite3

    from workers.job import Job
    from workers.store.sqlite.clock import Moment


def settle_batch(connection: sqlite3.Connection, budget: int, moment: Moment) -> int:
    """Cancel the waiting jobs of a batch too many of whose jobs have failed, or bring back what was cancelled
    for that; `budget` at most.  How many, or at least 1 if there was a batch to look at.
    """
    batch = connection.execute(QUERIES["stopping"]).fetchone()
    if batch is None:
        return 0
    place = {"batch": batch["batch"], "owner": batch["owner"]}
    wanted = "waiting_in_batch" if batch["is_over"] else "cut_in_batch"
    rows = connection.execute(QUERIES[wanted], place | {"limit": budget}).fetchall()
    for row in rows:
        job = read(connection, row["number"])
        if job is None or job.reason is Reason.DAMAGED:
            continue
        if batch["is_over"]:
            end(connection, job, (JobState.CANCELLED, Reason.MAX_FAILS), None, moment)
        else:
            _bring_back(connection, job, moment)
    if len(rows) < budget:
        connection.execute(QUERIES["stopped"], place)
    return max(1, len(rows))


def _bring_back(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Let a job wait again; one that a parent keeps back as well waits for that to be retried."""
    if job.unmet:
        values = {"number": job.number, "reason": Reason.DEPENDENCY}
        connection.execute(QUERIES["set_reason"], values)
    else:
        bring_back(connection, job, moment)
