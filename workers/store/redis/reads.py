"""Reading of the Redis store: jobs, their specifications and outcomes, lists, counts, the change stream."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from workers.errors import ArtifactNotFound, JobNotFound, StoreDamaged, UsageError
from workers.store.base import LISTED_ATTEMPTS, MAX_BATCHES, SCAN_LIMIT
from workers.store.redis.records import (
    artifact_of,
    attempts_of,
    counts_of,
    event_of,
    in_groups,
    job_of,
    outcome_of,
    parents_of,
    parts,
    points_of,
    read_outline,
)
from workers.store.redis.wire import MAX_BLOCK_S
from workers.store.sieve import beginning_of, lua_patterns, texts_of
from workers.store.values import Events, KeptAttempts, OutlinePage, Page, SortKey, outline_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from workers.job import Attempt, Job, JobState, Parent
    from workers.store.redis.connection import RedisClient
    from workers.store.redis.resp import Arg
    from workers.store.values import AllocationEvent, Artifact, Outline, Point, Query

    T = TypeVar("T")

# How many jobs, texts, ids or events one call reads at most.
_JOBS, _TEXTS, _IDS, _EVENTS = 500, 100, 10_000, 10_000
_EVENT_CURSOR = re.compile(r"[0-9]{1,15}(-[0-9]{1,15})?", re.ASCII)
_RANGE = re.compile(rb"([0-9]{1,15})-([0-9]{1,15})")
_BEFORE_SLASH = re.compile(r"\\+/")  # see `plain_tags` of lua/words.lua
_CONTROL = re.compile(r"[\0-\x1f]")
_HEX = re.compile(r"[0-9a-f]*", re.ASCII)

MAX_PAGE = 1_000
_FARTHEST = 2**53  # above the number of every job
# How many jobs one call looks at: more would hold up other clients.
_CHUNK = 1_000
# How many jobs one page of a search by name or tag looks at: 0.1 s at most where all records are read.
_SEARCHED = 100_000
# How many of them it returns: a whole job takes 15 microseconds, an outline 10.
_MATCHES = 500
# Jobs are created in the order of their numbers, so one index serves both.
_INDEX = {
    SortKey.NUMBER: "number",
    SortKey.CREATED: "number",
    SortKey.ENDED: "ended",
    SortKey.PRIORITY: "priority",
}
_CURSOR = re.compile(r"(number|ended|priority):([0-9]{1,16})", re.ASCII)


class RedisReads:
    """The read-only part of the Redis store."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._prefix = client.prefix

    def get(self, job_id: str) -> Job:
        """Look one job up; see `Store.get`."""
        found = self.get_many([job_id])
        if not found:
            raise _no_job(job_id)
        return found[0]

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up; see `Store.get_many`."""
        return [job_of(raw) for part in parts(job_ids, _JOBS) for raw in self._client.call("read", *part)]

    def outlines(self, job_ids: Sequence[str]) -> list[Outline]:
        """Look outlines up; see `Store.outlines`."""
        return [
            read_outline(raw)
            for part in parts(job_ids, _JOBS)
            for raw in self._client.call("outlines", *part)
        ]

    def spec(self, job_id: str) -> str:
        """Read what was asked; see `Store.spec`."""
        raw: bytes | None = self._client.execute("GET", f"{self._prefix}spec:{job_id}")
        if raw is None:
            raise _no_job(job_id)
        return raw.decode(errors="replace")

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read what was asked; see `Store.specs`."""
        return self._texts("spec", job_ids)

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes; see `Store.outcomes`."""
        found = {}
        for part in parts(job_ids, _TEXTS):
            kept = zip(part, self._client.call("outcomes", *part), strict=True)
            found.update({job_id: outcome_of(raw) for job_id, raw in kept if raw is not None})
        return found

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read how one attempt ended; see `Store.outcome`."""
        raw: bytes | None = self._client.call("outcome", job_id, attempt)
        return None if raw is None else outcome_of(raw)

    def _texts(self, kind: str, job_ids: Sequence[str]) -> dict[str, str]:
        found = {}
        for part in parts(job_ids, _TEXTS):
            replies = self._client.execute("MGET", *(f"{self._prefix}{kind}:{job_id}" for job_id in part))
            kept = zip(part, replies, strict=True)
            found.update({job_id: raw.decode(errors="replace") for job_id, raw in kept if raw is not None})
        return found

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read what an earlier attempt has reached; see `Store.checkpoint`."""
        raw: bytes | None = None
        with suppress(
            StoreDamaged
        ):  # the key holds something else, and an attempt can begin without a checkpoint
            raw = self._client.execute("GET", f"{self._prefix}checkpoint:{job_id}")
        return raw

    def points(self, job_ids: Sequence[str]) -> Mapping[str, tuple[Point, ...]]:
        """Read the points of running optimisations; see `Store.points`."""
        found = {}
        for part in parts(job_ids, _TEXTS):
            kept = zip(part, self._client.call("points", *part), strict=True)
            found.update({job_id: points_of(*packed) for job_id, packed in kept if packed is not None})
        return {job_id: points for job_id, points in found.items() if points}

    def attempts(self, job_id: str) -> list[Attempt]:
        """List earlier attempts; see `Store.attempts`."""
        return attempts_of(
            self._client.execute("LRANGE", f"{self._prefix}attempts:{job_id}", -LISTED_ATTEMPTS, -1)
        )

    def kept_attempts(self) -> KeptAttempts:
        """Count what is kept of earlier attempts; see `Store.kept_attempts`."""
        found = self._client.execute("HMGET", f"{self._prefix}kept", "jobs", "attempts", "bytes")
        return KeptAttempts(*(int(raw) if raw and raw.isdigit() else 0 for raw in found))

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List parents; see `Store.parents`."""
        return parents_of(self._client.call("parents", job_id, limit))

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List artifacts; see `Store.artifacts`."""
        return self._artifacts(job_id, "" if attempt is None else attempt)

    def files(self, job_id: str) -> list[Artifact]:
        """List artifacts outside the store; see `Store.files`."""
        return [artifact for artifact in self._artifacts(job_id, "all") if artifact.path]

    def _artifacts(self, job_id: str, attempt: int | str) -> list[Artifact]:
        known = in_groups(self._client.call("artifacts", job_id, attempt), 2)
        return [artifact for raw, lacks in known if (artifact := artifact_of(raw, is_lacking=bool(lacks)))]

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact; see `Store.artifact`."""
        reply = self._client.call("artifact", job_id, name, "" if attempt is None else attempt)
        artifact = None
        if reply:
            known, content, is_earlier = reply
            artifact = artifact_of(known, content, is_lacking=bool(is_earlier) and content is None)
        if artifact is None:
            raise ArtifactNotFound(f"job {job_id} left no artifact named {name}")
        return artifact

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find ids by number; see `Store.with_numbers`."""
        found: list[str] = []
        while len(found) < limit:
            wanted = min(_IDS, limit - len(found))
            window = ("BYSCORE", "LIMIT", len(found), wanted)
            part = self._client.execute("ZRANGE", f"{self._prefix}numbers", first, last, *window)
            found += [raw.decode() for raw in part]
            if len(part) < wanted:
                break
        return found

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find ids by their start; see `Store.with_prefix`."""
        if not _HEX.fullmatch(prefix):
            return []
        return [raw.decode() for raw in self._client.call("prefix", prefix, min(limit, _IDS))]

    def last(self, owner: str) -> list[str]:
        """Find the ids of the newest submit; see `Store.last`."""
        found: list[str] = []
        for stretch in self._client.execute("LRANGE", f"{self._prefix}last:{owner}", 1, -1):
            if is_range := _RANGE.fullmatch(stretch):
                first, last = map(int, is_range.groups())
                found += self.with_numbers(first, last, limit=last - first + 1)
        # A step that was repeated names its jobs twice.
        return list(dict.fromkeys(found))

    def page(self, query: Query) -> Page:
        """List jobs; see `Store.page`."""
        return page(self._client, query)

    def outline_page(self, query: Query) -> OutlinePage:
        """List outlines; see `Store.outline_page`."""
        if query.tags or query.name_glob:  # the last look at these is at the whole record
            found = page(self._client, query)
            return OutlinePage(tuple(map(outline_of, found.items)), found.cursor)
        items, cursor, _ = _listed(self._client, query, read_outline, is_outlined=True)
        return OutlinePage(items, cursor)

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state; see `Store.counts`."""
        key = f"{self._prefix}count:batch:{batch}" if batch else f"{self._prefix}count"
        with suppress(ValueError, StoreDamaged):
            return counts_of(self._client.execute("HGETALL", key), owner)
        self._client.call("recount", batch)  # another program wrote over it
        return counts_of(self._client.execute("HGETALL", key), owner)

    def batches(self, *, owner: str | None = None, limit: int = 50) -> Mapping[str, Mapping[JobState, int]]:
        """Count the jobs of the newest batches; see `Store.batches`."""
        names: dict[str, None] = {}
        limit, looked, above = min(limit, MAX_BATCHES), 0, str(_FARTHEST)
        while above and len(names) < limit and looked < SCAN_LIMIT:
            wanted = limit - len(names), _CHUNK
            seen, reached, *found = self._client.call("batches", above, *wanted, owner or "")
            looked, above = looked + seen, reached.decode()
            names |= dict.fromkeys(name.decode(errors="replace") for name in found)
        return {name: self.counts(owner=owner, batch=name) for name in names}

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream; see `Store.events`."""
        if cursor is not None and not _EVENT_CURSOR.fullmatch(cursor):
            raise UsageError("the cursor is not one of this stream", hint="use a cursor as nox printed it")
        until = time.monotonic() + wait_s
        while True:
            found = self._whole_chunk(cursor, limit)
            left_s = until - time.monotonic()
            if cursor is None or found.items or found.allocations or found.truncated or left_s <= 0:
                return found
            cursor = found.cursor
            block_ms = max(1, round(min(left_s, MAX_BLOCK_S) * 1000))
            key = f"{self._prefix}events"
            self._client.block("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", key, cursor)

    def _whole_chunk(self, cursor: str | None, limit: int) -> Events:
        """Read a chunk that has `limit` events of jobs, unless it is the last."""
        limit = max(1, min(limit, _EVENTS))
        found = more = self._events(cursor, limit)
        while more.allocations and len(found.items) < limit:
            more = self._events(found.cursor, limit - len(found.items))
            items, allocations = found.items + more.items, found.allocations + more.allocations
            found = Events(items, more.cursor, found.truncated or more.truncated, allocations)
        return found

    def _events(self, cursor: str | None, limit: int) -> Events:
        newest, entries = b"", []
        if cursor:
            window = (f"{self._prefix}events", cursor, "+", "COUNT", limit + 1)
            (newest, _), *entries = self._client.execute("XRANGE", *window) or [(b"", ())]
        is_cut = False
        # If the event at the cursor is kept, all later ones are; else the script finds out, at five times the
        # cost.
        if not cursor or newest != cursor.encode():
            is_cut, newest, entries = self._client.call("events", cursor or "", limit)
        reached = entries[-1][0].decode() if entries else newest.decode() if cursor is None else cursor
        read = [event for entry in entries if (event := event_of(*entry))]
        others = _allocation_events(entries) if len(read) < len(entries) else ()
        return Events(tuple(read), reached, bool(is_cut), others)


def _allocation_events(entries: Sequence[Any]) -> tuple[AllocationEvent, ...]:
    from workers.store.redis.pools import allocation_event_of

    return tuple(event for entry in entries if (event := allocation_event_of(*entry)))


def _no_job(job_id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id}")


def page(client: RedisClient, query: Query) -> Page:
    """List jobs; see `Store.page`."""
    return Page(*_listed(client, query, job_of, lambda job: _matches(job, query)))


def _listed(
    client: RedisClient,
    query: Query,
    read: Callable[[bytes], T],
    matches: Callable[[T], bool] = lambda _: True,
    *,
    is_outlined: bool = False,
) -> tuple[tuple[T, ...], str, int]:
    """Read one page, each of its jobs with `read`.

    Returns:
        The jobs, the cursor after them, and the number of jobs that were looked at.
    """
    position = _position(query)
    limit = max(1, min(query.limit, MAX_PAGE))
    found: list[tuple[T, str]] = []
    looked = 0
    is_search = (query.name_glob or query.tags) and _INDEX[query.sort] == "number"
    most = _SEARCHED if is_search else SCAN_LIMIT
    # One job beyond the page shows whether the list continues.
    while position and len(found) <= limit and looked < most:
        wanted = min(_MATCHES, limit + 1 - len(found))
        limits = wanted, min(_CHUNK, most - looked)
        seen, position, chunk = _chunk(client, query, position, limits, is_outlined=is_outlined)
        looked += seen
        found += [(job, at) for at, raw in chunk if matches(job := read(raw))]
    if len(found) > limit:
        position = found[limit - 1][1]
    cursor = f"{_INDEX[query.sort]}:{position}" if position else ""
    return tuple(job for job, _ in found[:limit]), cursor, looked


def _position(query: Query) -> str:
    """Find the position at which to begin, exclusive.

    Raises:
        UsageError: the cursor is not one of this order.
    """
    if not query.cursor and query.from_number is not None and _INDEX[query.sort] == "number":
        return str(query.from_number + (1 if query.descending else -1))
    if not query.cursor:
        return "+inf" if query.descending else "-inf"
    cursor = _CURSOR.fullmatch(query.cursor)
    if not cursor or cursor[1] != _INDEX[query.sort]:
        raise UsageError("the cursor is not one of this list", hint="use the cursor as the list printed it")
    return cursor[2]


def _chunk(
    client: RedisClient, query: Query, position: str, limits: tuple[int, int], *, is_outlined: bool
) -> tuple[int, str, list[tuple[str, bytes]]]:
    """Look at the next chunk; return the number of jobs seen, the last position, and the matches.

    `limits`: the number of matches that are wanted, and of jobs that may be looked at.
    """
    args: list[Arg] = [_INDEX[query.sort], int(query.descending), position, *limits]
    args += [query.owner or "", " ".join(query.states), query.reason or "", query.batch]
    args += ["" if query.since_ms is None else query.since_ms, int(is_outlined)]
    patterns = lua_patterns(query.name_glob)
    beginning = _CONTROL.sub("\1", beginning_of(query.name_glob)).encode(errors="replace")
    args += [beginning, len(patterns), *patterns]
    args += [_BEFORE_SLASH.sub("/", text) for text in texts_of(query.tags, colon=":")]
    reply: list[Any] = client.call("page", *args)
    seen, reached, *flat = reply
    return seen, reached.decode(), [(at.decode(), raw) for at, raw in in_groups(flat, 2)]


def _matches(job: Job, query: Query) -> bool:
    if query.states and job.state not in query.states:
        return False
    if query.name_glob and not fnmatchcase(job.name, query.name_glob):
        return False
    return all(job.tags.get(name) == value for name, value in query.tags.items())
