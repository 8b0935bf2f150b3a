"""`sql/schema.sql`: what the triggers keep follows the jobs through everything that happens to them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import ADA, BOB, beat, claim, claimant, failed, new_job, outcome, submit
from workers.errors import UsageError
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What each kept table must equal, counted from the jobs themselves.
TALLIES = """
    SELECT '', owner, state, count(*) FROM jobs GROUP BY owner, state UNION ALL
    SELECT batch, owner, state, count(*) FROM jobs WHERE batch <> '' GROUP BY batch, owner, state
"""
SHAPES = """
    SELECT owner, lane, cores, memory_bytes, time_limit_s, engine, count(*) FROM jobs WHERE state = 'queued'
    GROUP BY owner, lane, cores, memory_bytes, time_limit_s, engine
"""
RUNNING = "SELECT number, attempt FROM jobs WHERE state = 'running'"
KEPT_EVENTS = 100_000


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def ask(home: Path, question: str) -> list[tuple[object, ...]]:
    """Read from the file, past the store, in order."""
    with closing(sqlite3.connect(home / FILE)) as database:
        return sorted(database.execute(question), key=repr)


def do(home: Path, statement: str) -> None:
    """Write to the file, past the store."""
    with closing(sqlite3.connect(home / FILE)) as database, database:
        database.execute(statement)


def check(home: Path) -> None:
    """Hold what is kept against what is counted now."""
    assert ask(home, TALLIES) == ask(home, "SELECT batch, owner, state, n FROM tallies")
    assert ask(home, SHAPES) == ask(home, "SELECT * FROM shapes")
    assert ask(home, RUNNING) == ask(home, "SELECT number, attempt FROM leases")


def test_counts_and_shapes_follow_the_jobs(home: Path, store: SqliteStore) -> None:
    """
    Through submit, claim, end, return, loss, cancel, opened lanes, foreign edits and removal, every tally
    and every shape is what counting finds, and nothing stays for what is no longer there.
    """
    for i in range(30):
        job = new_job(owner=(ADA, BOB)[i % 2], batch=("", "x", "y")[i % 3], cores=1 + i % 2, priority=i % 4)
        submit(store, job)
    submit(store, *(new_job(lane="gone-1-aa", batch="x") for _ in range(5)))
    check(home)
    leases = [claim(store).lease for _ in range(12)]
    store.cancel([lease.job_id for lease in leases[:2]], owner=None)
    check(home)
    for lease in leases[:6]:
        store.finish(lease, failed() if lease.fence % 2 else outcome(), claimant())
    for lease in leases[6:9]:
        store.give_back(lease, "drained")
    check(home)
    do(home, "UPDATE leases SET until_ms = 1 WHERE number % 2 = 0")
    store.tick(beat())
    store.leave("gone-1-aa")
    check(home)
    do(home, "UPDATE jobs SET owner = 'eve', cores = 3, batch = 'z' WHERE number % 3 = 0")
    check(home)
    store.cancel(store.with_numbers(0, 100), owner=None)
    check(home)
    do(home, "DELETE FROM leases")
    do(home, "DELETE FROM jobs")

    assert [] == ask(home, "SELECT * FROM tallies") == ask(home, "SELECT * FROM shapes")


def test_schema_triggers_all_that_belongs_to_a_job_goes_with_it(home: Path, store: SqliteStore) -> None:
    """
    A removed job leaves no specification, outcome, artifact, attempt or lease behind.
    """
    submit(store, new_job(), new_job())
    store.give_back(claim(store).lease, "drained")
    store.finish(claim(store).lease, outcome())
    claim(store)
    with closing(sqlite3.connect(home / FILE)) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM jobs")

    for table in ("specs", "outcomes", "artifacts", "attempts", "leases", "tallies", "shapes"):
        assert [] == ask(home, f"SELECT * FROM {table}")


def test_a_removed_jobs_number_is_not_given_again(home: Path, store: SqliteStore) -> None:
    """
    A number names one job for ever.
    """
    (job_id,) = submit(store, new_job())
    number = store.get(job_id).number
    do(home, "DELETE FROM jobs")
    (job_id,) = submit(store, new_job())

    assert number < store.get(job_id).number


def test_events_are_kept_in_bounds(home: Path, store: SqliteStore) -> None:
    """
    About the newest 100,000 events stay; the oldest go in small steps, and a reader who needed them is told.
    """
    submit(store, new_job())
    rows = "WITH RECURSIVE n(x) AS (VALUES (2) UNION ALL SELECT x + 1 FROM n WHERE x < 101000)"
    do(home, f"INSERT INTO events {rows} SELECT x, 0, 1, zeroblob(16), 'queued', 0, NULL, '' FROM n")
    (oldest,) = ask(home, "SELECT min(event), max(event), count(*) FROM events")

    assert 101_000 == oldest[1]
    assert KEPT_EVENTS <= int(str(oldest[2])) < KEPT_EVENTS + 256
    behind = store.events("1", limit=3)
    assert behind.truncated
    assert [str(int(str(oldest[0])) + i) for i in range(3)] == [event.cursor for event in behind.items]
    assert not store.events("0", limit=1).truncated
    assert not store.events(behind.items[0].cursor, limit=1).truncated


def test_a_cursor_from_the_future_is_refused(store: SqliteStore) -> None:
    """
    A cursor beyond the newest event was not given out by this store.
    """
    submit(store, new_job())

    assert () == store.events("1").items
    with pytest.raises(UsageError, match="not one of this store's"):
        store.events("2")
    with pytest.raises(UsageError):
        store.events("9" * 30)


def test_an_event_of_nonsense_is_told_as_damage(home: Path, store: SqliteStore) -> None:
    """
    The stream goes on past it.
    """
    submit(store, new_job(), new_job())
    do(home, "UPDATE events SET state = 'banana', attempt = 'x', reason = 'moon' WHERE event = 1")

    assert [("failed", "damaged", 0), ("queued", None, 0)] == [
        (event.state, event.reason, event.attempt) for event in store.events("0").items
    ]
