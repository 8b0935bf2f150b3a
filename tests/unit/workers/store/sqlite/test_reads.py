"""`workers.store.sqlite.reads`: cursors, ties and bounds of the local store's reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import claim, names, new_job, run_to_end, submit, submit_named
from workers.errors import UsageError
from workers.job import JobState, Progress
from workers.store.sqlite import reads
from workers.store.sqlite.store import SqliteStore
from workers.store.values import Events, Point, Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def test_a_cursor_belongs_to_its_order(store: SqliteStore) -> None:
    """
    A cursor of another sort key or direction is refused, not misread.
    """
    submit_named(store, "a b c")
    cursor = store.page(Query(limit=1)).cursor

    assert ["b"] == names(store.page(Query(limit=1, cursor=cursor)).items)
    for other in (Query(sort=SortKey.PRIORITY, cursor=cursor), Query(descending=False, cursor=cursor)):
        with pytest.raises(UsageError, match="not one of this list's"):
            store.page(other)


@pytest.mark.parametrize("cursor", ["created-down.1", "created-down.1.x", "created-down", "created-down..1"])
def test_reads_half_a_cursor_is_refused(store: SqliteStore, cursor: str) -> None:
    """
    What was cut off when it was copied is told as that.
    """
    with pytest.raises(UsageError, match="not one of this list's"):
        store.page(Query(cursor=cursor))


def test_numbers_in_a_cursor_are_held_in_bounds(store: SqliteStore) -> None:
    """
    A forged cursor beyond every job lists from the newest on; it breaks nothing.
    """
    submit_named(store, "a")

    assert ["a"] == names(store.page(Query(cursor=f"created-down.{'9' * 20}.1")).items)


@pytest.mark.parametrize("descending", [True, False])
def test_a_list_of_equals_is_gone_on_with_where_it_stopped(
    store: SqliteStore, descending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Among jobs of one priority the number decides, and the next page does not begin at their first again.
    """
    ids = submit(store, *(new_job(priority=7) for _ in range(50)))
    query = {"sort": SortKey.PRIORITY, "descending": descending, "limit": 10}
    found = list(store.page(Query(**query)).items)  # type: ignore[arg-type]
    cursor = store.page(Query(**query)).cursor  # type: ignore[arg-type]
    monkeypatch.setattr(reads, "SCAN_LIMIT", 11)
    while cursor:
        page = store.page(Query(**query, cursor=cursor))  # type: ignore[arg-type]
        found += page.items
        cursor = page.cursor

    assert (ids[::-1] if descending else ids) == [job.id for job in found]


def test_a_page_that_ends_with_the_last_match_says_so(store: SqliteStore) -> None:
    """
    If nothing further matches there is no cursor, though jobs that do not match follow.
    """
    submit_named(store, "hay hay")
    submit_named(store, "needle needle")
    page = store.page(Query(name_glob="needle", limit=2))

    assert (2, "") == (len(page.items), page.cursor)


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (3, 3), (10**9, 12)])
def test_a_limit_is_held_in_bounds(store: SqliteStore, asked: int, given: int) -> None:
    """
    At least one job, at most a thousand.
    """
    submit_named(store, " ".join("abcdefghijkl"))

    assert given == len(store.page(Query(limit=asked)).items)


def test_waiting_jobs_are_found_among_many_that_are_done(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A list by state looks at jobs of those states only, in either order by number.
    """
    for job_id in submit(store, *(new_job("done", priority=1) for _ in range(30))):
        run_to_end(store, job_id)
    submit_named(store, "a b")
    for job_id in submit(store, *(new_job("done", priority=1) for _ in range(30))):
        run_to_end(store, job_id)
    monkeypatch.setattr(reads, "SCAN_LIMIT", 5)
    waiting = frozenset({JobState.QUEUED, JobState.HELD, JobState.RUNNING})

    for sort in (SortKey.CREATED, SortKey.NUMBER):
        page = store.page(Query(states=waiting, sort=sort))
        assert (["b", "a"], "") == (names(page.items), page.cursor)


def test_a_batch_is_found_among_many_others(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A list of a batch looks at that batch only.
    """
    submit(store, *(new_job(batch="other") for _ in range(30)))
    submit_named(store, "a b", batch="mine")
    submit(store, *(new_job(batch="other") for _ in range(30)))
    monkeypatch.setattr(reads, "SCAN_LIMIT", 5)
    page = store.page(Query(batch="mine", sort=SortKey.NUMBER, descending=False))

    assert (["a", "b"], "") == (names(page.items), page.cursor)


def test_a_store_without_the_index_of_names_is_searched_all_the_same(store: SqliteStore, home: Path) -> None:
    """
    The index is missing in a store of a development version: a search reads the records.
    """
    ids = submit_named(store, "mol hay mol", tags={"k": "v"})
    with closing(sqlite3.connect(home / "nox.sqlite3")) as database:
        database.execute("DROP INDEX jobs_words")

    assert ["mol", "mol"] == names(store.page(Query(name_glob="m*")).items)
    assert ids[::-1] == [job.id for job in store.page(Query(tags={"k": "v"})).items]
    assert [] == store.audit()


def test_an_audit_names_the_states_that_are_miscounted(store: SqliteStore, home: Path) -> None:
    """
    A count that is not that of the records is reported, with the command that mends indexes.
    """
    submit_named(store, "a b")
    with closing(sqlite3.connect(home / "nox.sqlite3")) as database:
        database.execute("UPDATE tallies SET n = n + 1")
        database.commit()
    (finding,) = (found for found in store.inspect() if found.name == "indexes")

    assert ["queued jobs are miscounted"] == store.audit()
    assert finding.found.startswith("queued jobs are miscounted")
    assert "REINDEX" in finding.hint


def test_an_audit_names_jobs_with_points_that_do_not_run(store: SqliteStore, home: Path) -> None:
    """
    The trigger removes points with the attempt; without it they are seen.
    """
    submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, Progress(), [Point(1, -5.0, 0.1)])
    with closing(sqlite3.connect(home / "nox.sqlite3")) as database:
        database.execute("DROP TRIGGER points_spent")
    store.give_back(lease, "drained")

    assert ["job 1 does not run, and points of its optimisation are kept"] == store.audit()
    assert {} == store.points([lease.job_id])


def test_events_are_read_only_after_a_change(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A reader that waits on an idle store reads the events twice: at first, and as it begins to watch.
    """
    looks: list[str | None] = []

    def counted(connection: sqlite3.Connection, cursor: str | None, limit: int) -> Events:
        looks.append(cursor)
        return read(connection, cursor, limit)

    read = reads._events_after
    monkeypatch.setattr(reads, "_events_after", counted)
    found = store.events(None, wait_s=20 * reads.LOOK_EVERY_S)

    assert () == found.items
    assert [None, found.cursor] == looks
