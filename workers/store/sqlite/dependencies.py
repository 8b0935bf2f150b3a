"""Updates of jobs after their parents or batches changed; triggers note which jobs need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import Condition, JobState, Reason
from workers.store.base import SETTLED_LATER
from workers.store.sqlite.clock import now
from workers.store.sqlite.moves import is_moving
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import bring_back, end, go_on, read

if TYPE_CHECKING:
    import sqlite3

    from workers.job import Job
    from workers.store.sqlite.clock import Moment
    from workers.store.sqlite.database import Database

UNENDED, MET, UNMET = ".", "+", "-"


def meaning(condition: Condition, state: JobState) -> str:
    """Return what a parent in some state means to a child."""
    if not state.is_final:
        return UNENDED
    return MET if condition.is_met(state) else UNMET


def is_spreading(connection: sqlite3.Connection) -> bool:
    """Whether there are children or batches to update."""
    return bool(connection.execute(QUERIES["is_spreading"]).fetchone()[0])


def spread(connection: sqlite3.Connection, budget: int, moment: Moment) -> bool:
    """Update children and batches, `budget` jobs at most; return whether there are more."""
    while is_spreading(connection):
        if budget <= 0:
            return True
        budget -= _settle_family(connection, budget, moment) or _settle_batch(connection, budget, moment)
    return False


def spread_all(database: Database) -> None:
    """Update all children and batches that need it, `SETTLED_LATER` jobs in one step.

    Raises:
        StoreError: the store cannot be read or written; earlier steps are stored.
    """
    while True:
        with database.read() as connection:
            if not is_spreading(connection):
                return
        with database.write() as connection:
            spread(connection, SETTLED_LATER, now())


def _settle_family(connection: sqlite3.Connection, budget: int, moment: Moment) -> int:
    """Update at most `budget` children of one parent; return how many, at least 1 if there is a parent."""
    entry = connection.execute(QUERIES["releasing"]).fetchone()
    if entry is None:
        return 0
    wanted = {"parent": entry["parent"], "after": entry["after"], "limit": budget}
    children = connection.execute(QUERIES["children"], wanted).fetchall()
    parent = read(connection, entry["parent"])
    for child in children:
        _settle(connection, child, parent, moment)
    place = {"entry": entry["entry"]}
    if len(children) == budget:
        connection.execute(QUERIES["updated_to"], place | {"after": children[-1]["child"]})
    else:
        connection.execute(QUERIES["all_updated"], place)
    return max(1, len(children))


def _settle(connection: sqlite3.Connection, child: sqlite3.Row, parent: Job | None, moment: Moment) -> None:
    job = read(connection, child["child"])
    if job is None or parent is None or job.reason is Reason.DAMAGED:
        return
    before, after = child["meaning"], meaning(Condition(child["condition"]), parent.state)
    if before == after:
        return
    link = {"child": job.number, "parent": parent.number, "meaning": after}
    connection.execute(QUERIES["set_meaning"], link)
    updated = job._replace(
        unended=job.unended + (after == UNENDED) - (before == UNENDED),
        unmet=job.unmet + (after == UNMET) - (before == UNMET),
    )
    counts = {"number": job.number, "unended": updated.unended, "unmet": updated.unmet}
    connection.execute(QUERIES["set_family"], counts)
    is_bereft = after == UNENDED and Condition(child["condition"]) is Condition.RESULT
    _follow(connection, updated, moment, is_bereft=is_bereft)


def _follow(connection: sqlite3.Connection, job: Job, moment: Moment, *, is_bereft: bool) -> None:
    """Change the state of a child as its parents require.

    A child that runs, has ended or is ready is unchanged, unless it needs the result of a parent that
    runs again.
    """
    is_cut = (job.state, job.reason) == (JobState.CANCELLED, Reason.DEPENDENCY)
    if job.unmet:
        if job.state.is_waiting and not is_moving(connection, job):
            end(connection, job, (JobState.CANCELLED, Reason.DEPENDENCY), None, moment)
    elif is_cut:
        bring_back(connection, job, moment)
    elif (job.state is JobState.BLOCKED and not job.unended) or (job.state is JobState.QUEUED and is_bereft):
        go_on(connection, job, moment)


def _settle_batch(connection: sqlite3.Connection, budget: int, moment: Moment) -> int:
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
            _bring_back_to_batch(connection, job, moment)
    if len(rows) < budget:
        connection.execute(QUERIES["stopped"], place)
    return max(1, len(rows))


def _bring_back_to_batch(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Let a job wait again, unless a parent keeps it back as well: then it is as if that had cancelled it."""
    if job.unmet:
        values = {"number": job.number, "reason": Reason.DEPENDENCY}
        connection.execute(QUERIES["set_reason"], values)
    else:
        bring_back(connection, job, moment)
