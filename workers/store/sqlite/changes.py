"""What is done to each of the jobs that somebody named, in the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import JobState, Reason
from workers.store.sqlite import transitions
from workers.store.sqlite.moves import is_moving
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.rows import key, tags_text, whole
from workers.store.sqlite.statements import QUERIES
from workers.store.values import Change

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from workers.job import Job
    from workers.store.sqlite.clock import Moment
    from workers.store.values import Revision


def change(
    connection: sqlite3.Connection, job_id: str, owner: str | None, act: Callable[[Job], JobState | None]
) -> Change | None:
    """Do one thing to one job; None if there is no such job.

    Args:
        connection: of a write.
        job_id: which job.
        owner: whose it must be; None: anyone's.
        act: does it; the state after that, or None: nothing was done.
    """
    row = connection.execute(QUERIES["job_by_id"], {"id": key(job_id)}).fetchone()
    if row is None:
        return None
    job = job_of(row)
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
