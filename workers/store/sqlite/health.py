"""A close look at the local store: where it lies, who may read it, whether it is whole, what room is left."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from workers import machine
from workers.errors import StoreDamaged
from workers.findings import ok, problem, warning
from workers.sizes import GIB, MIB, size_words
from workers.store import versions
from workers.store.audit import audited, index_finding, points_left
from workers.store.base import SCAN_LIMIT
from workers.store.sqlite.errors import damaged
from workers.store.sqlite.points import has_points
from workers.store.sqlite.reads import has_words
from workers.store.sqlite.schema import VERSION, min_writer, version_of
from workers.store.sqlite.statements import QUERIES, SQL, named

if TYPE_CHECKING:
    from pathlib import Path

    from workers.findings import Finding
    from workers.store.sqlite.database import Database

_REPAIR = "names and tags: sqlite3 {} REINDEX; wrong counts are a bug in nox: report them"
_AUDIT = named((SQL / "audit.sql").read_text(encoding="utf-8"))
# How long the file may be read for damage.
INTEGRITY_S = 20.0
LITTLE_BYTES, NEARLY_NONE_BYTES = GIB, 64 * MIB
# How many steps of SQLite's lie between two looks at the clock.
_STEPS = 10_000


def inspect(database: Database) -> list[Finding]:
    """Look at a local store as `Store.inspect` does."""
    home = database.path.parent
    return [
        _server(database),
        _file_system(home),
        _permissions(home),
        _integrity(database),
        _disk(database),
        index_finding(audit(database, SCAN_LIMIT), _REPAIR.format(database.path)),
    ]


def audit(database: Database, newest: int | None = None) -> list[str]:
    """Compare indexes with records; see `Store.audit`."""
    with database.read() as connection:
        if not has_words(connection):
            return []
        top = connection.execute(QUERIES["span"]).fetchone()["highest"] or 0
        above = {"above": -1 if newest is None else top - newest}
        numbers = [row["number"] for row in connection.execute(_AUDIT["different_words"], above)]
        states = [str(row["state"]) for row in connection.execute(_AUDIT["miscounted"])]
        pointed: list[int] = []
        if has_points(connection):
            pointed = [row["number"] for row in connection.execute(_AUDIT["pointed"])]
    return audited(numbers, states) + points_left(pointed)


def _server(database: Database) -> Finding:
    found = f"sqlite {sqlite3.sqlite_version}, schema {version_of(database)} of {VERSION}"
    return versions.finding(found, f"the local store {database.path}", min_writer(database))


def _file_system(home: Path) -> Finding:
    kind = machine.network_file_system(home)
    if kind is None:
        return ok("file_system", f"{machine.file_system(home) or 'of a kind not known'}: this machine's own")
    found = f"{home} lies on a network file system ({kind}) where locks do not hold"
    return problem("file_system", found, "set NOX_HOME to a directory on a disk of this machine")


def _permissions(home: Path) -> Finding:
    """Report files that others could read; the directory, which is private, protects them."""
    loose = [entry.name for entry in os.scandir(home) if _is_loose(entry)]
    if not loose:
        return ok("permissions", f"{home} and what is in it is yours alone")
    found = f"{' '.join(sorted(loose)[:3])} in {home} would be readable by others, but for the directory"
    return warning("permissions", found, f"chmod -R go= {home}")


def _is_loose(entry: os.DirEntry[str]) -> bool:
    try:
        return bool(entry.stat(follow_symlinks=False).st_mode & 0o077) and not entry.is_symlink()
    except OSError:
        return False  # it went while it was looked at


def _integrity(database: Database) -> Finding:
    size = size_words(database.path.stat().st_size)
    try:
        wrong = _wrong(database)
    except StoreDamaged as error:
        return problem("integrity", error.what, error.hint)
    if wrong is None:
        return warning("integrity", f"{size} could not be read through in {INTEGRITY_S:.0f} s")
    if wrong != "ok":
        said = damaged(database.path, wrong)
        return problem("integrity", said.what, said.hint)
    return ok("integrity", f"no damage found in {size}")


def _wrong(database: Database) -> str | None:
    """Read the whole file; the first thing wrong, `ok`, or None if that took too long."""
    until = time.monotonic() + INTEGRITY_S
    with database.read() as connection:
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return None
        finally:
            connection.set_progress_handler(None, 0)
    return " ".join(found.split())


def _disk(database: Database) -> Finding:
    if database.refusal is not None:
        return problem("disk", f"{database.refusal.what}: nothing can be changed", database.refusal.hint)
    free = machine.free_bytes(database.path.parent)
    found = f"{size_words(free)} free where jobs are kept"
    if free < NEARLY_NONE_BYTES:
        return problem("disk", found, "free some space: a full disk stops every job")
    return warning("disk", found, "free some space") if free < LITTLE_BYTES else ok("disk", found)
