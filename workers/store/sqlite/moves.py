"""Moves of jobs to another store: they are marked here, stored there, and end here as moved.

A marked job is held with reason moved, and a row of `moves` names its destination.  From then on it belongs
to the other store: here no worker runs it, and no client releases, changes or cancels it, even if the move
was interrupted.  The next push continues from the rows of `moves`.  Jobs that wait for one another move
together, so that none is left behind whose parent has moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workers.job import Condition, JobState, NewJob, Parent, Reason
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.rows import key
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import end, find

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from workers.job import Job
    from workers.store.sqlite.clock import Moment
    from workers.store.values import Accepted


class Destination(NamedTuple):
    """The store that jobs go to."""

    name: str  # that it gave itself: no other has it, wherever it lies
    place: str  # fit to print


class Stay(NamedTuple):
    """Why a job stays here."""

    job_id: str
    number: int
    why: str


class Parcel(NamedTuple):
    """A job on its way, ready to be stored in the other store."""

    number: int  # here
    job: NewJob
    there: Mapping[str, str]  # parent -> which job it is there


class _Family:
    """Jobs that wait for one another, and what keeps them here."""

    def __init__(self, jobs: dict[int, Job], blocker: str = "") -> None:
        self.jobs = jobs  # those that have yet to set off
        self.blocker = blocker


def set_off(
    connection: sqlite3.Connection, job_ids: Sequence[str], to: Destination, moment: Moment
) -> list[Stay]:
    """Let waiting jobs, and all that wait with them, set off; say which stay and why.

    Jobs that no longer wait, and those on their way, are passed over.
    """
    stays: dict[int, Stay] = {}
    for job_id in job_ids:
        job = find(connection, job_id)
        if job is None or job.number in stays or not job.state.is_waiting or is_moving(connection, job):
            continue
        family = _family(connection, job, to)
        if family.blocker:
            stays |= {one.number: Stay(one.id, one.number, family.blocker) for one in family.jobs.values()}
        else:
            _begin(connection, family, to, moment)
    return list(stays.values())


def arrive(
    connection: sqlite3.Connection,
    arrived: Sequence[tuple[NewJob, Accepted]],
    to: Destination,
    moment: Moment,
) -> list[Stay]:
    """End jobs here that the other store has; say which are left on their way, and why.

    One that got a child while it was on its way takes it along, or waits until that can come: its end would
    cancel the child.
    """
    left: list[Stay] = []
    for sent, found in arrived:
        job = find(connection, sent.id)
        if job is None or not is_moving(connection, job):
            continue
        family = _family(connection, job, to)
        if family.blocker:
            left.append(Stay(job.id, job.number, family.blocker))
            continue
        _begin(connection, family, to, moment)
        values = {"number": job.number, "id": key(found.job_id), "there": found.number}
        connection.execute(QUERIES["arrive"], values)
        end(connection, job, (JobState.CANCELLED, Reason.MOVED), None, moment)
    return left


def parcels(connection: sqlite3.Connection, to: Destination, after: int, limit: int) -> list[Parcel]:
    """Make the first jobs on their way, beyond a number, ready to be stored there.

    They end before a job whose parent is among them and has a unique key: another may stand for that there,
    and which one is to be known first.
    """
    wanted = {"other": to.name, "after": after, "limit": limit}
    found: dict[str, Parcel] = {}
    for row in connection.execute(QUERIES["moving"], wanted).fetchall():
        job = job_of(row)
        if job.reason is Reason.DAMAGED:
            continue
        names = {"number": job.number, "other": to.name}
        links = connection.execute(QUERIES["moved_parents"], names).fetchall()
        there = {link["id"].hex(): link["there"].hex() for link in links}
        if any(parent in found and found[parent].job.unique for parent in there):
            break
        parents = tuple(Parent(link["there"].hex(), Condition(link["condition"])) for link in links)
        found[job.id] = Parcel(job.number, _new_job(job, row, parents), there)
    return list(found.values())


def is_moving(connection: sqlite3.Connection, job: Job) -> bool:
    """Whether a job is on its way, so that nothing here may change it."""
    if (job.state, job.reason) != (JobState.HELD, Reason.MOVED):
        return False
    return connection.execute(QUERIES["move_of"], {"number": job.number}).fetchone() is not None


def _family(connection: sqlite3.Connection, first: Job, to: Destination) -> _Family:
    """Find the jobs that have to go with one: those it waits for, those that wait for it, and so on."""
    is_under_way = is_moving(connection, first)
    family = _Family({}) if is_under_way else _Family({first.number: first}, _lane(first))
    seen, rest = {first.number}, [first.number]
    while rest:
        for row in connection.execute(QUERIES["linked"], {"number": rest.pop()}).fetchall():
            job = job_of(row)
            if job.number in seen:
                continue
            seen.add(job.number)
            if row["other"] is None and job.state.is_waiting:
                family.jobs[job.number] = job
                family.blocker = family.blocker or _lane(job)
                rest.append(job.number)
            elif row["other"] is None or (row["moved_as"] is None and row["other"] != to.name):
                family.blocker = family.blocker or _busy(job)
    return family


def _lane(job: Job) -> str:
    return f"job {job.number} is reserved for nox run ({job.lane})" if job.lane else ""


def _busy(job: Job) -> str:
    if job.reason is Reason.DAMAGED:
        return f"the record of job {job.number} cannot be read"
    if job.state is JobState.RUNNING:
        return f"job {job.number} runs here: push again once it has ended"
    return f"job {job.number} is on its way to another redis"


def _begin(connection: sqlite3.Connection, family: _Family, to: Destination, moment: Moment) -> None:
    for job in family.jobs.values():
        was_held = job.state is JobState.HELD and job.reason is not Reason.MOVED
        place = {"number": job.number, "other": to.name, "place": to.place, "was_held": was_held}
        connection.execute(QUERIES["begin_move"], place)
        connection.execute(
            QUERIES["set_off"], {"number": job.number, "now": max(moment.utc_ms, job.created_ms)}
        )


def _new_job(job: Job, row: sqlite3.Row, parents: tuple[Parent, ...]) -> NewJob:
    return NewJob.like(job, row["spec"], row["digest"])._replace(
        retries=job.retries_left,
        held=bool(row["was_held"]),
        begin_ms=job.due_ms,
        unique=row["key"] or "",
        max_fails=row["max_fails"] or 0,
        parents=parents,
    )
