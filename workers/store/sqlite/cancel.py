"""Cancelling jobs of the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import JobState, Reason
from workers.store.sqlite.moves import is_moving
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.rows import key
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import end
from workers.store.values import Cancellation

if TYPE_CHECKING:
    import sqlite3

    from workers.store.sqlite.clock import Moment


def cancel(
    connection: sqlite3.Connection, job_id: str, owner: str | None, moment: Moment
) -> Cancellation | None:
    """Cancel one job, or ask its worker to; None if there is no such job."""
    row = connection.execute(QUERIES["job_by_id"], {"id": key(job_id)}).fetchone()
    if row is None:
        return None
    job = job_of(row)
    if owner is not None and job.owner != owner:
        return Cancellation(job.id, job.state, job.state, refused=True)
    if job.state.is_waiting and not is_moving(connection, job):
        end(connection, job, (JobState.CANCELLED, Reason.USER), None, moment)
        return Cancellation(job.id, job.state, JobState.CANCELLED)
    if job.state is JobState.RUNNING:
        connection.execute(QUERIES["request_cancel"], {"number": job.number})
    return Cancellation(job.id, job.state, job.state)
