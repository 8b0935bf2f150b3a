"""Reading of the jobs of a store: all of a query by pages, those of ids by chunks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from nox_cli.selectors.words import no_such_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline, Page, Query

# The number of jobs that one call of the store reads.
CHUNK = 500


class Paged(Protocol):
    """Reads lists of jobs, a page at a time, as a store does."""

    def page(self, query: Query, /) -> Page:
        """Read one page."""


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
