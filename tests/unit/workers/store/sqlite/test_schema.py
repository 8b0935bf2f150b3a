"""`workers.store.sqlite.schema`: the file is made whole, migrated with a copy, and never made over."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import ADA, claim, failed, new_job, submit
from workers.errors import StoreDamaged, StoreRefused
from workers.job import FIELDS, Field, JobState, Reason
from workers.store.sqlite import schema
from workers.store.sqlite.database import Database
from workers.store.sqlite.schema import APPLICATION_ID, OLDEST, SCRIPTED, VERSION, bring_up
from workers.store.sqlite.statements import SQL
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

MIGRATION = """
-- A new column, and what becomes of the old jobs.
ALTER TABLE jobs ADD COLUMN later_note TEXT NOT NULL DEFAULT '';
UPDATE jobs SET later_note = 'old; kept';
CREATE TRIGGER jobs_noted AFTER UPDATE OF later_note ON jobs
BEGIN
    SELECT 1;
END;
"""


@pytest.fixture
def old(home: Path) -> str:
    """A store of the newest version with one job, closed; the job's id."""
    store = SqliteStore.open(home)
    (job_id,) = submit(store, new_job("old"))
    store.close()
    return job_id


@pytest.fixture
def newer(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A nox one version ahead; where its migrations lie."""
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    migrations = home / "migrations"
    migrations.mkdir()
    (migrations / f"{VERSION + 1:04}.sql").write_text(MIGRATION)
    return migrations


@pytest.fixture
def version_9(home: Path) -> Path:
    """A store as version 9 made it, in its directory: job 1 is done, job 2 was given back and waits."""
    plain = "'ada', 'echo', '', '', '', 0, 'echo', 0, 1, 0, 0, '', '', 'w-1-a', 1700000000000, 1700000000001"
    with closing(sqlite3.connect(home / FILE)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(Path(__file__).with_name("schema_v9.sql").read_text())
        for number, state in ((1, "done"), (2, "queued")):
            database.execute(
                "INSERT INTO jobs (number, id, state, owner, kind, name, batch, formula, atoms, engine,"
                " priority, cores, memory_bytes, time_limit_s, lane, tags, worker, created_ms, changed_ms,"
                f" attempt, started_ms, ended_ms) VALUES ({number}, x'{number:032x}', '{state}', {plain}, 1,"
                f" 1700000000001, {1700000000002 if number == 1 else 'NULL'})"
            )
            database.execute(f"INSERT INTO specs VALUES ({number}, 'digest', '{{}}')")
        database.execute("INSERT INTO outcomes VALUES (1, 1, 'the outcome')")
        database.execute(
            "INSERT INTO artifacts VALUES (1, 1, 'opt.xyz', 1, '', '', 'node', '/opt.xyz', NULL)"
        )
        database.execute("INSERT INTO attempts VALUES (2, 1, 1, 'w-1-a', 1, 2, 'given_back', '')")
        database.execute("INSERT INTO checkpoints VALUES (2, x'6f6c64')")
        database.commit()
    (home / FILE).chmod(0o600)
    return home


def ask(path: Path, question: str) -> object:
    """Ask a database file one thing, past the store."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchone()[0]


def test_a_new_store_says_what_it_is(home: Path) -> None:
    """
    Its header names nox and the version; it is in WAL mode; nothing else was left behind.
    """
    SqliteStore.open(home).close()

    assert APPLICATION_ID == ask(home / FILE, "PRAGMA application_id")
    assert VERSION == ask(home / FILE, "PRAGMA user_version")
    assert "wal" == ask(home / FILE, "PRAGMA journal_mode")
    assert [FILE] == [path.name for path in home.iterdir()]


def test_every_version_has_its_migration() -> None:
    """
    The schema states the newest version, and from each earlier one that nox reads a migration leads on.
    """
    stated = re.search(r"PRAGMA user_version = (\d+);", (SQL / "schema.sql").read_text())

    assert stated is not None
    assert str(SCRIPTED) == stated[1]
    added = {field.since for field in FIELDS}
    wanted = [f"{number:04}.sql" for number in range(OLDEST + 1, SCRIPTED + 1) if number not in added]
    assert wanted == sorted(path.name for path in (SQL / "migrations").glob("*.sql"))


def test_an_older_store_is_migrated_and_a_copy_kept(home: Path, old: str, newer: Path) -> None:
    """
    The jobs are there, in the new form; the copy beside it is the store as it was, private as well.
    """
    database = Database(home / FILE)
    bring_up(database, newer)
    database.close()
    (copy,) = home.glob(f"{FILE}.v{VERSION}-*")

    assert VERSION + 1 == ask(home / FILE, "PRAGMA user_version")
    assert "old; kept" == ask(home / FILE, "SELECT later_note FROM jobs")
    assert bytes.fromhex(old) == ask(copy, "SELECT id FROM jobs")
    assert VERSION == ask(copy, "PRAGMA user_version")
    assert 0o600 == copy.stat().st_mode & 0o777


def columns(path: Path, table: str) -> dict[str, tuple[object, ...]]:
    """Read the columns of a table: name -> type, whether it must be set, default, place in the key."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(f"PRAGMA table_info({table})").fetchall()
    return {name: tuple(rest) for _, name, *rest in rows}


@pytest.mark.usefixtures("old")
def test_new_columns_are_added_to_old_and_new_stores(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A column that is new in a version has the default of its attribute, in a migrated store as in a new one.
    """
    added = [
        Field("name", "text", "x1", column="new_text", since=VERSION + 1),
        Field("cores", "whole", "x2", column="new_number", since=VERSION + 1),
        Field("retry_on", "reasons", "x3", column="new_reasons", since=VERSION + 1),
        Field("due_ms", "whole", "x4", column="new_time", since=VERSION + 1),
    ]
    monkeypatch.setattr(schema, "FIELDS", (*FIELDS, *added))
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    for place in (home, tmp_path / "fresh"):
        SqliteStore.open(place).close()

    migrated = columns(home / FILE, "jobs")
    assert migrated == columns(tmp_path / "fresh" / FILE, "jobs")
    assert ("TEXT", 1, "''", 0) == migrated["new_text"] == migrated["new_reasons"]
    assert (("INTEGER", 1, "1", 0), ("INTEGER", 0, None, 0)) == (migrated["new_number"], migrated["new_time"])
    values = "SELECT new_text || new_number || new_reasons || ifnull(new_time, ' none') FROM jobs"
    assert "1 none" == ask(home / FILE, values)


def tables(path: Path) -> set[str]:
    """Read the names of a store's tables."""
    with closing(sqlite3.connect(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def parts(path: Path) -> dict[str, str]:
    """Read the indexes and triggers of a store: name -> statement, without spaces."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql <> ''")
        return {name: "".join(statement.split()) for name, statement in found}


def test_a_store_of_version_9_comes_to_be_what_a_new_one_is(version_9: Path, tmp_path: Path) -> None:
    """
    A copy is kept; columns, indexes and triggers are those of a new store, and new jobs run in it.
    """
    store = SqliteStore.open(version_9)
    (job_id,) = submit(store, new_job("new", priority=1, retries=1, retry_on=frozenset({Reason.CRASHED})))
    new, waiting = claim(store), claim(store)
    store.finish(new.lease, failed(Reason.CRASHED))

    assert ("new", "", 2) == (new.job.name, waiting.job.name, waiting.job.attempt)
    assert JobState.SCHEDULED is store.get(job_id).state
    store.close()
    (copy,) = version_9.glob(f"{FILE}.v9-*")
    assert (9, 2) == (ask(copy, "PRAGMA user_version"), ask(copy, "SELECT count(*) FROM jobs"))
    fresh = tmp_path / "fresh"
    fresh.mkdir(mode=0o700)
    SqliteStore.open(fresh).close()
    assert tables(fresh / FILE) == tables(version_9 / FILE)
    for table in tables(fresh / FILE):
        assert columns(fresh / FILE, table) == columns(version_9 / FILE, table)
    assert parts(fresh / FILE) == parts(version_9 / FILE)


def test_a_migrated_store_is_not_migrated_again(home: Path, old: str, newer: Path) -> None:
    """
    The second nox to come finds it done, even if it looked before the first was.
    """
    for _ in range(2):
        database = Database(home / FILE)
        bring_up(database, newer)
        schema._migrate(database, newer)
        database.close()

    assert bytes.fromhex(old) == ask(home / FILE, "SELECT id FROM jobs")
    assert 1 == len(list(home.glob(f"{FILE}.v{VERSION}-*")))


def test_a_migration_that_fails_changes_nothing(home: Path, old: str, newer: Path) -> None:
    """
    The store stays at its version, with its jobs, and the earlier nox goes on with it.
    """
    script = newer / f"{VERSION + 1:04}.sql"
    added = "ADD COLUMN later_note TEXT;"
    script.write_text(f"ALTER TABLE jobs {added}\nALTER TABLE absent {added}\n")
    database = Database(home / FILE)
    with pytest.raises(StoreDamaged, match="no such table: absent"):
        bring_up(database, newer)
    database.close()

    assert VERSION == ask(home / FILE, "PRAGMA user_version")
    assert bytes.fromhex(old) == ask(home / FILE, "SELECT id FROM jobs")
    assert 0 == ask(home / FILE, "SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'later_note'")


def test_a_copy_that_cannot_be_made_stops_the_migration(home: Path, old: str, newer: Path) -> None:
    """
    Without a copy nothing is migrated, and no half copy is left.
    """
    (home / FILE).with_name(f"{FILE}.v{VERSION}-now").mkdir()
    database = Database(home / FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.strftime", lambda *_: "now")
        with pytest.raises(StoreRefused, match="file exists"):
            bring_up(database, newer)
    database.close()

    assert VERSION == ask(home / FILE, "PRAGMA user_version")
    assert bytes.fromhex(old) == ask(home / FILE, "SELECT id FROM jobs")


def test_a_newer_store_is_refused(home: Path, old: str) -> None:
    """
    An older nox does not touch what it does not know.
    """
    with closing(sqlite3.connect(home / FILE)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = (home / FILE).read_bytes()

    with pytest.raises(StoreRefused, match="made by a newer nox"):
        SqliteStore.open(home)
    assert before == (home / FILE).read_bytes()
    assert bytes.fromhex(old) == ask(home / FILE, "SELECT id FROM jobs")


@pytest.mark.parametrize("opened", [SqliteStore.open, SqliteStore.open_existing])
@pytest.mark.parametrize("version", [1, OLDEST - 1])
def test_a_store_from_before_the_first_release_is_refused(
    version_9: Path, version: int, opened: Callable[[Path], object]
) -> None:
    """
    No step leads from it any more: it is left as it is, and the hint names the nox that made it.
    """
    with closing(sqlite3.connect(version_9 / FILE)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    before = (version_9 / FILE).read_bytes()

    with pytest.raises(StoreRefused, match=f"from before 0.1.0: version {version}, not {VERSION}") as refused:
        opened(version_9)
    assert "nothing was changed" == refused.value.did
    assert "with that nox" in refused.value.hint
    assert before == (version_9 / FILE).read_bytes()
    assert [] == list(version_9.glob(f"{FILE}.*"))


def test_schema_another_programs_database_is_not_taken(home: Path) -> None:
    """
    A database that is not of nox is left as it is.
    """
    with closing(sqlite3.connect(home / FILE)) as database:
        database.execute("CREATE TABLE theirs (x)")
    before = (home / FILE).read_bytes()

    with pytest.raises(StoreDamaged, match="does not begin as a store of nox does"):
        SqliteStore.open(home)
    assert before == (home / FILE).read_bytes()


def test_a_store_is_not_made_over_a_log(home: Path, old: str) -> None:
    """
    If the file is gone and its log is there, somebody has to look: the log may hold jobs.
    """
    (home / f"{FILE}-wal").write_bytes(b"jobs")
    (home / FILE).rename(home / "elsewhere")

    with pytest.raises(StoreDamaged, match="its log is still there"):
        SqliteStore.open(home)
    assert bytes.fromhex(old) == ask(home / "elsewhere", "SELECT id FROM jobs")


def test_schema_what_a_killed_nox_left_is_no_obstacle(home: Path) -> None:
    """
    A store that was half made under its other name is made anew.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        (home / f"{FILE}.new{suffix}").write_bytes(b"half")
    SqliteStore.open(home).close()

    assert [FILE] == [path.name for path in home.iterdir()]


def test_schema_whoever_comes_second_takes_the_store_the_first_made(
    home: Path, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Under the lock one looks again, and makes nothing over what is there.
    """
    looks = iter([False, True])
    monkeypatch.setattr(type(home), "exists", lambda _: next(looks))
    schema.ensure(home / FILE)
    monkeypatch.undo()
    store = SqliteStore.open(home)

    assert [old] == store.last(ADA)
    store.close()


def test_an_old_sqlite_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The line says which version is there and which is needed.
    """
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 7, 17))

    with pytest.raises(StoreRefused, match=r"nox needs 3\.24\.0 or newer"):
        SqliteStore.open(home)


def test_a_store_of_version_9_shows_what_it_did(version_9: Path) -> None:
    """
    Outcomes and artifacts are there, as before a retry and during it; an attempt that was given back is an
    earlier one alone.
    """
    store = SqliteStore.open(version_9)
    done, waiting = (f"{number:032x}" for number in (1, 2))

    assert ("", None, 1) == (
        store.get(waiting).worker,
        store.get(waiting).started_ms,
        store.get(waiting).attempt,
    )
    assert [1] == [tried.number for tried in store.attempts(waiting)]
    for _ in range(2):
        assert {done: "the outcome"} == store.outcomes([done])
        assert ["opt.xyz"] == [made.name for made in store.artifacts(done)]
        store.retry([done], owner=None, done=True)
    assert [1] == [tried.number for tried in store.attempts(done)]
    assert b"old" == store.checkpoint(waiting)
    store.close()
