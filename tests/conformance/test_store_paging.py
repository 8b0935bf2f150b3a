"""The store's contract: a list is read page by page, without loss and without repetition."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, claim, new_job, outcome, run_to_end, submit, submit_named
from workers.errors import UsageError
from workers.job import JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.job import Job
    from workers.store.base import Store

JOBS = 23


def pages(store: Store, **query: Any) -> Iterator[list[Job]]:
    """Read a list page by page to its end."""
    cursor = ""
    while True:
        page = store.page(Query(**query, cursor=cursor))
        yield list(page.items)
        if not page.cursor:
            return
        cursor = page.cursor


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", [SortKey.NUMBER, SortKey.CREATED, SortKey.PRIORITY])
@pytest.mark.parametrize("limit", [1, 5, JOBS, JOBS + 1])
def test_pages_make_up_the_list(store: Store, sort: SortKey, limit: int, descending: bool) -> None:
    """
    Whatever the order and the size of a page, all pages together are the whole list, each job once.
    """
    submit(store, *(new_job(str(i), priority=i % 3) for i in range(JOBS)))
    query: dict[str, Any] = {"sort": sort, "descending": descending}
    whole = store.page(Query(**query, limit=1_000)).items
    parts = list(pages(store, **query, limit=limit))

    assert [job.id for job in whole] == [job.id for part in parts for job in part]
    assert all(len(part) <= limit for part in parts)
    assert JOBS == len(whole)


@pytest.mark.parametrize("descending", [True, False])
def test_ended_jobs_can_be_paged(store: Store, descending: bool) -> None:
    """
    Jobs that ended in the same millisecond are neither lost nor repeated.
    """
    for job_id in submit(store, *(new_job() for _ in range(JOBS))):
        run_to_end(store, job_id)
    query = {"sort": SortKey.ENDED, "states": frozenset({JobState.DONE}), "descending": descending}
    found = [job for part in pages(store, **query, limit=4) for job in part]

    assert JOBS == len({job.id for job in found}) == len(found)
    times = [job.ended_ms or 0 for job in found]
    assert all((a >= b) if descending else (a <= b) for a, b in pairwise(times))


def test_pages_of_a_filtered_list(store: Store) -> None:
    """
    A filter thins the pages out and loses nothing.
    """
    submit(
        store,
        *(new_job(f"{'even' if i % 2 == 0 else 'odd'}{i}", tags={"n": str(i % 3)}) for i in range(JOBS)),
    )
    found = [job.name for part in pages(store, name_glob="even*", tags={"n": "0"}, limit=2) for job in part]

    assert ["even18", "even12", "even6", "even0"] == found


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    "filters",
    [{}, {"batch": "b"}, {"states": frozenset({JobState.QUEUED})}, {"name_glob": "j*"}, {"owner": ADA}],
)
def test_a_list_can_begin_at_a_number(store: Store, filters: dict[str, Any], descending: bool) -> None:
    """
    It begins at the job of that number, or at the next one in its order, and continues by its cursor.
    """
    jobs = submit(store, *(new_job(f"j{i}", batch="b") for i in range(JOBS)))
    numbers = [job.number for job in store.get_many(jobs)]
    store.cancel(jobs[9:11], owner=None)
    store.remove(jobs[9:11], owner=None)
    query: dict[str, Any] = {**filters, "descending": descending, "limit": 4}
    left = [number for number in numbers if number not in numbers[9:11]]
    for start in (numbers[0], numbers[10], numbers[-1], numbers[0] - 1, numbers[-1] + 100, 2**53):
        found = [job.number for part in pages(store, **query, from_number=start) for job in part]
        wanted = (
            [one for one in left[::-1] if one <= start]
            if descending
            else [one for one in left if one >= start]
        )
        assert wanted == found, start


def test_a_list_in_another_order_begins_at_its_edge(store: Store) -> None:
    """
    A number is no place among priorities.
    """
    submit_named(store, "a b", priority=3)

    assert 2 == len(store.page(Query(sort=SortKey.PRIORITY, from_number=1)).items)


def test_jobs_added_while_paging_disturb_nothing(store: Store) -> None:
    """
    New jobs come before the newest, so a reader who goes on towards the older meets each old job once.
    """
    old = submit(store, *(new_job() for _ in range(JOBS)))
    found: list[str] = []
    for part in pages(store, limit=3):
        found += [job.id for job in part]
        submit(store, new_job(), new_job())

    assert old[::-1] == found


def test_jobs_added_while_paging_upwards_are_met_at_the_end(store: Store) -> None:
    """
    A reader from the oldest on meets each old job once, then the new ones.
    """
    old = submit(store, *(new_job() for _ in range(JOBS)))
    found: list[str] = []
    for part in pages(store, limit=5, descending=False):
        found += [job.id for job in part]
        if len(found) < JOBS:
            submit(store, new_job())

    assert old == found[:JOBS]
    assert len(found) == len(set(found))


def test_jobs_that_change_while_paging_are_not_repeated(store: Store) -> None:
    """
    A job that ends between two pages moves nothing in a list by number.
    """
    old = submit(store, *(new_job() for _ in range(JOBS)))
    found: list[str] = []
    for part in pages(store, sort=SortKey.NUMBER, limit=4):
        found += [job.id for job in part]
        store.finish(claim(store).lease, outcome())

    assert old[::-1] == found


@pytest.mark.parametrize("cursor", ["rubbish", "-", "0x10", "*", "\N{SNOWMAN}", "a:b:c:d", "' OR 1=1 --"])
def test_a_cursor_nobody_gave_out_is_refused(store: Store, cursor: str) -> None:
    """
    A mistyped cursor is the caller's mistake, and told so.
    """
    submit_named(store, "a b")

    with pytest.raises(UsageError):
        store.page(Query(cursor=cursor))


def test_a_page_has_its_limit(store: Store) -> None:
    """
    Fifty unless said otherwise.
    """
    submit(store, *(new_job() for _ in range(60)))

    assert 50 == len(store.page(Query()).items)
    assert 10 == len(store.page(Query(cursor=store.page(Query()).cursor)).items)
