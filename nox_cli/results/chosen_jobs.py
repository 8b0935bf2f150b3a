"""Pages of jobs that selectors name one by one."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.selectors.reader import look_up
from workers.errors import UsageError
from workers.store.sieve import matches
from workers.store.values import Page, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline, Query

_CURSOR = re.compile(r"([a-z]{1,9}-[a-z]{2,4})\.(-?[0-9]{1,20})\.([0-9]{1,20})", re.ASCII)
# Ids are hexadecimal.
_AFTER_ALL = "g"
_BY_NUMBER = frozenset({SortKey.CREATED, SortKey.NUMBER})


class _Place(NamedTuple):
    """The place of a job in a list."""

    value: int  # of the sort key
    number: int
    job_id: str = ""


class ChosenJobs:
    """Lists jobs that were chosen, in the order of a query, as `Store.page` lists those of the store."""

    def __init__(self, store: Store, jobs: Sequence[Outline]) -> None:
        self._store = store
        self._jobs = jobs
        self._places: list[_Place] | None = None  # in ascending order; sorted once, as a list has one order

    def page(self, query: Query) -> Page:
        """Read one page of those that match.  The owner does not matter: the jobs are named.

        Raises:
            UsageError: the cursor is not one of this order.
            JobNotFound: a job was removed meanwhile.
            StoreError: the store cannot be read.
        """
        places = self._after(query)
        query = query._replace(owner=None)
        jobs = look_up(self._store, (place.job_id for place in places))
        found = list(islice((job for job in jobs if matches(job, query)), query.limit + 1))
        if len(found) <= query.limit:
            return Page(tuple(found), "")
        last = found[query.limit - 1]
        return Page(tuple(found[:-1]), f"{_form(query)}.{_value(last, query.sort)}.{last.number}")

    def _after(self, query: Query) -> list[_Place]:
        """Leave out the jobs up to the cursor."""
        if self._places is None:
            self._places = sorted(self._placed(query.sort))
        places = self._places
        if (reached := _reached(query)) is not None:
            if query.descending:
                places = places[: bisect_left(places, reached)]
            else:
                places = places[bisect_right(places, reached._replace(job_id=_AFTER_ALL)) :]
        return places[::-1] if query.descending else places

    def _placed(self, key: SortKey) -> Iterator[_Place]:
        """Find the place of each job; one that has not ended has none among ended ones."""
        if key in _BY_NUMBER:
            yield from (_Place(one.number, one.number, one.id) for one in self._jobs)
            return
        for job in look_up(self._store, (one.id for one in self._jobs)):
            if (value := _value(job, key)) is not None:
                yield _Place(value, job.number, job.id)


def _reached(query: Query) -> _Place | None:
    """Return the place after which a page begins; None: it is the first.

    Raises:
        UsageError: the cursor is not one of this order.
    """
    if query.cursor:
        cursor = _CURSOR.fullmatch(query.cursor)
        if cursor is None or cursor[1] != _form(query):
            hint = "use the cursor as the list printed it"
            raise UsageError("the cursor is not one of this list", hint=hint)
        return _Place(int(cursor[2]), int(cursor[3]))
    if query.from_number is None or query.sort not in _BY_NUMBER:
        return None
    number = query.from_number + (1 if query.descending else -1)
    return _Place(number, number)


def _value(job: Job, key: SortKey) -> int | None:
    return {SortKey.ENDED: job.ended_ms, SortKey.PRIORITY: job.priority}.get(key, job.number)


def _form(query: Query) -> str:
    return f"{query.sort}-{'down' if query.descending else 'up'}"
