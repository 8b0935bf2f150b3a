"""Reading of the local store: jobs with their specifications and outcomes, lists, counts, the change stream.

Lists are ranges of an index, filtered, page by page.  The order of creation is that of the numbers, even if
the clock was set back.  A cursor of the change stream is the number of the last event that was read.
"""

from __future__ import annotations

import json
import re
import time
from fnmatch import translate
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from workers.errors import ArtifactNotFound, JobNotFound, UsageError
from workers.job import Condition, JobState, Parent
from workers.store import base
from workers.store.base import SCAN_LIMIT
from workers.store.sieve import matches, sql_glob, texts_of
from workers.store.sqlite.points import points_of
from workers.store.sqlite.rows import artifact, attempt, bounds, event, job_id, key
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.statements import JOB, QUERIES
from workers.store.values import Events, KeptAttempts, OutlinePage, Page, SortKey, outline_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workers.job import Attempt, Job
    from workers.store.sqlite.database import Database
    from workers.store.values import Artifact, Outline, Point, Query

MAX_PAGE = 1_000
_FARTHEST = 2**63 - 1
_PLACE = re.compile(r"(-?[0-9]{1,20})\.([0-9]{1,20})")
_STATES = frozenset(JobState)
_BY_NUMBER = frozenset({SortKey.NUMBER, SortKey.CREATED})
# How many numbers one page of a search covers: 0.1 s.
_SEARCHED = 500_000
_SIEVED = "number, name, tags, ended_ms, priority"
_SINCE = "AND number >= :floor"
# By what a list is walked: the column, and the index that has it in order.
_WALKS = {
    SortKey.NUMBER: ("number", "NOT INDEXED"),
    SortKey.CREATED: ("number", "NOT INDEXED"),
    SortKey.ENDED: ("ended_ms", "INDEXED BY jobs_ended"),
    SortKey.PRIORITY: ("priority", "INDEXED BY jobs_priority"),
}
# How often a waiting reader finds out whether the file has changed.
LOOK_EVERY_S = 0.015
_CURSOR_DIGITS = 18


class SqliteReads:
    """The read-only part of the local store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, job_id: str) -> Job:
        """Look one job up."""
        found = self.get_many([job_id])
        if not found:
            raise _no_job(job_id)
        return found[0]

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, in the order asked."""
        with self._database.read() as connection:
            rows = [connection.execute(QUERIES["job_by_id"], _by(wanted)).fetchone() for wanted in job_ids]
        return [job_of(row) for row in rows if row is not None]

    def outlines(self, job_ids: Sequence[str]) -> list[Outline]:
        """Look outlines up, in the order asked."""
        return list(map(outline_of, self.get_many(job_ids)))

    def spec(self, job_id: str) -> str:
        """Read what was asked, as JSON."""
        with self._database.read() as connection:
            row = connection.execute(QUERIES["spec_by_id"], _by(job_id)).fetchone()
        if row is None:
            raise _no_job(job_id)
        found: str = row["spec"]
        return found

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read what was asked, as JSON by job id."""
        return self._texts("spec_by_id", job_ids)

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes, as JSON by job id."""
        return self._texts("outcome_by_id", job_ids)

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read how one attempt ended, as JSON."""
        wanted = _by(job_id) | {"attempt": attempt}
        with self._database.read() as connection:
            row = connection.execute(QUERIES["outcome_of_attempt"], wanted).fetchone()
        return row["outcome"] if row else None

    def kept_attempts(self) -> KeptAttempts:
        """Count what is kept of earlier attempts."""
        with self._database.read() as connection:
            return KeptAttempts(**dict(connection.execute(QUERIES["kept_attempts"]).fetchone()))

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read what an earlier attempt has reached."""
        with self._database.read() as connection:
            row = connection.execute(QUERIES["checkpoint_by_id"], {"id": key(job_id)}).fetchone()
        return bytes(row["content"]) if row else None

    def points(self, job_ids: Sequence[str]) -> Mapping[str, tuple[Point, ...]]:
        """Read the points of running optimisations."""
        with self._database.read() as connection:
            return points_of(connection, job_ids)

    def attempts(self, job_id: str) -> list[Attempt]:
        """List the earlier attempts of a job, oldest first."""
        with self._database.read() as connection:
            return [attempt(row) for row in connection.execute(QUERIES["attempts_by_id"], _by(job_id))]

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List jobs that a job waits for, or did."""
        with self._database.read() as connection:
            rows = connection.execute(QUERIES["parents_by_id"], _by(job_id) | {"limit": limit}).fetchall()
        return [Parent(row["id"].hex(), Condition(row["condition"])) for row in rows]

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List the artifacts of an attempt, or of the shown outcome."""
        wanted = _by(job_id) | {"attempt": attempt}
        with self._database.read() as connection:
            return [artifact(row) for row in connection.execute(QUERIES["artifacts_by_id"], wanted)]

    def files(self, job_id: str) -> list[Artifact]:
        """List the artifacts of all attempts that are stored outside the store."""
        with self._database.read() as connection:
            return [artifact(row) for row in connection.execute(QUERIES["files_by_id"], _by(job_id))]

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact."""
        wanted = _by(job_id) | {"name": name, "attempt": attempt}
        with self._database.read() as connection:
            row = connection.execute(QUERIES["artifact_by_id"], wanted).fetchone()
        if row is None:
            raise ArtifactNotFound(f"job {job_id} left no artifact named {name!r}")
        return artifact(row)

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find the ids of the jobs numbered first to last."""
        return self._ids("ids_by_number", {"first": first, "last": last, "limit": limit})

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find the ids that start with `prefix`."""
        low, high = bounds(prefix)
        return self._ids("ids_between", {"low": low, "high": high, "limit": limit})

    def last(self, owner: str) -> list[str]:
        """Find the ids of all jobs of the owner's newest submit."""
        return self._ids("last_submit", {"owner": owner})

    def page(self, query: Query) -> Page:
        """List jobs."""
        with self._database.read() as connection:
            return page(connection, query)

    def outline_page(self, query: Query) -> OutlinePage:
        """List outlines."""
        found = self.page(query)
        return OutlinePage(tuple(map(outline_of, found.items)), found.cursor)

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state; an unknown state counts as failed."""
        counted: dict[JobState, int] = {}
        with self._database.read() as connection:
            for row in connection.execute(QUERIES["counts"], {"owner": owner, "batch": batch}):
                state = state_of(row["state"])
                counted[state] = counted.get(state, 0) + row["n"]
        return counted

    def batches(self, *, owner: str | None = None, limit: int = 50) -> Mapping[str, Mapping[JobState, int]]:
        """Count the jobs of the newest batches."""
        values = {"owner": owner, "looked": SCAN_LIMIT, "limit": min(limit, base.MAX_BATCHES)}
        with self._database.read() as connection:
            names = [str(row["batch"]) for row in connection.execute(QUERIES["batches"], values)]
        return {name: self.counts(owner=owner, batch=name) for name in names}

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream after `cursor`."""
        until = time.monotonic() + wait_s
        found = self._events_after(cursor, limit)
        if wait_s <= 0 or found.items or found.truncated:
            return found
        with self._database.watch() as has_changed:
            while True:
                if has_changed():
                    found = self._events_after(found.cursor, limit)
                if found.items or found.truncated or time.monotonic() >= until:
                    return found
                time.sleep(min(LOOK_EVERY_S, max(0.0, until - time.monotonic())))

    def _events_after(self, cursor: str | None, limit: int) -> Events:
        with self._database.read() as connection:
            return _events_after(connection, cursor, limit)

    def _texts(self, query: str, job_ids: Sequence[str]) -> dict[str, str]:
        with self._database.read() as connection:
            rows = [
                (wanted, connection.execute(QUERIES[query], _by(wanted)).fetchone()) for wanted in job_ids
            ]
        return {wanted: row[0] for wanted, row in rows if row is not None}

    def _ids(self, query: str, values: Mapping[str, object]) -> list[str]:
        with self._database.read() as connection:
            return [job_id(row) for row in connection.execute(QUERIES[query], values)]


def _by(wanted: str) -> dict[str, object]:
    return {"id": key(wanted)}


def _no_job(wanted: str) -> JobNotFound:
    return JobNotFound(
        f"there is no job {wanted} in the local store", hint="nox list shows the jobs there are"
    )


def page(connection: sqlite3.Connection, query: Query) -> Page:
    """Read one page of a list.

    Raises:
        UsageError: the cursor is not one of this store's.
    """
    limit = min(max(query.limit, 1), MAX_PAGE)
    if not query.name_glob.strip("*"):  # it lets every name pass, the empty one too
        query = query._replace(name_glob="")
    if (span := _span(connection, query)) is not None:
        return _search(connection, query, limit, span)
    hits: list[tuple[sqlite3.Row, Job]] = []
    row, looked = None, 0
    sieve = _sieve(query)
    for row in islice(_rows(connection, query), SCAN_LIMIT):
        looked += 1
        if sieve is None:
            job = job_of(row)
        elif sieve(row):
            job = job_of(connection.execute(QUERIES["job_by_number"], {"number": row["number"]}).fetchone())
        else:
            continue
        if matches(job, query):
            hits.append((row, job))
        if len(hits) > limit:
            break
    items = tuple(job for _, job in hits[:limit])
    if len(hits) > limit:
        return Page(items, _cursor(query, hits[limit - 1][0]), looked)
    return Page(items, _cursor(query, row) if row is not None and looked == SCAN_LIMIT else "", looked)


def _span(connection: sqlite3.Connection, query: Query) -> tuple[int, int] | None:
    """Return the lowest and the highest number to search; None: records are read instead.

    That is so in another order than that of numbers, among few jobs, and where there is no index.
    """
    if query.sort not in _BY_NUMBER or not (query.name_glob or query.tags):
        return None
    is_narrow = query.batch or (query.states and JobState.DONE not in query.states)
    if (is_narrow and _number_of(connection, query) <= base.FEW_JOBS) or not has_words(connection):
        return None
    row = connection.execute(QUERIES["span"]).fetchone()
    lowest, highest = max(row["lowest"] or 0, _floor(connection, query)), row["highest"] or 0
    reached = _read_cursor(query)["number"] if query.cursor else _before_first(query)
    if reached is None:
        return lowest, highest
    return (lowest, min(highest, reached - 1)) if query.descending else (max(lowest, reached + 1), highest)


def has_words(connection: sqlite3.Connection) -> bool:
    """Whether a store has the index of names and tags; one that an earlier nox made may not."""
    return connection.execute("PRAGMA index_info(jobs_words)").fetchone() is not None


def _number_of(connection: sqlite3.Connection, query: Query) -> int:
    """Count the jobs in the states, and of the owner and the batch, of a query."""
    rows = connection.execute(QUERIES["counts"], {"owner": query.owner, "batch": query.batch})
    return sum(row["n"] for row in rows if not query.states or state_of(row["state"]) in query.states)


def _search(connection: sqlite3.Connection, query: Query, limit: int, span: tuple[int, int]) -> Page:
    """Read one page of a search by names and tags, within a span of numbers."""
    lowest, highest = span
    first, last = max(lowest, highest - _SEARCHED + 1), highest
    if not query.descending:
        first, last = lowest, min(highest, lowest + _SEARCHED - 1)
    texts = texts_of(query.tags, colon=": ")
    filters = [f"instr(tags, :t{i})" for i in range(len(texts))]
    if query.owner is not None:
        filters.append("owner = :owner")
    if query.batch:
        filters.append("batch = :batch")
    if query.states:
        filters.append("state IN (SELECT value FROM json_each(:states))")
    values = {
        "lowest": first,
        "highest": last,
        "owner": query.owner,
        "glob": sql_glob(query.name_glob),
        "batch": query.batch,
        "states": json.dumps(_states(connection, query)),
        **{f"t{i}": text for i, text in enumerate(texts)},
    }
    parts = {
        "direction": "DESC" if query.descending else "ASC",
        "scope": "".join(f" AND {one}" for one in filters),
    }
    found: list[Job] = []
    for row in connection.execute(QUERIES["search"].format(**parts), values):
        if matches(job := job_of(row), query):
            found.append(job)
        if len(found) > limit:
            break
    items = tuple(found[:limit])
    looked = last - first + 1
    if len(found) > limit:
        return Page(items, _cursor_at(query, items[-1].number, items[-1].number), looked)
    edge, is_end = (first, first <= lowest) if query.descending else (last, last >= highest)
    return Page(items, "" if is_end else _cursor_at(query, edge, edge), looked)


def _sieve(query: Query) -> Callable[[sqlite3.Row], bool] | None:
    """Return a function that lets rows pass that may match by name and tags; None: no such filter is set.

    It needs `_SIEVED` of a row only, a fifth of the cost of a whole job.
    """
    if not (query.name_glob or query.tags):
        return None
    is_named, texts = re.compile(translate(query.name_glob or "*")).match, texts_of(query.tags, colon=": ")

    def passes(row: sqlite3.Row) -> bool:
        tags = str(row["tags"])
        return is_named(str(row["name"])) is not None and all(text in tags for text in texts)

    return passes


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
        "columns": JOB if _sieve(query) is None else _SIEVED,
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


def _begin(query: Query, bounds: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the place of the index after which the walk begins."""
    if query.cursor:
        return _read_cursor(query)
    if (reached := _before_first(query)) is not None:
        return {"value": reached}
    if query.descending:
        # A blob sorts after every number and text: records with nonsense in the key are listed too.
        return {"value": b""}
    return {"value": bounds.get("floor", 1 - _FARTHEST) - 1}


def _before_first(query: Query) -> int | None:
    """Return the number next to the one at which a list begins; None: it begins at its edge."""
    if query.from_number is None or query.sort not in _BY_NUMBER:
        return None
    return _clamped(str(query.from_number + (1 if query.descending else -1)))


def _states(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Name the stored states to list; what is no state at all counts as failed."""
    stored = [str(row["state"]) for row in connection.execute(QUERIES["states_in_use"])]
    return [state for state in stored if state_of(state) in query.states]


def _cursor(query: Query, row: sqlite3.Row) -> str:
    value = row[_WALKS[query.sort][0]]
    return _cursor_at(query, value if isinstance(value, int) else _FARTHEST, row["number"])


def _cursor_at(query: Query, value: int, number: int) -> str:
    return f"{_form(query)}.{value}.{number}"


def _read_cursor(query: Query) -> dict[str, int]:
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


def _events_after(connection: sqlite3.Connection, cursor: str | None, limit: int) -> Events:
    kept = connection.execute(QUERIES["events_kept"]).fetchone()
    oldest, newest = kept["oldest"] or 0, kept["newest"] or 0
    after = newest if cursor is None else _place(cursor, newest)
    rows = connection.execute(QUERIES["events_after"], {"after": after, "limit": limit})
    items = tuple(event(row) for row in rows)
    return Events(items, items[-1].cursor if items else str(after), truncated=0 < after < oldest - 1)


def _place(cursor: str, newest: int) -> int:
    is_number = cursor.isascii() and cursor.isdigit() and len(cursor) <= _CURSOR_DIGITS
    if not is_number or int(cursor) > newest:
        raise UsageError(
            f"the event cursor {cursor!r} is not one of this store's",
            hint="begin with 0, or without a cursor",
        )
    return int(cursor)
