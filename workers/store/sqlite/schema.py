"""The file of the local store: its creation, its schema and its migrations."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from workers.errors import StoreOlder, StoreRefused
from workers.job import FIELDS, Job
from workers.store.sqlite.errors import damaged, translate_error, unwritable
from workers.store.sqlite.home import SIDES, locked, translated
from workers.store.sqlite.statements import SQL, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.job import Kind
    from workers.store.sqlite.database import Database

# The version that `sql/schema.sql` and the last script of `sql/migrations` lead to.
SCRIPTED = 10
VERSION = max(SCRIPTED, *(field.since for field in FIELDS))
# Stores of earlier versions were made only before 0.1.0.
OLDEST = 9
APPLICATION_ID = 0x6E6F7873
_COLUMN_TYPES: dict[Kind, str] = {
    "text": "TEXT",
    "reasons": "TEXT",
    "tags": "TEXT",
    "whole": "INTEGER",
    "integer": "INTEGER",
    "flag": "INTEGER",
    "number": "REAL",
}
_OTHER_BEGINNING = "it does not begin as a store of nox does"


def ensure(path: Path) -> None:
    """Make the store's file if there is none.

    Raises:
        StoreDamaged: the file is gone, but its log is there.
        StoreFull, StoreRefused, StoreBusy: it cannot be made.
    """
    if path.exists():
        return
    with translated(path), locked(path.parent):
        if not is_made(path):
            _make(path)


def is_made(path: Path) -> bool:
    """Whether the store's file is there.

    Raises:
        StoreDamaged: the file is gone, but its log is there.
    """
    if path.exists():
        return True
    if _side(path, "-wal").exists():
        raise damaged(path, "the file is gone, and its log is still there")
    return False


def bring_up(database: Database, migrations: Path = SQL / "migrations") -> None:
    """Check that the store is one this nox can use, and migrate an older one.

    Raises:
        StoreRefused: a newer nox made it, or one from before 0.1.0.
        StoreDamaged: it is not a store of nox, or cannot be read.
        StoreFull, StoreBusy: it cannot be migrated now; it is as it was.
    """
    _check_beginning(database)
    if version_of(database) < VERSION:
        with translated(database.path), locked(database.path.parent):
            _migrate(database, migrations)


def refuse_older(database: Database) -> None:
    """Check that the store is one this nox can read as it is.

    Raises:
        StoreOlder: an older nox made it.
        StoreRefused: a newer one did, or one from before 0.1.0.
        StoreDamaged: it is not a store of nox, or cannot be read.
    """
    _check_beginning(database)
    version = version_of(database)
    if version < VERSION:
        raise StoreOlder(
            f"the local store {database.path} was made by an older nox: version {version}, not {VERSION}",
            did="nothing was changed",
            hint="nox status brings it up to date and keeps a copy",
        )


def _make(path: Path) -> None:
    """Build the file under another name, then rename it: no process ever sees half a store."""
    new = path.with_name(f"{path.name}.new")
    _remove(new)
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            # In this order: a commit without a log fails if it cannot reach the file, and closing never does.
            connection.execute("BEGIN IMMEDIATE")
            schema = statements((SQL / "schema.sql").read_text(encoding="utf-8"))
            for statement in (
                *schema,
                *_new_columns(range(1, VERSION + 1)),
                f"PRAGMA user_version={VERSION}",
            ):
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")
        new.rename(path)
        _flush(path.parent)
    except sqlite3.Error as error:
        raise translate_error(error, path) from error
    finally:
        _remove(new)


def version_of(database: Database) -> int:
    """Read which schema a store has.

    Raises:
        StoreRefused: a newer nox made it, or one from before 0.1.0.
        StoreDamaged: it is not a store of nox, or cannot be read.
    """
    with database.read() as connection:
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        min_reader = _noted(connection, "min_reader")
    if application != APPLICATION_ID or version < 1:
        raise damaged(database.path, _OTHER_BEGINNING)
    if version > VERSION and not (min_reader.isdecimal() and int(min_reader) <= VERSION):
        raise StoreRefused(
            f"the local store {database.path} was made by a newer nox: version {version}, not {VERSION}",
            did="nothing was changed",
            hint="use that nox, or set NOX_HOME to another directory",
        )
    if version < OLDEST:
        home = database.path.parent
        made_by = f"was made by a nox from before 0.1.0: version {version}, not {VERSION}"
        raise StoreRefused(
            f"the local store {database.path} {made_by}",
            did="nothing was changed",
            hint=f"finish and fetch its jobs with that nox; to begin anew: mv {home} {home}.v{version}",
        )
    return version


def min_writer(database: Database) -> str:
    """Read the oldest nox that may write; empty: any may."""
    with database.read() as connection:
        return _noted(connection, "min_writer")


def _noted(connection: sqlite3.Connection, name: str) -> str:
    """Read a line of `meta`, which stores of development versions lack; empty: there is none."""
    with suppress(sqlite3.OperationalError):
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])
    return ""


def _check_beginning(database: Database) -> None:
    try:
        is_one = database.is_one()
    except OSError as error:
        raise unwritable(database.path) from error
    if not is_one:
        raise damaged(database.path, _OTHER_BEGINNING)


def _migrate(database: Database, migrations: Path) -> None:
    """Copy the store, then lead it to `VERSION` step by step, in one transaction."""
    version = version_of(database)  # read again under the lock: another process may have been faster
    if version == VERSION:
        return
    with database.write() as connection:
        _back_up(database, f"v{version}")
        for statement in (*_steps(migrations, version), f"PRAGMA user_version={VERSION}"):
            connection.execute(statement)


def _back_up(database: Database, label: str) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    copy = database.path.with_name(f"{database.path.name}.{label}-{stamp}")
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with database.read() as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except BaseException:
        _remove(copy)
        raise


def _steps(migrations: Path, version: int) -> Iterator[str]:
    """Make the statements that lead from a version to `VERSION`: those of a script, or the new columns."""
    for number in range(version + 1, VERSION + 1):
        added = list(_new_columns(range(number, number + 1)))
        script = migrations / f"{number:04}.sql"
        yield from added or statements(script.read_text(encoding="utf-8"))


def _new_columns(versions: range) -> Iterator[str]:
    """Make the statements that add the columns of attributes that are new in some versions."""
    for field in FIELDS:
        if field.since in versions:
            default = Job._field_defaults[field.name]
            value = default if isinstance(default, (int, str)) else ""
            bound = (
                "" if default is None else f" NOT NULL DEFAULT {int(value) if value == 0 else repr(value)}"
            )
            yield f"ALTER TABLE jobs ADD COLUMN {field.sql} {_COLUMN_TYPES[field.kind]}{bound}"


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for suffix in SIDES:
        _side(path, suffix).unlink(missing_ok=True)


def _side(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")
