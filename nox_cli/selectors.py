"""Selectors: the words that name jobs on a command line, and the jobs they name.

`nox_cli.selector_words.FORMS` lists them.  Several selectors are joined in order, without repeats.  A group
contains only the user's own jobs.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TextIO

from nox_cli.selector_words import LAST, group, no_such_job
from workers.errors import NothingMatched, UsageError
from workers.job import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline, Page, Query

MAX_JOBS = 100_000
# The number of jobs that one call of the store reads.
CHUNK = 500
# The number of words that are looked up as names in one call: each is a search of all names.
MAX_NAMES = 100
_ID_LENGTH = 32
_MIN_PREFIX = 4
_MAX_WORD = 4_096
_LARGEST_NUMBER = 2**53
_SHOWN_MATCHES = 8
_NUMBERS = re.compile(r"\d{1,16}(?:-\d{1,16})?(?:,\d{1,16}(?:-\d{1,16})?)*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{1,32}")


class Paged(Protocol):
    """Reads lists of jobs, a page at a time, as a store does."""

    def page(self, query: Query, /) -> Page:
        """Read one page."""


def select(store: Store, words: Sequence[str], *, owner: str, stdin: TextIO) -> tuple[str, ...]:
    """Return the ids of the jobs that `words` name, and raise the errors of `named`."""
    return tuple(named(store, words, owner=owner, stdin=stdin))


def named(store: Store, words: Sequence[str], *, owner: str, stdin: TextIO) -> Iterator[str]:
    """Yield the ids of the jobs that `words` name; a group is read page by page.

    A whole id is not checked: reading the job reports that it does not exist.

    Args:
        store: the store.
        words: selectors.
        owner: the user whose jobs a group contains.
        stdin: the source of ids for `-`.

    Raises:
        NothingMatched: no job is named.
        JobNotFound: there is no job of that number or prefix.
        UsageError: a word is no selector, or names several jobs by one prefix or name, or too many jobs
            are named.
    """
    for found in _found(store, words, Finder(store, owner), stdin):
        yield found if isinstance(found, str) else found.id


def outlined(
    store: Store, words: Sequence[str], *, owner: str, stdin: TextIO, any_user: bool = False
) -> Iterator[Outline]:
    """Yield the outlines of the jobs that `words` name; a group is read page by page, and once.

    Takes and raises what `named` does; a whole id of no job raises JobNotFound too.  `any_user`: a group
    contains the jobs of all users.
    """
    return outlines_of(store, _found(store, words, Finder(store, owner, any_user=any_user), stdin))


def outlines_of(store: Store, jobs: Iterable[str | Outline]) -> Iterator[Outline]:
    """Read the outlines of jobs of which only ids are known, a chunk at a time; the others pass.

    Raises:
        JobNotFound: one of them does not exist.
    """
    found = iter(jobs)
    while chunk := list(islice(found, CHUNK)):
        missing = [one for one in chunk if isinstance(one, str)]
        read = {one.id: one for one in store.outlines(missing)} if missing else {}
        for one in chunk:
            if not isinstance(one, str):
                yield one
            elif one in read:
                yield read[one]
            else:
                raise no_such_job(one)


def _found(store: Store, words: Sequence[str], finder: Finder, stdin: TextIO) -> Iterator[str | Outline]:
    """Find the jobs that `words` name, each once: outlines of groups, ids of others; raise as `named`."""
    from workers.store.values import Query

    known: set[str] = set()
    for word in _spelled_out(words, stdin):
        found = finder.find(word)
        for one in outlines_in(store, found) if isinstance(found, Query) else found:
            job_id = one if isinstance(one, str) else one.id
            if job_id in known:
                continue
            known.add(job_id)
            if len(known) > MAX_JOBS:
                raise UsageError(f"more than {MAX_JOBS:,} jobs are named", hint="name fewer at once")
            yield one
    if not known:
        raise NothingMatched(f"no job matches {' '.join(words)[:200]}", hint="nox list shows your jobs")


def waiting(store: Store, owner: str) -> tuple[str, ...]:
    """Find the ids of all jobs of a user that have not started, the oldest first."""
    from workers.store.values import Query

    return tuple(one.id for one in outlines_in(store, Query(owner, WAITING)))


def pages(store: Paged, query: Query) -> Iterator[tuple[Job, ...]]:
    """Read the jobs of a query, a page at a time.

    Raises:
        StoreError: the store cannot be read.
    """
    while True:
        page = store.page(query)
        yield page.items
        if not page.cursor:
            return
        query = query._replace(cursor=page.cursor)


def look_up(store: Store, job_ids: Iterable[str]) -> Iterator[Job]:
    """Read jobs, in order, a chunk at a time.

    Raises:
        JobNotFound: one of them does not exist.
    """
    wanted = iter(job_ids)
    while chunk := list(islice(wanted, CHUNK)):
        jobs = store.get_many(chunk)
        if len(jobs) < len(chunk):
            there = {job.id for job in jobs}
            raise no_such_job(next(job_id for job_id in chunk if job_id not in there))
        yield from jobs


def _spelled_out(words: Sequence[str], stdin: TextIO) -> Iterator[str]:
    """Replace `-` by the ids on stdin."""
    for word in words:
        if word != "-":
            yield word
            continue
        while line := stdin.readline(_MAX_WORD):
            yield from (found for found in line.split() if found != "-")


class Finder:
    """Finds the jobs that single selectors name, in one call of a command."""

    def __init__(self, store: Store, user: str, *, any_user: bool = False) -> None:
        """Find jobs in a store; groups contain those of the user, or those of all users."""
        self._store = store
        self._user = user
        self._owner = None if any_user else user
        self._names = 0  # that were looked up

    def find(self, word: str) -> Query | Iterable[str]:
        """Find the jobs that one selector names: the query of a group, or ids.

        Raises:
            JobNotFound: there is no job of that number, id or prefix.
            UsageError: it is no selector, or names several jobs by one prefix or name.
        """
        if word == LAST:
            return self._store.last(self._user)
        if (query := group(word)) is not None:
            return query._replace(owner=self._owner)
        lowered = word.lower()
        if len(word) == _ID_LENGTH and _HEX.fullmatch(lowered):
            return [lowered]
        if _NUMBERS.fullmatch(word):
            return _numbered(self._store, word, self._owner)
        ids = _prefixed(self._store, lowered) if _HEX.fullmatch(lowered) else []
        from nox_cli.bare_names import find, no_group

        if ids:
            return find(self._store, word, self._owner, ids)
        if word.startswith("@"):
            raise no_group(word)
        self._names += 1
        if self._names > MAX_NAMES:
            raise UsageError(
                f"more than {MAX_NAMES} names are looked up at once", hint="use numbers, ids or name:GLOB"
            )
        return find(self._store, word, self._owner)


def outlines_in(store: Store, query: Query) -> Iterator[Outline]:
    """Read the outlines of the jobs of a query, a page at a time, the oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    from workers.store.values import SortKey

    query = query._replace(sort=SortKey.NUMBER, descending=False, limit=1_000)
    while True:
        page = store.outline_page(query)
        yield from page.items
        if not page.cursor:
            return
        query = query._replace(cursor=page.cursor)


def _numbered(store: Store, word: str, owner: str | None) -> Iterator[str]:
    """Find jobs by numbers and ranges of numbers; a range may have holes.

    Raises:
        JobNotFound: a single number has no job.
        UsageError: a range runs backwards.
    """
    for part in word.split(","):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low:
            from nox_cli.bare_names import backwards

            raise backwards(store, part, owner)
        ids = (
            []
            if low > _LARGEST_NUMBER
            else store.with_numbers(low, min(high, _LARGEST_NUMBER), limit=MAX_JOBS + 1)
        )
        if not ids and not dash:
            from nox_cli.bare_names import not_numbered

            raise not_numbered(store, part, owner)
        yield from ids


def _prefixed(store: Store, prefix: str) -> list[str]:
    """Find the one job whose id starts with `prefix`; none if it is too short, or no id does.

    Raises:
        UsageError: there are several.
    """
    if len(prefix) < _MIN_PREFIX:
        return []
    ids = store.with_prefix(prefix, limit=_SHOWN_MATCHES + 1)
    if len(ids) > 1:
        shown = " ".join(ids[:_SHOWN_MATCHES]) + (" ..." if len(ids) > _SHOWN_MATCHES else "")
        by_name = f"; name:{prefix} names jobs by name"
        raise UsageError(f"{prefix} is the beginning of several ids", hint=f"one of {shown}{by_name}")
    return ids
