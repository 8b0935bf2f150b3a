"""Rows of the local store as values, and values as rows.  A row that makes no sense becomes a damaged job."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from workers.job import Attempt, Job, JobState, Progress, Reason, reasons_of, reasons_text, recorded_progress
from workers.store.values import Artifact, Event

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from workers.store.values import NewJob

_ID_DIGITS = 32
_MAX_INTEGER = 2**63 - 1
_NO_PROGRESS = Progress()
_TEXTS = itemgetter("owner", "kind", "name", "batch", "formula", "engine", "lane", "worker", "retry_on")
_WHOLES = itemgetter(
    "number",
    "atoms",
    "cores",
    "memory_bytes",
    "time_limit_s",
    "attempt",
    "round",
    "retries",
    "retried",
    "parents",
    "unended",
    "unmet",
    "losses",
    "releases",
    "cancel_requested",
    "created_ms",
)
_PROGRESS = itemgetter("fraction", "phase", "step", "energy", "energy_change", "gradient_norm")
_NOTHING = (None,) * 6


def key(job_id: str) -> bytes:
    """Turn an id into the bytes it is stored as; what is no id becomes empty, and matches none."""
    try:
        found = bytes.fromhex(job_id)
    except ValueError:
        return b""
    return found if len(job_id) == _ID_DIGITS and found.hex() == job_id else b""


def bounds(prefix: str) -> tuple[bytes, bytes]:
    """Give the first and the last id that start with a prefix; two empty ones if none can."""
    return key(prefix.ljust(_ID_DIGITS, "0")), key(prefix.ljust(_ID_DIGITS, "f"))


def whole(value: int) -> int:
    """Bring a number into what the store can hold."""
    return min(value, _MAX_INTEGER)


def job_id(row: sqlite3.Row) -> str:
    """Read the id."""
    found = row["id"]
    return found.hex() if isinstance(found, bytes) else str(found)


def first_state(job: NewJob, now_ms: int, unended: int, unmet: int) -> JobState:
    """Say in which state a new job is stored, with how many parents that have yet to end or keep it back."""
    if unmet:
        return JobState.CANCELLED
    if job.is_held:
        return JobState.HELD
    if job.begin_ms is not None and job.begin_ms > now_ms:
        return JobState.SCHEDULED
    return JobState.BLOCKED if unended else JobState.QUEUED


def new_job_row(job: NewJob, number: int, now_ms: int, unended: int, unmet: int) -> dict[str, object]:
    """Lay a new job out for its row."""
    is_ahead = job.begin_ms is not None and job.begin_ms > now_ms
    return {
        "state": first_state(job, now_ms, unended, unmet),
        "due": job.begin_ms if is_ahead and not unmet else None,
        "reason": _first_reason(job, unmet),
        "ended": now_ms if unmet else None,
        "parents": len(job.parents),
        "unended": unended,
        "unmet": unmet,
        "number": number,
        "id": key(job.id),
        "owner": job.owner,
        "kind": job.kind,
        "name": job.name,
        "batch": job.batch,
        "formula": job.formula,
        "atoms": job.atoms,
        "engine": job.engine,
        "priority": job.priority,
        "cores": job.cores,
        "memory_bytes": whole(job.memory_bytes),
        "time_limit_s": job.time_limit_s,
        "lane": job.lane,
        "retries": job.retries,
        "retry_on": reasons_text(job.retry_on),
        "tags": tags_text(job.tags),
        "now": now_ms,
    }


def _first_reason(job: NewJob, unmet: int) -> Reason | None:
    if unmet:
        return Reason.DEPENDENCY
    return Reason.MOVED if job.awaits_move else None


def tags_text(tags: Mapping[str, str]) -> str:
    """Write tags as they are stored."""
    return json.dumps(dict(tags), ensure_ascii=False) if tags else ""


def job(row: sqlite3.Row) -> Job:
    """Read a job; one that cannot be read appears as FAILED, with reason DAMAGED."""
    try:
        return _readable(row)
    except ValueError:
        return _damaged(row)


def progress_row(progress: Progress) -> dict[str, object]:
    """Lay progress out for a job's row."""
    return {
        "fraction": progress.fraction,
        "phase": progress.phase or None,
        "step": progress.step,
        "energy": progress.energy_hartree,
        "energy_change": progress.energy_change_hartree,
        "gradient_norm": progress.gradient_norm_hartree_per_bohr,
    }


def attempt(row: sqlite3.Row) -> Attempt:
    """Read an earlier attempt."""
    return Attempt(
        number=row["attempt"],
        round=row["round"],
        worker=row["worker"],
        started_ms=row["started_ms"],
        ended_ms=row["ended_ms"],
        ended_as=row["ended_as"],
        message=row["message"],
        ran=bool(row["ran"]),
    )


def artifact(row: sqlite3.Row) -> Artifact:
    """Read an artifact."""
    return Artifact(**dict(row))


def event(row: sqlite3.Row) -> Event:
    """Read a change; one to a state nobody knows was to a damaged record."""
    known = row["state"] in JobState.__members__.values()
    return Event(
        cursor=str(row["event"]),
        at_ms=row["at_ms"],
        job_id=job_id(row),
        number=row["number"],
        state=JobState(row["state"]) if known else JobState.FAILED,
        attempt=row["attempt"] if isinstance(row["attempt"], int) else 0,
        reason=_reason(row["reason"]) if known else Reason.DAMAGED,
        batch=row["batch"],
    )


def _readable(row: sqlite3.Row) -> Job:
    texts, wholes = _TEXTS(row), _WHOLES(row)
    if set(map(type, texts)) != {str} or set(map(type, wholes)) != {int} or min(wholes) < 0:
        raise ValueError("a field is of another kind")
    owner, kind, name, batch, formula, engine, lane, worker, retry_on = texts
    (
        number,
        atoms,
        cores,
        memory_bytes,
        time_limit_s,
        attempt,
        round_,
        retries,
        retried,
        parents,
        unended,
        unmet,
        losses,
        releases,
        cancel,
        created_ms,
    ) = wholes
    state, reason = JobState(row["state"]), _reason(row["reason"])
    started_ms = _maybe(row["started_ms"])
    if state.is_waiting:
        started_ms = None  # an older nox left it
    return Job(
        id=row["id"].hex(),
        number=number,
        state=state,
        owner=owner,
        kind=kind,
        created_ms=created_ms,
        name=name,
        batch=batch,
        formula=formula,
        atoms=atoms,
        engine=engine,
        priority=_integer(row["priority"]),
        cores=cores,
        memory_bytes=memory_bytes,
        time_limit_s=time_limit_s,
        lane=lane,
        retries=retries,
        retry_on=reasons_of(retry_on),
        reason=reason,
        attempt=attempt,
        round=round_,
        retried=retried,
        parents=parents,
        unended=unended,
        unmet=unmet,
        due_ms=_maybe(row["due_ms"]),
        losses=losses,
        releases=releases,
        cancel_requested=bool(cancel),
        worker=worker if started_ms is not None else "",
        started_ms=started_ms,
        ended_ms=_maybe(row["ended_ms"]),
        progress=recorded_progress(_progress(row), state, reason),
        tags=_tags(row["tags"]),
        good=_maybe(row["good"]),
    )


def _damaged(row: sqlite3.Row) -> Job:
    """Read what can be read of a record that makes no sense."""
    return Job(
        id=job_id(row),
        number=row["number"],
        state=JobState.FAILED,
        owner=str(row["owner"]),
        kind=str(row["kind"]),
        created_ms=_or_zero(row["created_ms"]),
        name=str(row["name"]),
        batch=str(row["batch"]),
        reason=Reason.DAMAGED,
        attempt=_or_zero(row["attempt"]),
        ended_ms=_or_zero(row["ended_ms"]) or None,
    )


def _progress(row: sqlite3.Row) -> Progress:
    found = _PROGRESS(row)
    if found == _NOTHING:
        return _NO_PROGRESS
    fraction, phase, step, energy, energy_change, gradient_norm = found
    if not set(map(type, (fraction, energy, energy_change, gradient_norm))) <= {float, int, type(None)}:
        raise ValueError("progress is no number")
    return Progress(fraction, phase or "", _maybe(step), energy, energy_change, gradient_norm)


def _tags(text: Any) -> dict[str, str]:
    if not text:
        return {}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("tags are not an object")  # noqa: TRY004
    return found


def _reason(value: Any) -> Reason | None:
    return None if value is None else Reason(value)


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("not an integer")
    return value


def _maybe(value: Any) -> int | None:
    return None if value is None else _integer(value)


def _or_zero(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0
