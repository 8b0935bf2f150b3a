"""Forgetting jobs of the local store that have ended; what belongs to them goes with their row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import Reason
from workers.store.sqlite.rows import artifact, key
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import end_damaged
from workers.store.values import Removal, Removed

if TYPE_CHECKING:
    import sqlite3

    from workers.store.sqlite.clock import Moment


def remove(
    connection: sqlite3.Connection, job_id: str, owner: str | None, moment: Moment, *, files_only: bool
) -> Removal | None:
    """Forget one job, or only its artifacts; None if there is no such job."""
    row = connection.execute(QUERIES["job_by_id"], {"id": key(job_id)}).fetchone()
    if row is None:
        return None
    job, wanted = job_of(row), {"number": row["number"]}
    if owner is not None and job.owner != owner:
        return Removal(job_id, Removed.REFUSED)
    if not job.state.is_final:
        return Removal(job_id, Removed.ACTIVE)
    if job.reason is Reason.DAMAGED:
        end_damaged(connection, job.number, moment)  # its children are to hear of it first
    if not files_only and connection.execute(QUERIES["needed"], wanted).fetchone()[0]:
        return Removal(job_id, Removed.NEEDED)
    files = tuple(artifact(found) for found in connection.execute(QUERIES["files_outside"], wanted))
    connection.execute(QUERIES["drop_artifacts" if files_only else "remove_job"], wanted)
    if files_only:
        connection.execute(QUERIES["shrink_earlier"], wanted)
    connection.execute(QUERIES["drop_limit"], {"batch": job.batch, "owner": job.owner})
    return Removal(job_id, Removed.REMOVED, files)
