"""`workers.store.sqlite.database`: connections, transactions, and what a process may do with them."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import OTHER_WORKER, beat, claim, claimant, new_job, outcome, submit
from workers.errors import StoreBusy, StoreDamaged, StoreError, StoreRefused
from workers.job import JobState
from workers.store.sqlite.database import Database
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


@pytest.fixture
def database(home: Path, store: SqliteStore) -> Iterator[Database]:
    """The store's file, opened once more."""
    opened = Database(home / FILE)
    assert str(opened.path) == store.where
    yield opened
    opened.close()


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    """
    Whatever was done before the error is undone, and the next write works.
    """
    twice = "INSERT INTO owners VALUES ('ada', 1), ('ada', 2)"
    with suppress(StoreError), database.write() as connection:
        connection.execute("INSERT INTO owners VALUES ('eve', 1)")
        connection.execute(twice)
    with database.write() as connection:
        connection.execute("INSERT INTO owners VALUES ('bob', 1)")

    with database.read() as connection:
        assert [("bob",)] == [tuple(row) for row in connection.execute("SELECT owner FROM owners")]


def test_a_reader_sees_one_state(database: Database) -> None:
    """
    What others commit in between does not show before the reader is done.
    """
    count = "SELECT count(*) FROM owners"
    with database.read() as reader:
        before = reader.execute(count).fetchone()[0]
        with database.write() as writer:
            writer.execute("INSERT INTO owners VALUES ('ada', 1)")
        again = reader.execute(count).fetchone()[0]
    with database.read() as reader:
        after = reader.execute(count).fetchone()[0]

    assert (0, 0, 1) == (before, again, after)


def test_a_reader_cannot_write(database: Database) -> None:
    """
    What is lent for reading changes nothing by mistake.
    """
    with pytest.raises(StoreRefused), database.read() as connection:
        connection.execute("INSERT INTO owners VALUES ('ada', 1)")


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_a_durable_write_waits_for_the_disk(database: Database, durable: bool, level: int) -> None:
    """
    Others do not: SQLite's level is FULL or NORMAL, whatever the write before had.
    """
    for setting in (not durable, durable):
        with database.write(durable=setting) as connection:
            found = connection.execute("PRAGMA synchronous").fetchone()[0]

    assert level == found


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each write, in order, whether it waited for the disk."""
    noted: list[bool] = []
    real = Database._transaction

    def note(self: Database, until: float, *, durable: bool) -> Iterator[sqlite3.Connection]:
        noted.append(durable)
        return real(self, until, durable=durable)

    monkeypatch.setattr(Database, "_transaction", note)
    return noted


def test_database_what_promises_is_durable(store: SqliteStore, levels: list[bool]) -> None:
    """
    Submit, claim, finish, give_back and cancel are on the disk when they return; the others need not be.
    """
    submit(store, new_job(), new_job())
    first, second = store.claim(claimant()), store.claim(claimant())
    assert first is not None
    assert second is not None
    store.renew([first.lease])
    store.progress(first.lease, first.job.progress)
    store.finish(first.lease, outcome())
    store.give_back(second.lease, "drained")
    store.cancel([second.job.id], owner=None)

    assert [True, True, True, False, False, True, True, True] == levels


def test_a_tick_is_durable_if_it_takes_a_job_back(store: SqliteStore, levels: list[bool]) -> None:
    """
    A beat alone is not waited for; a change of state is.
    """
    submit(store, new_job())
    store.claim(claimant())
    store.tick(beat(OTHER_WORKER))
    with store._database.write() as connection:
        connection.execute("UPDATE leases SET until_ms = 1")
    store.tick(beat(OTHER_WORKER))
    store.leave(OTHER_WORKER)

    assert [True, True, False, True, True, False] == levels


def test_a_forked_process_is_refused(store: SqliteStore) -> None:
    """
    A child that inherited the connections uses none of them, and closes none; its parent goes on.
    """
    (job_id,) = submit(store, new_job())
    child = os.fork()
    if child == 0:
        os._exit(_try_all(store, job_id))
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert job_id == store.get(job_id).id
    submit(store, new_job())


def _try_all(store: SqliteStore, job_id: str) -> int:
    """Read and write in a forked child; 0 if both were refused."""
    for call in (lambda: store.get(job_id), lambda: store.claim(claimant())):
        try:
            call()
        except StoreRefused as error:
            if "before this process was forked" not in error.what:
                return 1
        else:
            return 2
    store.close()
    return 0


def test_a_closed_store_is_refused(store: SqliteStore) -> None:
    """
    Closing twice is no error; using it afterwards is one with words.
    """
    store.close()
    store.close()

    with pytest.raises(StoreRefused, match="closed"):
        store.counts()


def test_closing_while_another_thread_reads_harms_nobody(database: Database) -> None:
    """
    The reader finishes; its connection is closed when it gives it back.
    """
    with database.read() as connection:
        database.close()
        assert 0 == connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


def test_connections_are_lent_again(database: Database) -> None:
    """
    As many are open as were needed at once, not as many as there were threads.
    """

    def look(_: int) -> int:
        with database.read() as connection:
            return id(connection)

    for _ in range(3):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(look, range(40)))

    assert len(database._readers) <= 4


def test_watch_reports_what_others_committed(store: SqliteStore, database: Database) -> None:
    """
    At first, and after each commit of another connection, the store may have changed; else it has not.
    """
    with database.watch() as has_changed:
        assert [True, False] == [has_changed(), has_changed()]
        submit(store, new_job(), new_job())
        assert [True, False, False] == [has_changed() for _ in range(3)]


def test_watch_of_another_file_reports_a_change_each_time(home: Path, database: Database) -> None:
    """
    Once there is another file at the path, the watched one reports nothing of it, so each look counts.
    """
    with database.watch() as has_changed:
        assert [True, False] == [has_changed(), has_changed()]
        (home / FILE).rename(home / "moved")
        (home / FILE).write_bytes((home / "moved").read_bytes())
        (home / FILE).chmod(0o600)
        database.follow()
        assert [True, True] == [has_changed(), has_changed()]


def test_a_writer_waits_for_the_thread_before_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Not for ever: after the limit it is told that the store is busy.
    """
    monkeypatch.setattr("workers.store.sqlite.database.BUSY_S", 0.05)
    caught: list[StoreError] = []

    def write() -> None:
        try:
            with database.write():
                pass
        except StoreError as error:
            caught.append(error)

    with database.write():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    assert [StoreBusy] == [type(error) for error in caught]


def test_database_no_thread_starves(store: SqliteStore) -> None:
    """
    Eight threads that claim and finish as fast as they can all get their share.
    """
    submit(store, *(new_job() for _ in range(400)))
    together = threading.Barrier(8)

    def work(slot: int) -> int:
        together.wait(30)
        ran = 0
        while found := store.claim(claimant(slot=slot)):
            store.finish(found.lease, outcome())
            ran += 1
        return ran

    with ThreadPoolExecutor(8) as threads:
        shares = list(threads.map(work, range(8)))

    assert 400 == sum(shares)
    assert min(shares) > 0


def test_a_tick_without_a_file_leaves_the_writer_open(home: Path, store: SqliteStore) -> None:
    """
    A tick of a worker whose directory was moved fails; after it the worker can still release its job.
    """
    (job_id,) = submit(store, new_job())
    lease = claim(store).lease
    moved = home.rename(home.with_name("moved"))
    with pytest.raises(StoreError):
        store.tick(beat())
    store.give_back(lease, "its directory was moved")

    with closing(SqliteStore.open(moved)) as found:
        assert (JobState.QUEUED, 0) == (found.get(job_id).state, found.get(job_id).losses)


def test_nox_mistakes_are_not_told_as_damage(database: Database) -> None:
    """
    A wrong use of SQLite is a bug to be seen, not a damaged store.
    """
    with pytest.raises(sqlite3.ProgrammingError), database.read() as connection:
        connection.execute("SELECT ?", ())


def fail(database: Database) -> None:
    """Let a sync fail while something is written."""
    failing = sqlite3.OperationalError("disk I/O error")
    failing.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    with pytest.raises(StoreDamaged, match="the disk failed") as caught, database.write():
        raise failing
    assert caught.value.is_open


def test_a_disk_that_failed_is_trusted_once_all_was_written_anew(home: Path, database: Database) -> None:
    """
    After a sync failed, the next write first brings the whole log into the file, and goes on from there.
    """
    with database.write(durable=False) as connection:
        connection.execute("INSERT INTO owners VALUES ('ada', 1)")
    log = home / f"{FILE}-wal"
    fail(database)
    assert log.stat().st_size > 0
    with database.write():
        assert 0 == log.stat().st_size

    with closing(sqlite3.connect(f"file:{home / FILE}?immutable=1", uri=True)) as without_log:
        assert [("ada",)] == without_log.execute("SELECT owner FROM owners").fetchall()


def test_a_disk_that_failed_waits_for_readers(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As long as somebody reads from the old log it cannot be begun anew: that is told as busy, and passes.
    """
    monkeypatch.setattr("workers.store.sqlite.database.BUSY_S", 0.05)
    with database.write() as connection:
        connection.execute("INSERT INTO owners VALUES ('ada', 1)")
    with database.read() as reader:
        reader.execute("SELECT owner FROM owners").fetchall()
        fail(database)
        with pytest.raises(StoreBusy), database.write():
            pass

    with database.write() as connection:
        connection.execute("INSERT INTO owners VALUES ('bob', 1)")


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    """
    Question marks, percent and number signs and spaces are part of a directory's name.
    """
    home = tmp_path / "a?mode=memory#%41 b"
    store = SqliteStore.open(home)
    submit(store, new_job())
    store.close()

    assert (home / FILE).stat().st_size > 0
    assert [home] == list(tmp_path.iterdir())
