"""Selectors: the words that name jobs on a command line, and the jobs they name.

    42            by number                     @last          all of the last submit
    40-45,50      ranges of numbers             @failed        failed jobs; @failed:REASON
    3f2a...       an id, or a unique prefix     @running       running jobs
    name:GLOB     by name, as a shell pattern   @waiting       jobs that have not started
    -             ids on stdin                  @batch:NAME    the jobs of a batch
                                                @all           every job

Several selectors are joined in order, without repeats.  A group contains only the user's own jobs.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from workers.errors import JobNotFound, NothingMatched, UsageError
from workers.job import WAITING, JobState, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline, Query

MAX_JOBS = 100_000
# The number of jobs that one call of the store reads.
CHUNK = 500
HELP = "Number, 40-45,50, id, @last, @failed, @running, @waiting, @all, @batch:NAME, name:GLOB, - (stdin)."

_ID_LENGTH = 32
_MIN_PREFIX = 4
_MAX_WORD = 4_096
_LARGEST_NUMBER = 2**53
_SHOWN_MATCHES = 8
_NUMBERS = re.compile(r"\d{1,16}(?:-\d{1,16})?(?:,\d{1,16}(?:-\d{1,16})?)*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{1,32}")
_STATES = {
    "@failed": frozenset({JobState.FAILED}),
    "@running": frozenset({JobState.RUNNING}),
    "@waiting": WAITING,
    "@all": frozenset[JobState](),
}


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
        UsageError: a word is no selector, or names several jobs by one prefix, or too many jobs are named.
    """
    for found in _found(store, words, owner, stdin):
        yield found if isinstance(found, str) else found.id


def outlined(store: Store, words: Sequence[str], *, owner: str, stdin: TextIO) -> Iterator[Outline]:
    """Yield the outlines of the jobs that `words` name; a group is read page by page, and once.

    Takes and raises what `named` does; a whole id of no job raises JobNotFound too.
    """
    return outlines_of(store, _found(store, words, owner, stdin))


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


def _found(store: Store, words: Sequence[str], owner: str, stdin: TextIO) -> Iterator[str | Outline]:
    """Find the jobs that `words` name, each once: outlines of groups, ids of others; raise as `named`."""
    known: set[str] = set()
    for word in _spelled_out(words, stdin):
        for one in _named(store, word, owner):
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
    return tuple(one.id for one in _pages(store, owner=owner, states=WAITING))


def pages(store: Store, query: Query) -> Iterator[tuple[Job, ...]]:
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


def no_such_job(word: str) -> JobNotFound:
    """Return the error that a job does not exist."""
    return JobNotFound(f"there is no job {word}", hint="nox list shows your jobs")


def _spelled_out(words: Sequence[str], stdin: TextIO) -> Iterator[str]:
    """Replace `-` by the ids on stdin."""
    for word in words:
        if word != "-":
            yield word
            continue
        while line := stdin.readline(_MAX_WORD):
            yield from (found for found in line.split() if found != "-")


def _named(store: Store, word: str, owner: str) -> Iterable[str | Outline]:
    """Find the jobs that one selector names.

    Raises:
        JobNotFound, UsageError: as `select`.
    """
    if word.startswith("@"):
        return _group(store, word, owner)
    if word.startswith("name:") and word != "name:":
        return _pages(store, owner=owner, name_glob=word.removeprefix("name:"))
    lowered = word.lower()
    if len(word) == _ID_LENGTH and _HEX.fullmatch(lowered):
        return (lowered,)
    if _NUMBERS.fullmatch(word):
        return _numbered(store, word)
    if _HEX.fullmatch(lowered):
        return _prefixed(store, lowered)
    raise UsageError(f'"{word[:80]}" names no job', hint=f"{HELP} By name: name:{word[:80]}")


def _group(store: Store, word: str, owner: str) -> Iterable[str | Outline]:
    """Find the jobs of a group.

    Raises:
        UsageError: there is no such group.
    """
    name, _, rest = word.partition(":")
    if word == "@last":
        return store.last(owner)
    if name == "@batch" and rest:
        return _pages(store, owner=owner, batch=rest)
    if name == "@failed" and rest:
        return _pages(store, owner=owner, states=_STATES[name], reason=_reason(rest))
    if word in _STATES:
        return _pages(store, owner=owner, states=_STATES[word])
    raise UsageError(f'"{word[:80]}" names no group of jobs', hint=HELP)


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        reasons = ", ".join(Reason)
        raise UsageError(f'"{word[:80]}" is no reason to fail', hint=f"one of {reasons}") from None


def _pages(store: Store, **filters: object) -> Iterator[Outline]:
    """Find jobs by filter, a page at a time, oldest first."""
    from workers.store.values import Query, SortKey

    query = Query(sort=SortKey.NUMBER, descending=False, limit=1_000, **filters)  # type: ignore[arg-type]
    while True:
        page = store.outline_page(query)
        yield from page.items
        if not page.cursor:
            return
        query = query._replace(cursor=page.cursor)


def _numbered(store: Store, word: str) -> Iterator[str]:
    """Find jobs by numbers and ranges of numbers; a range may have holes.

    Raises:
        JobNotFound: a single number has no job.
        UsageError: a range runs backwards.
    """
    for part in word.split(","):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low:
            raise UsageError(f"the range {part} runs backwards", hint=f"write {last}-{first}")
        ids = (
            []
            if low > _LARGEST_NUMBER
            else store.with_numbers(low, min(high, _LARGEST_NUMBER), limit=MAX_JOBS + 1)
        )
        if not ids and not dash:
            raise no_such_job(part)
        yield from ids


def _prefixed(store: Store, prefix: str) -> tuple[str, ...]:
    """Find the one job whose id starts with `prefix`.

    Raises:
        JobNotFound: there is none.
        UsageError: the prefix is too short, or there are several.
    """
    if len(prefix) < _MIN_PREFIX:
        raise UsageError(
            f'"{prefix}" is too short for an id', hint=f"write at least {_MIN_PREFIX} digits of it"
        )
    ids = store.with_prefix(prefix, limit=_SHOWN_MATCHES + 1)
    if not ids:
        raise no_such_job(prefix)
    if len(ids) > 1:
        shown = " ".join(ids[:_SHOWN_MATCHES]) + (" ..." if len(ids) > _SHOWN_MATCHES else "")
        raise UsageError(f"{prefix} is the beginning of several ids", hint=f"one of {shown}")
    return (ids[0],)
