"""Lists of the local store: ranges of an index, filtered, page by page.

The order of creation is that of the numbers, whatever the clock showed.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from workers.errors import UsageError
from workers.job import JobState
from workers.store.base import SCAN_LIMIT
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.statements import QUERIES
from workers.store.values import Page, SortKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from workers.job import Job
    from workers.store.values import Query

MAX_PAGE = 1_000
_FARTHEST = 2**63 - 1
_PLACE = re.compile(r"(-?[0-9]{1,20})\.([0-9]{1,20})")
_STATES = frozenset(JobState)
_BY_NUMBER = frozenset({SortKey.NUMBER, SortKey.CREATED})
_SINCE = "AND number >= :floor"
# By what a list is walked: the column, and the index that has it in order.
_WALKS = {
    SortKey.NUMBER: ("number", "NOT INDEXED"),
    SortKey.CREATED: ("number", "NOT INDEXED"),
    SortKey.ENDED: ("ended_ms", "INDEXED BY jobs_ended"),
    SortKey.PRIORITY: ("priority", "INDEXED BY jobs_priority"),
}


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
    if query.sort not in _BY_NUMBER:
        return _walk(connection, query, _WALKS[query.sort][1], "", {})
    bounds = {"floor": _floor(connection, query)}
    if query.batch:
        scope = f"AND batch = :batch AND batch <> '' {_SINCE}"
        return _walk(connection, query, "INDEXED BY jobs_batch", scope, bounds | {"batch": query.batch})
    if query.states and JobState.DONE not in query.states:
        scope = f"AND state = :state AND state <> 'done' {_SINCE}"
        walks = [
            _walk(connection, query, "INDEXED BY jobs_state", scope, bounds | {"state": state})
            for state in _states(connection, query)
        ]
        return merge(*walks, key=itemgetter("number"), reverse=query.descending)
    return _walk(connection, query, _WALKS[query.sort][1], _SINCE, bounds)


def _floor(connection: sqlite3.Connection, query: Query) -> int:
    """Find the number below which no job was created since the time asked for."""
    if query.since_ms is None:
        return 0
    values = {"since": query.since_ms, "limit": SCAN_LIMIT}
    found: int | None = connection.execute(QUERIES["first_since"], values).fetchone()["number"]
    return _FARTHEST if found is None else found


def _walk(
    connection: sqlite3.Connection, query: Query, index: str, scope: str, bounds: Mapping[str, Any]
) -> Iterator[sqlite3.Row]:
    """Walk one index from the query's cursor on, within bounds."""
    parts = {
        "key": _WALKS[query.sort][0],
        "index": index,
        "scope": scope,
        "beyond": "<" if query.descending else ">",
        "direction": "DESC" if query.descending else "ASC",
    }
    values = {"limit": SCAN_LIMIT, **bounds, **_begin(query, bounds)}
    beyond = connection.execute(QUERIES["page"].format(**parts), values)
    if query.sort in _BY_NUMBER or not query.cursor:
        return beyond
    return chain(connection.execute(QUERIES["page_within"].format(**parts), values), beyond)


def _begin(query: Query, bounds: Mapping[str, Any]) -> dict[str, object]:
    """Say after which place of the index the walk begins."""
    if query.cursor:
        return _read_cursor(query)
    if query.descending:
        # A blob sorts after every number and text: records with nonsense in the key are listed too.
        return {"value": b""}
    return {"value": bounds.get("floor", 1 - _FARTHEST) - 1}


def _states(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Name the stored states to list; what is no state at all counts as failed."""
    stored = [str(row["state"]) for row in connection.execute(QUERIES["states_in_use"])]
    return [state for state in stored if state_of(state) in query.states]


def _cursor(query: Query, row: sqlite3.Row) -> str:
    value = row[_WALKS[query.sort][0]]
    return f"{_form(query)}.{value if isinstance(value, int) else _FARTHEST}.{row['number']}"


def _read_cursor(query: Query) -> dict[str, object]:
    form, _, place = query.cursor.partition(".")
    match = _PLACE.fullmatch(place)
    if form != _form(query) or match is None:
        raise UsageError(
            f"the cursor {query.cursor!r} is not one of this list's", hint="begin without a cursor"
        )
    return {"value": _clamped(match[1]), "number": _clamped(match[2])}


def _form(query: Query) -> str:
    return f"{query.sort}-{'down' if query.descending else 'up'}"


def _clamped(digits: str) -> int:
    return max(-_FARTHEST, min(int(digits), _FARTHEST))
