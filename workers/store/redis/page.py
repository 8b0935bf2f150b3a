"""Listing jobs from Redis: stretches of an index; equal fields are filtered there, patterns and tags here."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from workers.errors import UsageError
from workers.store.base import SCAN_LIMIT
from workers.store.redis.records import in_groups, job_of
from workers.store.values import Page, Query, SortKey

if TYPE_CHECKING:
    from workers.job import Job
    from workers.store.redis.connection import RedisClient
    from workers.store.redis.resp import Arg

MAX_PAGE = 1_000
# How many jobs one call looks at: more would hold up other clients.
_STRETCH = 1_000
# Jobs are created in the order of their numbers, so one index serves both.
_INDEX = {
    SortKey.NUMBER: "number",
    SortKey.CREATED: "number",
    SortKey.ENDED: "ended",
    SortKey.PRIORITY: "priority",
}
_CURSOR = re.compile(r"(number|ended|priority):([0-9]{1,16})", re.ASCII)


def page(client: RedisClient, query: Query) -> Page:
    """List jobs; see `Store.page`."""
    position = _position(query)
    limit = max(1, min(query.limit, MAX_PAGE))
    found: list[tuple[Job, str]] = []
    looked = 0
    # One job beyond the page tells whether the list goes on.
    while position and len(found) <= limit and looked < SCAN_LIMIT:
        wanted = _STRETCH if _is_filtered_here(query) else limit + 1 - len(found)
        seen, position, matches = _stretch(
            client, query, position, wanted, min(_STRETCH, SCAN_LIMIT - looked)
        )
        looked += seen
        found += [(job, at) for job, at in matches if _matches(job, query)]
    if len(found) > limit:
        position = found[limit - 1][1]
    return Page(
        tuple(job for job, _ in found[:limit]), f"{_INDEX[query.sort]}:{position}" if position else ""
    )


def _position(query: Query) -> str:
    """Where to begin, exclusive.

    Raises:
        UsageError: the cursor is not one of this order.
    """
    if not query.cursor:
        return "+inf" if query.descending else "-inf"
    cursor = _CURSOR.fullmatch(query.cursor)
    if not cursor or cursor[1] != _INDEX[query.sort]:
        raise UsageError("the cursor is not one of this list", hint="use the cursor as the list printed it")
    return cursor[2]


def _stretch(
    client: RedisClient, query: Query, position: str, wanted: int, limit: int
) -> tuple[int, str, list[tuple[Job, str]]]:
    """Look at the next stretch: how many jobs were looked at, where it ended, and what matches."""
    args: list[Arg] = [_INDEX[query.sort], int(query.descending), position, wanted, limit]
    args += [query.owner or "", " ".join(query.states), query.reason or "", query.batch]
    args += ["" if query.since_ms is None else query.since_ms]
    reply: list[Any] = client.call("page", *args)
    seen, reached, *flat = reply
    matches = [(job_of(raw), at.decode()) for at, raw in in_groups(flat, 2)]
    return seen, reached.decode(), matches


def _is_filtered_here(query: Query) -> bool:
    return bool(query.name_glob or query.tags)


def _matches(job: Job, query: Query) -> bool:
    if query.states and job.state not in query.states:
        return False
    if query.name_glob and not fnmatchcase(job.name, query.name_glob):
        return False
    return all(job.tags.get(name) == value for name, value in query.tags.items())
