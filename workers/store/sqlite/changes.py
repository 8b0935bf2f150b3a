"""Changes to jobs that a client names: hold, release, retry, revise, cancel and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import JobState, Reason
from workers.store.sqlite import transitions
from workers.store.sqlite.moves import is_moving
from workers.store.sqlite.rows import artifact, tags_text, whole
from workers.store.sqlite.statements import QUERIES
from workers.store.values import Cancellation, Change, Removal, Removed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from workers.job import Job
    from workers.store.sqlite.clock import Moment
    from workers.store.values import Revision


def change(
    connection: sqlite3.Connection, job: Job, owner: str | None, act: Callable[[Job], JobState | None]
) -> Change:
    """Do one thing to one job.

    Args:
        connection: of a write.
        job: the job.
        owner: refuse jobs of other owners; None: accept all.
        act: does it; returns the state after that, or None: nothing was done.
    """
    if owner is not None and job.owner != owner:
        return Change(job.id, job.state, job.state, changed=False, refused=True)
    is_closed = job.reason is Reason.DAMAGED or is_moving(connection, job)
    after = None if is_closed else act(job)
    return Change(job.id, job.state, after or job.state, changed=after is not None)


def hold(connection: sqlite3.Connection, job: Job, moment: Moment) -> JobState | None:
    """Keep a waiting job from starting."""
    if not job.state.is_waiting or job.state is JobState.HELD:
        return None
    transitions.hold(connection, job, moment)
    return JobState.HELD


def release(connection: sqlite3.Connection, job: Job, moment: Moment) -> JobState | None:
    """Let a held job wait for what is next."""
    return transitions.go_on(connection, job, moment) if job.state is JobState.HELD else None


def retry(connection: sqlite3.Connection, job: Job, moment: Moment, *, done: bool) -> JobState | None:
    """Run an ended job again; with `done` also one that is done."""
    if not job.state.is_final or job.unmet or job.reason is Reason.MOVED:
        return None
    if job.state is JobState.DONE and not done:
        return None
    return transitions.reopen(connection, job, moment)


def revise(connection: sqlite3.Connection, job: Job, revision: Revision) -> JobState | None:
    """Change what a waiting job asks for."""
    if not job.state.is_waiting:
        return None
    memory_bytes = revision.memory_bytes
    values = {
        "number": job.number,
        "priority": revision.priority,
        "cores": revision.cores,
        "memory_bytes": None if memory_bytes is None else whole(memory_bytes),
        "time_limit_s": revision.time_limit_s,
        "name": revision.name,
        "tags": tags_text({**job.tags, **revision.tags}),
    }
    connection.execute(QUERIES["revise"], values)
    return job.state


def cancel(connection: sqlite3.Connection, job: Job, owner: str | None, moment: Moment) -> Cancellation:
    """Cancel one job, or ask its worker to."""
    if owner is not None and job.owner != owner:
        return Cancellation(job.id, job.state, job.state, refused=True)
    if job.state.is_waiting and not is_moving(connection, job):
        transitions.end(connection, job, (JobState.CANCELLED, Reason.USER), None, moment)
        return Cancellation(job.id, job.state, JobState.CANCELLED)
    if job.state is JobState.RUNNING:
        connection.execute(QUERIES["request_cancel"], {"number": job.number})
    return Cancellation(job.id, job.state, job.state)


def remove(
    connection: sqlite3.Connection, job: Job, owner: str | None, moment: Moment, *, files_only: bool
) -> Removal:
    """Remove one job, or only its artifacts."""
    wanted = {"number": job.number}
    if owner is not None and job.owner != owner:
        return Removal(job.id, Removed.REFUSED)
    if not job.state.is_final:
        return Removal(job.id, Removed.ACTIVE)
    if job.reason is Reason.DAMAGED:
        transitions.end_damaged(connection, job.number, moment)  # its children are to hear of it first
    if not files_only and connection.execute(QUERIES["needed"], wanted).fetchone()[0]:
        return Removal(job.id, Removed.NEEDED)
    files = tuple(artifact(found) for found in connection.execute(QUERIES["files_outside"], wanted))
    connection.execute(QUERIES["drop_artifacts" if files_only else "remove_job"], wanted)
    if files_only:
        connection.execute(QUERIES["shrink_earlier"], wanted)
    connection.execute(QUERIES["drop_limit"], {"batch": job.batch, "owner": job.owner})
    return Removal(job.id, Removed.REMOVED, files)


def remove_attempts(connection: sqlite3.Connection, job: Job, owner: str | None) -> Removal:
    """Remove the outcomes and artifacts of one job's earlier attempts that are not shown."""
    wanted = {"number": job.number}
    if owner is not None and job.owner != owner:
        return Removal(job.id, Removed.REFUSED)
    if job.reason is Reason.DAMAGED:
        return Removal(job.id, Removed.REMOVED)
    files = tuple(artifact(found) for found in connection.execute(QUERIES["earlier_files_outside"], wanted))
    connection.execute(QUERIES["forget_earlier"], wanted)
    newest = job.attempt + (job.started_ms is None)
    shown = None if job.state is JobState.DONE else job.good
    return Removal(job.id, Removed.REMOVED, files, newest, shown)
