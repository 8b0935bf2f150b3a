"""The store's contract: outlines of jobs agree with the jobs, whatever their state and however damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, BOB, claim, failed, new_job, run_to_end, submit, submit_named
from workers.errors import UsageError
from workers.job import JobState, Parent, Reason
from workers.store.values import Query, SortKey, outline_of

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

FILTERS: list[dict[str, Any]] = [
    {},
    {"owner": ADA},
    {"batch": "b"},
    {"owner": BOB, "batch": "b"},
    {"states": frozenset({JobState.QUEUED, JobState.FAILED})},
    {"reason": Reason.SCF},
    {"name_glob": "*e*"},
    {"tags": {"k": "v"}},
    {"sort": SortKey.ENDED},
    {"sort": SortKey.PRIORITY, "descending": False},
]


def of_every_state(store: Store) -> list[str]:
    """Store jobs in every state, with and without a result, name and batch, and one of another owner."""
    done, bad, again, running = submit_named(store, "done bad again running", batch="b")
    run_to_end(store, done)
    run_to_end(store, bad, failed())
    run_to_end(store, again)
    store.retry([again], owner=None, done=True)
    assert claim(store).job.id in {again, running}
    (held,) = submit_named(store, "held", held=True, tags={"k": "v"})
    (blocked,) = submit_named(store, "blocked", parents=(Parent(held),))
    (scheduled,) = submit_named(store, "später", begin_ms=2**42, retries=2, retry_on=frozenset({Reason.SCF}))
    (cancelled,) = submit_named(store, "cancelled", batch="b")
    store.cancel([cancelled], owner=None)
    (other,) = submit_named(store, "other", owner=BOB, batch="b")
    return [done, bad, again, running, held, blocked, scheduled, cancelled, other, *submit(store, new_job())]


def test_outlines_are_those_of_the_jobs(store: Store) -> None:
    """
    In the order that was asked for; ids without a job are left out.
    """
    ids = of_every_state(store)[::-1]
    outlines = store.outlines([*ids[:2], "0" * 32, *ids[2:]])

    assert [outline_of(job) for job in store.get_many(ids)] == outlines
    assert ids == [outline.id for outline in outlines]
    assert 2 == sum(outline.has_result for outline in outlines)


@pytest.mark.parametrize(
    "filters",
    FILTERS,
    ids=["-".join(filters) or "all" for filters in FILTERS],
)
def test_pages_of_outlines_are_those_of_jobs(store: Store, filters: dict[str, Any]) -> None:
    """
    With every filter and order, and the same cursors.
    """
    of_every_state(store)
    query, count = Query(**filters, limit=2), 0
    while True:
        page, outlined = store.page(query), store.outline_page(query)
        count += len(page.items)
        assert (tuple(map(outline_of, page.items)), page.cursor) == outlined
        if not page.cursor:
            break
        query = query._replace(cursor=page.cursor)
    assert count


@pytest.mark.parametrize(
    "damage",
    [
        ("state", "banana"),
        ("state", ""),
        ("priority", "high"),
        ("tags", "{"),
        ("tags", "[1]"),
    ],
    ids="=".join,
)
def test_the_outline_of_a_damaged_job_is_failed(
    store: Store, vandal: Vandal, damage: tuple[str, str]
) -> None:
    """
    It is named by its id among the others, as the whole record is.
    """
    ids = submit_named(store, "a b c")
    vandal.damage(ids[1], *damage)
    jobs = [outline_of(job) for job in store.get_many(ids)]

    assert jobs == store.outlines(ids)
    assert jobs == list(store.outline_page(Query(descending=False)).items)
    assert JobState.FAILED is jobs[1].state


def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    """
    As for whole jobs.
    """
    with pytest.raises(UsageError):
        store.outline_page(Query(cursor="banana"))
