"""Workers of the local store: their beats, and the requeue of jobs whose workers are gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers import __version__
from workers.job import MAX_LOSSES, JobState, Reason, worker_host
from workers.store import losses, versions
from workers.store.sqlite.clock import LEASE_MS
from workers.store.sqlite.dependencies import is_spreading
from workers.store.sqlite.rows import attempt
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import (
    ClosedBy,
    end,
    end_damaged,
    go_on,
    has_ahead,
    keep_outcome,
    read,
    requeue,
    retry,
)
from workers.store.values import Beat, WorkerSeen, fields_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection
    from pathlib import Path

    from workers.job import Job
    from workers.store.sqlite.clock import Moment

DAY_MS = 24 * 3600 * 1000
MAX_REAPED = 500
MAX_RELEASED = 500
MAX_OPENED = 500
MAX_LISTED = 1_000
# Another worker's lock is looked at this often: it may be killed at any time, whatever it does.
WATCH_MS = 1_000


def admit(
    connection: sqlite3.Connection, path: Path, is_alive: Callable[[str], bool], moment: Moment
) -> None:
    """Make sure that this nox may write; raise the store's `min_writer` if it is lower than this nox needs.

    Raises:
        NoxOutdated: only a newer nox may write.
        StoreRefused: workers of older versions are alive.
    """
    connection.execute(QUERIES["make_meta"])
    row = connection.execute(QUERIES["min_writer"]).fetchone()
    least = "" if row is None else str(row["value"])
    place = f"the local store {path}"
    if versions.is_older(__version__, least):
        raise versions.outdated(place, least)
    if versions.is_version(least) and not versions.is_older(least, versions.MIN_WRITER):
        return
    older = [
        f"{worker.beat.worker} ({worker.beat.nox_version})"
        for worker in seen(connection, is_alive, moment)
        if worker.alive and versions.is_older(worker.beat.nox_version, versions.MIN_WRITER)
    ]
    if older:
        raise versions.in_use(place, older)
    connection.execute(QUERIES["raise_min_writer"], {"version": versions.MIN_WRITER})


def note(connection: sqlite3.Connection, beat: Beat, moment: Moment) -> None:
    """Note that a worker lives, and forget those not heard of for a day."""
    values = {
        "worker": beat.worker,
        "beat": json.dumps(beat.record()),
        "now": moment.utc_ms,
        "until": moment.lease_until_ms,
        "boot": moment.boot,
    }
    connection.execute(QUERIES["beat"], values)
    connection.execute(QUERIES["forget_old_workers"], {"before": moment.utc_ms - DAY_MS})


def spare(connection: sqlite3.Connection, moment: Moment) -> None:
    """Extend all leases by one if no worker had a beat for a whole lease: the machine was asleep.

    Those that died are known by their locks all the same.
    """
    values = {"boot": moment.boot, "now": moment.boot_ms, "until": moment.lease_until_ms}
    pulse = connection.execute(QUERIES["pulse"], {"boot": moment.boot}).fetchone()["until_ms"]
    if pulse is not None and pulse < moment.boot_ms:
        connection.execute(QUERIES["spare_leases"], values)
        connection.execute(QUERIES["spare_workers"], values)


def is_due(connection: sqlite3.Connection, dead: Collection[str], moment: Moment, *, may_reap: bool) -> bool:
    """Whether a tick has jobs to move."""
    return bool(
        due(connection, dead, moment, may_reap=may_reap)
        or _fallen_due(connection, moment)
        or is_spreading(connection)
        or _unknown(connection)
    )


def due(
    connection: sqlite3.Connection, dead: Collection[str], moment: Moment, *, may_reap: bool
) -> list[int]:
    """Find the numbers of running jobs whose worker is dead or whose lease ran out, at most `MAX_REAPED`.

    Without `may_reap` a lease of this boot is not over.
    """
    over = [
        row["number"]
        for row in connection.execute(QUERIES["leases"])
        if row["worker"] in dead
        or row["boot"] != moment.boot
        or (may_reap and moment.is_over(row["until_ms"], row["boot"]))
    ]
    return over[:MAX_REAPED]


def take_back(connection: sqlite3.Connection, number: int, moment: Moment) -> str | None:
    """End the running attempt of a lost worker; return the id of its job, or None if that cannot be read."""
    job = read(connection, number)
    if job is None or job.state is not JobState.RUNNING:
        end_damaged(connection, number, moment)
        return None
    counted = job._replace(losses=job.losses + 1)
    if job.cancel_requested:
        end(connection, job, (JobState.CANCELLED, Reason.USER), ClosedBy.TICK, moment)
    elif has_ahead(connection) and connection.execute(QUERIES["is_ahead"], {"number": number}).fetchone()[0]:
        requeue(connection, job, ClosedBy.TICK, losses.NOT_BEGUN, moment, ran=False)
    elif counted.losses < MAX_LOSSES:
        requeue(connection, counted, ClosedBy.TICK, "", moment)
    elif job.is_retried(JobState.FAILED, Reason.WORKER_LOST):
        retry(connection, counted, (Reason.WORKER_LOST, ""), ClosedBy.TICK, moment)
    else:
        _fail_lost(connection, counted, moment)
    return job.id


def _fail_lost(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    earlier = [attempt(row) for row in connection.execute(QUERIES["attempts"], {"number": job.number})]
    keep_outcome(connection, job, losses.document(job, earlier, moment.utc_ms))
    end(connection, job, (JobState.FAILED, Reason.WORKER_LOST), ClosedBy.TICK, moment)


def take_back_due(
    connection: sqlite3.Connection, dead: Collection[str], moment: Moment, *, may_reap: bool
) -> list[str]:
    """End the attempts whose leases have expired; return the ids of the jobs that can be read."""
    numbers = due(connection, dead, moment, may_reap=may_reap)
    found = [take_back(connection, number, moment) for number in numbers]
    return [taken for taken in found if taken is not None]


def release_due(connection: sqlite3.Connection, moment: Moment) -> list[str]:
    """Queue the scheduled jobs that fell due; the ids of what can be read of them."""
    released = []
    for number in _fallen_due(connection, moment):
        job = read(connection, number)
        if job is None or job.state is not JobState.SCHEDULED:
            end_damaged(connection, number, moment)
        else:
            go_on(connection, job, moment)
            released.append(job.id)
    return released


def bury_unknown(connection: sqlite3.Connection, moment: Moment) -> None:
    """End jobs in an unknown state, so that others do not wait for them."""
    for number in _unknown(connection):
        end_damaged(connection, number, moment)


def _unknown(connection: sqlite3.Connection) -> list[int]:
    found: list[int] = []
    for row in connection.execute(QUERIES["states_in_use"]).fetchall():
        if row["state"] not in JobState.__members__.values():
            values = {"state": row["state"], "limit": MAX_REAPED}
            found += [one["number"] for one in connection.execute(QUERIES["numbers_in_state"], values)]
    return found


def next_event_s(
    connection: sqlite3.Connection, moment: Moment, *, is_alone: bool, may_reap: bool
) -> float | None:
    """Return the seconds until a lease expires, a job is due or another worker is to be checked."""
    left_ms: list[int] = []
    if may_reap:
        left_ms += [row["until_ms"] - moment.boot_ms for row in connection.execute(QUERIES["leases"])]
    if not is_alone:
        left_ms.append(WATCH_MS)
    if is_spreading(connection):
        left_ms.append(0)
    row = connection.execute(QUERIES["next_due"]).fetchone()
    if row is not None:
        left_ms.append(row["due_ms"] - moment.utc_ms)
    return max(0, min(left_ms)) / 1000 if left_ms else None


def _fallen_due(connection: sqlite3.Connection, moment: Moment) -> list[int]:
    values = {"now": moment.utc_ms, "limit": MAX_RELEASED}
    return [row["number"] for row in connection.execute(QUERIES["fallen_due"], values)]


def open_lanes(connection: sqlite3.Connection, dead: Collection[str], moment: Moment) -> None:
    """Open the lanes whose worker is dead, or was not heard of for a lease.

    A worker that submitted into its lane and has not ticked yet has a lease's time to do so.
    """
    for worker in dead:
        connection.execute(QUERIES["silence"], {"worker": worker})
    for row in connection.execute(QUERIES["lanes"]).fetchall():
        if _is_silent(connection, row, moment):
            open_lane(connection, row["lane"])


def open_lane(connection: sqlite3.Connection, lane: str) -> bool:
    """Open a lane, so that all workers may run its jobs; True if there may be more than one step opens."""
    values = {"lane": lane, "limit": MAX_OPENED}
    return connection.execute(QUERIES["open_lane"], values).rowcount == MAX_OPENED


def seen(connection: sqlite3.Connection, is_alive: Callable[[str], bool], moment: Moment) -> list[WorkerSeen]:
    """List the workers heard of within the last day."""
    values = {"since": moment.utc_ms - DAY_MS, "limit": MAX_LISTED}
    rows = connection.execute(QUERIES["workers"], values)
    return [found for row in rows if (found := _seen(row, is_alive)) is not None]


def _seen(row: sqlite3.Row, is_alive: Callable[[str], bool]) -> WorkerSeen | None:
    try:
        said = json.loads(row["beat"])
        beat = Beat(**fields_of(Beat, said) | {"engines": frozenset(said["engines"])})
    except (ValueError, TypeError, KeyError):
        return None  # nonsense about one worker hides that worker only
    worker = row["worker"]
    return WorkerSeen(beat, worker_host(worker), row["first_seen_ms"], row["last_seen_ms"], is_alive(worker))


def _is_silent(connection: sqlite3.Connection, row: sqlite3.Row, moment: Moment) -> bool:
    if row["until_ms"] is not None:
        return moment.is_over(row["until_ms"], row["boot"])
    waiting = connection.execute(QUERIES["lane_since"], {"lane": row["lane"]}).fetchone()
    return waiting is not None and abs(moment.utc_ms - waiting["created_ms"]) > LEASE_MS
