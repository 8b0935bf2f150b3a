"""Rows of the local store as values, and values as rows.

Jobs are read and written by the table `workers.job.FIELDS`.  A row that makes no sense becomes a damaged job.
"""

from __future__ import annotations

import json
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from workers.job import (
    CLIENT_FIELDS,
    FIELDS,
    PROGRESS_FIELDS,
    Attempt,
    Job,
    JobState,
    Progress,
    Reason,
    reasons_of,
    reasons_text,
    stored_job,
)
from workers.store.values import Artifact, Event

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from workers.job import Kind, NewJob

_ID_DIGITS = 32
_MAX_INTEGER = 2**63 - 1
NO_PROGRESS = Progress()


def key(job_id: str) -> bytes:
    """Turn an id into the bytes it is stored as; what is no id becomes empty, and matches none."""
    try:
        found = bytes.fromhex(job_id)
    except ValueError:
        return b""
    return found if len(job_id) == _ID_DIGITS and found.hex() == job_id else b""


def bounds(prefix: str) -> tuple[bytes, bytes]:
    """Return the first and the last id with a prefix; two empty ones if no id can have it."""
    return key(prefix.ljust(_ID_DIGITS, "0")), key(prefix.ljust(_ID_DIGITS, "f"))


def whole(value: int) -> int:
    """Limit a number to what the store can hold."""
    return min(value, _MAX_INTEGER)


def tags_text(tags: Mapping[str, str]) -> str:
    """Write tags as they are stored."""
    return json.dumps(dict(tags), ensure_ascii=False) if tags else ""


def _typed(kind: type) -> Callable[[Any], Any]:
    """Make a reader that lets values of one type pass."""

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"not of type {kind.__name__}")
        return value

    return read


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def _number(value: Any) -> float:
    if type(value) not in {int, float}:
        raise ValueError("not a number")
    return float(value)


def _tags(text: Any) -> dict[str, str]:
    if not text:
        return {}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("tags are not an object")  # noqa: TRY004
    return found


_integer = _typed(int)
_READ: dict[Kind, Callable[[Any], Any]] = {
    "id": bytes.hex,
    "text": _typed(str),
    "whole": _whole,
    "integer": _integer,
    "number": _number,
    "flag": lambda value: bool(_whole(value)),
    "state": JobState,
    "reason": Reason,
    "reasons": lambda text: reasons_of(_typed(str)(text)),
    "tags": _tags,
}
_NAMES = tuple(field.name for field in FIELDS)
_OPTIONAL = frozenset(name for name, default in Job._field_defaults.items() if default is None)
# Most columns hold texts and whole numbers, which are checked together.
_texts = itemgetter(
    *(at for at, one in enumerate(FIELDS) if one.kind == "text" and one.name not in _OPTIONAL)
)
_wholes = itemgetter(
    *(at for at, one in enumerate(FIELDS) if one.kind in {"whole", "flag"} and one.name not in _OPTIONAL)
)
_READERS = [
    (field.name, _integer if field.kind == "whole" else _READ[field.kind])
    for field in FIELDS
    if field.kind not in {"text", "whole"} or field.name in _OPTIONAL
]
_PROGRESS_READERS = [(field.name, _READ[field.kind]) for field in PROGRESS_FIELDS]
_WRITE: dict[Kind, Callable[[Any], Any]] = {
    "id": key,
    "whole": whole,
    "reasons": reasons_text,
    "tags": tags_text,
}
_JOB_WRITERS = [(field.sql, _WRITE.get(field.kind)) for field in CLIENT_FIELDS]
_client_values = attrgetter(*(field.name for field in CLIENT_FIELDS))


def job_id(row: sqlite3.Row) -> str:
    """Read the id."""
    found = row["id"]
    return found.hex() if isinstance(found, bytes) else str(found)


def first_state(job: NewJob, now_ms: int, unended: int, unmet: int) -> JobState:
    """Return the first state of a job, by its counts of unfinished parents and of those that keep it back."""
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
    values = zip(_JOB_WRITERS, _client_values(job), strict=True)
    return {
        **{column: write(value) if write else value for (column, write), value in values},
        "state": first_state(job, now_ms, unended, unmet),
        "due": job.begin_ms if is_ahead and not unmet else None,
        "reason": _first_reason(job, unmet),
        "ended": now_ms if unmet else None,
        "parents": len(job.parents),
        "unended": unended,
        "unmet": unmet,
        "number": number,
        "now": now_ms,
    }


def _first_reason(job: NewJob, unmet: int) -> Reason | None:
    if unmet:
        return Reason.DEPENDENCY
    return Reason.MOVED if job.awaits_move else None


def job(row: sqlite3.Row) -> Job:
    """Read a job; one that cannot be read appears as FAILED, with reason DAMAGED."""
    try:
        return _readable(row)
    except (ValueError, TypeError):
        return _damaged(row)


def progress_row(progress: Progress) -> dict[str, object]:
    """Write progress as the columns of a job's row."""
    columns = (field.sql for field in PROGRESS_FIELDS)
    return {column: None if value == "" else value for column, value in zip(columns, progress, strict=True)}


def attempt(row: sqlite3.Row) -> Attempt:
    """Read an earlier attempt."""
    return Attempt(**dict(row) | {"ran": bool(row["ran"])})


def artifact(row: sqlite3.Row) -> Artifact:
    """Read an artifact."""
    return Artifact(**dict(row))


def event(row: sqlite3.Row) -> Event:
    """Read a change; an unknown state is that of a damaged record."""
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
        token=row["token"] or "" if "token" in row.keys() else "",  # noqa: SIM118  a row is no mapping
    )


def _readable(row: sqlite3.Row) -> Job:
    stored = row[: len(FIELDS)]
    texts, wholes = _texts(stored), _wholes(stored)
    if set(map(type, texts)) != {str} or set(map(type, wholes)) != {int} or min(wholes) < 0:
        raise ValueError("a field is of another kind")
    values = dict(zip(_NAMES, stored, strict=True))
    for name, read in _READERS:
        if values[name] is not None or name not in _OPTIONAL:
            values[name] = read(values[name])
    return stored_job(values, _progress(row[len(FIELDS) : len(FIELDS) + len(PROGRESS_FIELDS)]))


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


def _progress(stored: tuple[Any, ...]) -> Progress:
    known = zip(_PROGRESS_READERS, stored, strict=True)
    values = {name: read(value) for (name, read), value in known if value is not None}
    return Progress(**values) if values else NO_PROGRESS


def _reason(value: Any) -> Reason | None:
    return None if value is None else Reason(value)


def _or_zero(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0
