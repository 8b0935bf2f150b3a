"""Leases of the local store: renewals, and what workers report about their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import LeaseLost
from workers.job import MAX_RELEASES, JobState, Reason
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.rows import key, progress_row
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import (
    ClosedBy,
    count_earlier,
    end,
    has_ahead,
    keep_artifacts,
    keep_earlier,
    keep_outcome,
    owns,
    requeue,
    retry,
)
from workers.store.values import Renewal

if TYPE_CHECKING:
    import sqlite3

    from workers.job import Job, Lease, Progress
    from workers.store.sqlite.clock import Moment
    from workers.store.values import Outcome


def note_begun(connection: sqlite3.Connection, lease: Lease) -> None:
    """Note that a job which was claimed ahead has begun.

    Raises:
        LeaseLost: the attempt no longer owns the job.
    """
    row = _reached(connection, lease)
    if has_ahead(connection):
        connection.execute(QUERIES["begin"], {"number": row["number"]})


def prolong(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Let the lease of a running job end a full length from now."""
    values = {"number": job.number, "until": moment.lease_until_ms, "boot": moment.boot}
    connection.execute(QUERIES["prolong"], values)


def renew(connection: sqlite3.Connection, lease: Lease, moment: Moment) -> Renewal:
    """Prolong a lease that still owns its job."""
    found = _find(connection, lease)
    job = found[0] if found else None
    if job is None or not owns(job, lease):
        return Renewal(lease, alive=False, cancel_requested=False)
    prolong(connection, job, moment)
    return Renewal(lease, alive=True, cancel_requested=job.cancel_requested)


def set_progress(connection: sqlite3.Connection, lease: Lease, progress: Progress) -> None:
    """Keep how far an attempt has come.

    Raises:
        LeaseLost: the attempt no longer owns the job.
    """
    mark = {"id": key(lease.job_id), "attempt": lease.fence, "worker": lease.worker}
    if connection.execute(QUERIES["set_progress"], mark | progress_row(progress)).rowcount == 0:
        raise _lost(lease)


def keep_checkpoint(connection: sqlite3.Connection, lease: Lease, content: bytes, progress: int) -> None:
    """Keep what an attempt has reached, unless what is kept has more progress.

    Raises:
        LeaseLost: the attempt no longer owns the job.
    """
    row = _reached(connection, lease)
    if progress < row["progress"]:
        return
    values = {"number": row["number"], "content": content, "progress": progress}
    connection.execute(QUERIES["keep_checkpoint"], values)
    if progress > row["progress"]:
        connection.execute(QUERIES["came_further"], {"number": row["number"]})


def finish(connection: sqlite3.Connection, lease: Lease, outcome: Outcome, moment: Moment) -> None:
    """Record how an attempt ended; once only.

    Raises:
        LeaseLost: the attempt no longer owns the job, and did not end it either.
    """
    job = _owned(connection, lease, ClosedBy.FINISH)
    if job is None:
        return
    if outcome.ran_ms is not None:
        job = job._replace(started_ms=max(job.started_ms or 0, moment.utc_ms - outcome.ran_ms))
    if outcome.reason and job.is_retried(outcome.state, outcome.reason):
        keep_earlier(connection, job, outcome.outcome_json, outcome.artifacts)
        retry(connection, job, (outcome.reason, outcome.message), ClosedBy.FINISH, moment)
        return
    how = (outcome.state, outcome.reason)
    if job.cancel_requested and outcome.state is not JobState.DONE:
        how = (JobState.CANCELLED, Reason.USER)
    if outcome.progress is not None:
        set_progress(connection, lease, outcome.progress)
    end(connection, job, how, ClosedBy.FINISH, moment)
    keep_outcome(connection, job, outcome.outcome_json)
    keep_artifacts(connection, job, outcome.artifacts)
    if job.good is not None:
        count_earlier(connection, job, None if outcome.state is JobState.DONE else job.good)


def give_back(
    connection: sqlite3.Connection, lease: Lease, message: str, moment: Moment, *, had_time: bool, ran: bool
) -> None:
    """Return a running job to the queue; once only.

    Raises:
        LeaseLost: the attempt no longer owns the job, and did not give it back either.
    """
    job = _owned(connection, lease, ClosedBy.GIVE_BACK)
    if job is None:
        return
    counted = job._replace(releases=job.releases + had_time)
    if job.cancel_requested:
        end(connection, job, (JobState.CANCELLED, Reason.USER), ClosedBy.GIVE_BACK, moment)
    elif counted.releases >= MAX_RELEASES:
        end(connection, counted, (JobState.FAILED, Reason.TIMEOUT), ClosedBy.GIVE_BACK, moment)
    else:
        requeue(connection, counted, ClosedBy.GIVE_BACK, message, moment, ran=ran)


def _owned(connection: sqlite3.Connection, lease: Lease, by: ClosedBy) -> Job | None:
    """Find the job a lease owns; None if this very call was made before.

    Raises:
        LeaseLost: neither.
    """
    found = _find(connection, lease)
    if found is None:
        raise _lost(lease)
    job, row = found
    if owns(job, lease):
        return job
    if (job.attempt, row["worker"], row["closed_by"]) == (lease.fence, lease.worker, by):
        return None
    raise _lost(lease)


def _find(connection: sqlite3.Connection, lease: Lease) -> tuple[Job, sqlite3.Row] | None:
    row: sqlite3.Row | None = connection.execute(QUERIES["job_by_id"], {"id": key(lease.job_id)}).fetchone()
    return (job_of(row), row) if row else None


def _reached(connection: sqlite3.Connection, lease: Lease) -> sqlite3.Row:
    """Find the number of the job that an attempt owns, and the progress of its checkpoint.

    Raises:
        LeaseLost: the attempt no longer owns the job.
    """
    mark = {"id": key(lease.job_id), "attempt": lease.fence, "worker": lease.worker}
    row: sqlite3.Row | None = connection.execute(QUERIES["reached"], mark).fetchone()
    if row is None:
        raise _lost(lease)
    return row


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"attempt {lease.fence} of job {lease.job_id} no longer owns the job", did="nothing was changed"
    )
