"""Lists of the local store: ranges of an index, filtered, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from workers.errors import UsageError
from workers.job import JobState
from workers.store.base import SCAN_LIMIT
from workers.store.sqlite_rows import job as job_of
from workers.store.sqlite_statements import QUERIES
from workers.store.values import Page, SortKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from workers.job import Job
    from workers.store.values import Query

MAX_PAGE = 1_000
_FARTHEST = 2**63 - 1
_PLACE = re.compile(r"(-?[0-9]{1,20})\.([0-9]{1,20})")
_STATES = frozenset(JobState)
_COLUMNS = {
    SortKey.NUMBER: "number",
    SortKey.CREATED: "created_ms",
    SortKey.ENDED: "ended_ms",
    SortKey.PRIORITY: "priority",
}
_INDEXES = {
    SortKey.NUMBER: "NOT INDEXED",
    SortKey.CREATED: "INDEXED BY jobs_created",
    SortKey.ENDED: "INDEXED BY jobs_ended",
    SortKey.PRIORITY: "INDEXED BY jobs_priority",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a list: just after the job of this number, whose sort key has this value."""

    value: int | bytes
    number: int


def page(connection: sqlite3.Connection, query: Query) -> Page:
    """Read one page of a list.

    Raises:
        UsageError: the cursor is not one of this store's.
    """
    limit = min(max(query.limit, 1), MAX_PAGE)
    hits: list[tuple[sqlite3.Row, Job]] = []
    row, looked = None, 0
    for row in islice(_rows(connection, query), SCAN_LIMIT):
        looked += 1
        job = job_of(row)
        if matches(job, query):
            hits.append((row, job))
        if len(hits) > limit:
            break
    items = tuple(job for _, job in hits[:limit])
    if len(hits) > limit:
        return Page(items, _cursor(query, hits[limit - 1][0]))
    return Page(items, _cursor(query, row) if row is not None and looked == SCAN_LIMIT else "")


def matches(job: Job, query: Query) -> bool:
    """Whether every filter of a query lets a job through."""
    return (
        query.owner in {None, job.owner}
        and (not query.states or job.state in query.states)
        and query.reason in {None, job.reason}
        and query.batch in {"", job.batch}
        and (query.since_ms is None or job.created_ms >= query.since_ms)
        and (not query.name_glob or fnmatchcase(job.name, query.name_glob))
        and query.tags.items() <= job.tags.items()
    )


def state_of(stored: str) -> JobState:
    """Read a state; what is none counts as failed, as its damaged job does."""
    return JobState(stored) if stored in _STATES else JobState.FAILED


def _rows(connection: sqlite3.Connection, query: Query) -> Iterator[sqlite3.Row]:
    """Walk the index that leaves the fewest jobs to look at, in the order asked."""
    since = "AND created_ms >= :since" if query.since_ms is not None else ""
    if query.sort is not SortKey.CREATED:
        return _walk(connection, query, _INDEXES[query.sort], "")
    if query.batch:
        scope = f"AND batch = :batch AND batch <> '' {since}"
        return _walk(connection, query, "INDEXED BY jobs_batch", scope)
    if query.states and JobState.DONE not in query.states:
        scope = f"AND state = :state AND state <> 'done' {since}"
        parts = [
            _walk(connection, query, "INDEXED BY jobs_state", scope, state)
            for state in _states(connection, query)
        ]
        return merge(*parts, key=lambda row: _order(query, row), reverse=query.descending)
    return _walk(connection, query, _INDEXES[query.sort], since)


def _walk(
    connection: sqlite3.Connection, query: Query, index: str, scope: str, state: str = ""
) -> Iterator[sqlite3.Row]:
    statement = QUERIES["page"].format(
        index=index,
        key=_COLUMNS[query.sort],
        scope=scope,
        beyond="<" if query.descending else ">",
        direction="DESC" if query.descending else "ASC",
    )
    begin = _read_cursor(query) if query.cursor else _beginning(query)
    values = {
        "value": begin.value,
        "number": begin.number,
        "state": state,
        "batch": query.batch,
        "since": query.since_ms,
        "limit": SCAN_LIMIT,
    }
    return connection.execute(statement, values)


def _states(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Name the stored states to list; what is no state at all counts as failed."""
    stored = [str(row["state"]) for row in connection.execute(QUERIES["states_in_use"])]
    return [state for state in stored if state_of(state) in query.states and state != JobState.DONE]


def _beginning(query: Query) -> _Place:
    # A blob sorts after every number and text, so that records with nonsense in the column are listed too.
    return _Place(b"", _FARTHEST) if query.descending else _Place(-_FARTHEST, -_FARTHEST)


def _order(query: Query, row: sqlite3.Row) -> tuple[int, int]:
    value = row[_COLUMNS[query.sort]]
    return (value if isinstance(value, int) else _FARTHEST, row["number"])


def _cursor(query: Query, row: sqlite3.Row) -> str:
    value, number = _order(query, row)
    return f"{_form(query)}.{value}.{number}"


def _read_cursor(query: Query) -> _Place:
    form, _, place = query.cursor.partition(".")
    match = _PLACE.fullmatch(place)
    if form != _form(query) or match is None:
        raise UsageError(
            f"the cursor {query.cursor!r} is not one of this list's", hint="begin without a cursor"
        )
    return _Place(_clamped(match[1]), _clamped(match[2]))


def _form(query: Query) -> str:
    return f"{query.sort}-{'down' if query.descending else 'up'}"


def _clamped(digits: str) -> int:
    return max(-_FARTHEST, min(int(digits), _FARTHEST))
