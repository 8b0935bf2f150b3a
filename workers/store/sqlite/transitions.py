"""Transitions of jobs: start, end, requeue, retry and the like, with what is stored of their attempts.

Each function is a part of one write of `store.py`; the triggers of schema.sql append the event and count.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import TYPE_CHECKING

from workers.job import Job, JobState, Lease, Reason, retry_pause_ms
from workers.store.base import KEPT_ATTEMPTS, LISTED_ATTEMPTS
from workers.store.sqlite.rows import NO_PROGRESS, key
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.statements import QUERIES, SQL, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.store.sqlite.clock import Moment
    from workers.store.values import Artifact, Claimant


class ClosedBy(StrEnum):
    """The method of the store that ended an attempt; it distinguishes a repeated call from a late one."""

    FINISH = "finish"
    GIVE_BACK = "give_back"
    TICK = "tick"


_RETURNS = {ClosedBy.GIVE_BACK: ("given_back", None), ClosedBy.TICK: ("worker_lost", Reason.WORKER_LOST)}


def start(connection: sqlite3.Connection, job: Job, claimant: Claimant, moment: Moment) -> Job:
    """Hand a queued job to a claimant, under a new fence and with a lease."""
    running = job._replace(
        state=JobState.RUNNING,
        reason=None,
        attempt=job.attempt + 1,
        worker=claimant.worker,
        started_ms=max(moment.utc_ms, job.created_ms),
    )
    mark = {"number": job.number, "attempt": running.attempt, "worker": claimant.worker}
    connection.execute(QUERIES["start"], mark | {"now": running.started_ms})
    has_progress = job.progress != NO_PROGRESS
    if has_progress and connection.execute(QUERIES["forget_progress"], {"number": job.number}).rowcount:
        running = running._replace(progress=NO_PROGRESS)
    token = {"slot": claimant.slot, "sequence": claimant.sequence}
    lease = mark | token | {"until": moment.lease_until_ms, "boot": moment.boot}
    if claimant.ahead is None or not claimant.ahead.held:
        connection.execute(QUERIES["grant"], lease)
    else:
        _grant_ahead(connection, lease)
    return running


def _grant_ahead(connection: sqlite3.Connection, lease: Mapping[str, object]) -> None:
    try:
        connection.execute(QUERIES["grant_ahead"], lease)
    except sqlite3.OperationalError:
        if has_ahead(connection):
            raise
        for statement in statements((SQL / "ahead.sql").read_text(encoding="utf-8")):
            connection.execute(statement)
        connection.execute(QUERIES["grant_ahead"], lease)


def has_ahead(connection: sqlite3.Connection) -> bool:
    """Whether a job was ever claimed ahead in this store."""
    return connection.execute(QUERIES["has_ahead"]).fetchone() is not None


def end(
    connection: sqlite3.Connection,
    job: Job,
    how: tuple[JobState, Reason | None],
    by: ClosedBy | None,
    moment: Moment,
) -> None:
    """End a job; the losses and releases it is handed with are kept."""
    state, reason = how
    values = {
        "number": job.number,
        "state": state,
        "reason": reason,
        "now": _after(job, moment),
        "started": job.started_ms,
        "closed_by": by,
        "losses": job.losses,
        "releases": job.releases,
    }
    connection.execute(QUERIES["end"], values)
    connection.execute(QUERIES["drop_lease"], {"number": job.number})


def requeue(
    connection: sqlite3.Connection,
    job: Job,
    by: ClosedBy,
    message: str,
    moment: Moment,
    *,
    ran: bool = True,
) -> None:
    """Return a running job to the queue, out of any lane, and remember the attempt.

    An attempt that did not run is listed as released, even if its worker was lost.
    """
    now = _after(job, moment)
    ended_as, reason = _RETURNS[by if ran else ClosedBy.GIVE_BACK]
    _note_attempt(connection, job, (ended_as, message), now, ran=ran)
    if job.unmet:
        _keep_back(connection, job, by, moment)
        return
    bereft = job.unended and connection.execute(QUERIES["bereft"], {"number": job.number}).fetchone()
    connection.execute(
        QUERIES["requeue"],
        {
            "number": job.number,
            "state": JobState.BLOCKED if bereft else JobState.QUEUED,
            "reason": reason,
            "now": now,
            "losses": job.losses,
            "releases": job.releases,
            "closed_by": by,
        },
    )
    connection.execute(QUERIES["drop_lease"], {"number": job.number})


def retry(
    connection: sqlite3.Connection, job: Job, how: tuple[Reason, str], by: ClosedBy, moment: Moment
) -> None:
    """Let a running job wait for its next try; `how` is why this one failed, and its message."""
    now = _after(job, moment)
    reason, _ = how
    _note_attempt(connection, job, how, now)
    if job.unmet:
        _keep_back(connection, job, by, moment)
        return
    values = {
        "number": job.number,
        "reason": reason,
        "now": now,
        "due": now + retry_pause_ms(job.id, job.retried),
        "retried": job.retried + 1,
        "losses": job.losses,
        "closed_by": by,
    }
    connection.execute(QUERIES["retry"], values)
    connection.execute(QUERIES["drop_lease"], {"number": job.number})


def _keep_back(connection: sqlite3.Connection, job: Job, by: ClosedBy, moment: Moment) -> None:
    """Cancel a job that ran and would wait again, but that a parent keeps back which ran again meanwhile."""
    end(connection, job, (JobState.CANCELLED, Reason.DEPENDENCY), by, moment)
    connection.execute(QUERIES["leave_attempt"], {"number": job.number})


def go_on(connection: sqlite3.Connection, job: Job, moment: Moment) -> JobState:
    """Let a job that nothing else keeps from starting wait for what is next; which state that is."""
    is_ahead = job.due_ms is not None and job.due_ms > moment.utc_ms
    state = JobState.SCHEDULED if is_ahead else _ready_state(job)
    values = {"number": job.number, "state": state, "now": _after(job, moment)}
    connection.execute(QUERIES["go_on"], values)
    return state


def bring_back(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Let a job that was cancelled for a parent's sake wait again, in a new round."""
    now = max(_after(job, moment), job.ended_ms or 0)
    values = {"number": job.number, "state": _ready_state(job), "now": now}
    connection.execute(QUERIES["bring_back"], values)


def _ready_state(job: Job) -> JobState:
    return JobState.BLOCKED if job.unended else JobState.QUEUED


def hold(connection: sqlite3.Connection, job: Job, moment: Moment) -> None:
    """Keep a waiting job from starting."""
    connection.execute(QUERIES["hold"], {"number": job.number, "now": _after(job, moment)})


def reopen(connection: sqlite3.Connection, job: Job, moment: Moment) -> JobState:
    """Let an ended job run again, whose last attempt becomes an earlier one; which state it is in then."""
    if job.started_ms is not None:
        _note_attempt(connection, job, (job.reason or job.state, ""), job.ended_ms or job.created_ms)
    good = _set_aside(connection, job)
    now = max(_after(job, moment), job.ended_ms or 0)
    state = _ready_state(job)
    values = {"number": job.number, "state": state, "now": now, "good": good}
    connection.execute(QUERIES["reopen"], values)
    return state


def keep_outcome(connection: sqlite3.Connection, job: Job, outcome_json: str) -> None:
    """Keep how the newest attempt of a job ended."""
    values = {"number": job.number, "attempt": job.attempt, "outcome": outcome_json}
    connection.execute(QUERIES["insert_outcome"], values)


def end_damaged(connection: sqlite3.Connection, number: int, moment: Moment) -> None:
    """End a job whose record cannot be read, so that it does not block others."""
    connection.execute(QUERIES["mark_damaged"], {"number": number, "now": moment.utc_ms})
    connection.execute(QUERIES["drop_lease"], {"number": number})


def _set_aside(connection: sqlite3.Connection, job: Job) -> int | None:
    """Make the outcome of the attempt that ended a job that of an earlier one.

    Returns:
        The attempt whose outcome is shown from now on, if there is one.
    """
    mark = {"number": job.number, "attempt": job.attempt}
    is_kept = connection.execute(QUERIES["set_aside"], mark).rowcount > 0
    connection.execute(QUERIES["drop_outcome"], mark)
    good = job.attempt if is_kept and job.state is JobState.DONE else job.good
    count_earlier(connection, job, good)
    return good


def count_earlier(connection: sqlite3.Connection, job: Job, good: int | None) -> None:
    """Count the attempts that have become earlier ones, within their bound; not the one that is shown."""
    connection.execute(QUERIES["count_earlier"], {"number": job.number, "good": good})
    connection.execute(QUERIES["forget_oldest"], {"number": job.number, "kept": KEPT_ATTEMPTS})


def keep_artifacts(connection: sqlite3.Connection, job: Job, artifacts: Sequence[Artifact]) -> None:
    """Keep the artifacts of a job's newest attempt."""
    mark = {"number": job.number, "attempt": job.attempt}
    for made in artifacts:
        connection.execute(QUERIES["insert_artifact"], mark | made._asdict())


def keep_earlier(
    connection: sqlite3.Connection, job: Job, outcome_json: str, artifacts: Sequence[Artifact]
) -> None:
    """Keep the outcome of a job's newest attempt, which is followed by a retry."""
    values = {"number": job.number, "attempt": job.attempt, "outcome": outcome_json}
    connection.execute(QUERIES["keep_earlier"], values)
    keep_artifacts(connection, job, artifacts)
    count_earlier(connection, job, job.good)


def owns(job: Job, lease: Lease) -> bool:
    """Whether the lease's attempt is the one that runs."""
    return job.state is JobState.RUNNING and (job.attempt, job.worker) == (lease.fence, lease.worker)


def read(connection: sqlite3.Connection, number: int) -> Job | None:
    """Read a job by its number."""
    row = connection.execute(QUERIES["job_by_number"], {"number": number}).fetchone()
    return job_of(row) if row else None


def find(connection: sqlite3.Connection, job_id: str) -> Job | None:
    """Read a job by its id."""
    row = connection.execute(QUERIES["job_by_id"], {"id": key(job_id)}).fetchone()
    return job_of(row) if row else None


def _note_attempt(
    connection: sqlite3.Connection, job: Job, how: tuple[str, str], now: int, *, ran: bool = True
) -> None:
    """Remember an attempt that is not its job's last: `how` it ended, and its message."""
    ended_as, message = how
    values = {
        "number": job.number,
        "attempt": job.attempt,
        "round": job.round,
        "worker": job.worker,
        "started_ms": job.started_ms or job.created_ms,
        "ended_ms": now,
        "ended_as": ended_as,
        "message": message,
        "ran": ran,
    }
    connection.execute(QUERIES["insert_attempt"], values)
    last = {"number": job.number, "last": job.attempt - LISTED_ATTEMPTS}
    connection.execute(QUERIES["forget_attempts"], last)


def _after(job: Job, moment: Moment) -> int:
    """Return the time of a change, which is never before the job's earlier ones."""
    return max(moment.utc_ms, job.created_ms, job.started_ms or 0)
