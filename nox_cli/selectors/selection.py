"""The jobs that several words name, in order and without repeats; groups contain the own jobs of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from nox_cli.selectors.finder import MAX_JOBS, Finder
from nox_cli.selectors.reader import outlines_in, outlines_of
from workers.errors import NothingMatched, UsageError
from workers.job import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.store.base import Store
    from workers.store.values import Outline

_MAX_WORD = 4_096


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


def _spelled_out(words: Sequence[str], stdin: TextIO) -> Iterator[str]:
    """Replace `-` by the ids on stdin."""
    for word in words:
        if word != "-":
            yield word
            continue
        while line := stdin.readline(_MAX_WORD):
            yield from (found for found in line.split() if found != "-")
