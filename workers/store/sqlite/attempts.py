"""What the local store keeps of earlier attempts: how they ended, and their artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import JobState, Reason
from workers.store.base import KEPT_ATTEMPTS
from workers.store.sqlite.rows import artifact, key
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.statements import QUERIES
from workers.store.values import Removal, Removed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workers.job import Job
    from workers.store.values import Artifact


def set_aside(connection: sqlite3.Connection, job: Job) -> int | None:
    """Make the outcome of the attempt that ended a job that of an earlier one.

    Returns:
        The attempt whose outcome is shown from now on, if there is one.
    """
    mark = {"number": job.number, "attempt": job.attempt}
    is_kept = connection.execute(QUERIES["set_aside"], mark).rowcount > 0
    connection.execute(QUERIES["drop_outcome"], mark)
    good = job.attempt if is_kept and job.state is JobState.DONE else job.good
    count(connection, job, good)
    return good


def count(connection: sqlite3.Connection, job: Job, good: int | None) -> None:
    """Count the attempts that have become earlier ones, within their bound; not the one that is shown."""
    connection.execute(QUERIES["count_earlier"], {"number": job.number, "good": good})
    connection.execute(QUERIES["forget_oldest"], {"number": job.number, "kept": KEPT_ATTEMPTS})


def keep_artifacts(connection: sqlite3.Connection, job: Job, artifacts: Sequence[Artifact]) -> None:
    """Keep the artifacts of a job's newest attempt."""
    mark = {"number": job.number, "attempt": job.attempt}
    for made in artifacts:
        connection.execute(
            QUERIES["insert_artifact"],
            mark
            | {
                "name": made.name,
                "size": made.size,
                "sha256": made.sha256,
                "mime": made.mime,
                "host": made.host,
                "path": made.path,
                "content": made.content,
            },
        )


def keep(connection: sqlite3.Connection, job: Job, outcome_json: str, artifacts: Sequence[Artifact]) -> None:
    """Keep the outcome of a job's newest attempt, which is followed by a retry."""
    values = {"number": job.number, "attempt": job.attempt, "outcome": outcome_json}
    connection.execute(QUERIES["keep_earlier"], values)
    keep_artifacts(connection, job, artifacts)
    count(connection, job, job.good)


def remove_attempts(connection: sqlite3.Connection, job_id: str, owner: str | None) -> Removal | None:
    """Forget what is kept of one job's earlier attempts that are not shown; None if there is no such job."""
    row = connection.execute(QUERIES["job_by_id"], {"id": key(job_id)}).fetchone()
    if row is None:
        return None
    job, wanted = job_of(row), {"number": row["number"]}
    if owner is not None and job.owner != owner:
        return Removal(job_id, Removed.REFUSED)
    if job.reason is Reason.DAMAGED:
        return Removal(job_id, Removed.REMOVED)
    files = tuple(artifact(found) for found in connection.execute(QUERIES["earlier_files_outside"], wanted))
    connection.execute(QUERIES["forget_earlier"], wanted)
    newest = job.attempt + (job.started_ms is None)
    shown = None if job.state is JobState.DONE else job.good
    return Removal(job_id, Removed.REMOVED, files, newest, shown)
