"""Errors of SQLite as store errors with hints for the user."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import StoreBusy, StoreDamaged, StoreFull, StoreRefused
from workers.store.sqlite.home import NO_ROOM, no_locks, unlockable

if TYPE_CHECKING:
    from workers.errors import StoreError

_LOCKS = Path("/proc/locks")
_NOT_TAKEN = "nothing was changed"
_PERHAPS_DONE = "whether anything was changed shows when it is used again"
# SQLite takes some refusals of a lock for a lock that another holds, and others for failures of the disk.
_LOCKING = frozenset(
    {
        sqlite3.SQLITE_IOERR_LOCK,
        sqlite3.SQLITE_IOERR_RDLOCK,
        sqlite3.SQLITE_IOERR_UNLOCK,
        sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
        sqlite3.SQLITE_IOERR_SHMLOCK,
    }
)
# A commit of which not all was written does not count.
_SURELY_NOT_DONE = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_READ})
# A commit adds less than this to a file, and is written in one piece less than this.
_ROOM_BYTES = 1024**2


def primary_code(error: sqlite3.Error) -> int:
    """Read SQLite's primary result code; 0 where the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock that is in the way."""
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


def is_mistake(error: sqlite3.Error) -> bool:
    """Whether nox used SQLite wrongly: nothing a user could do about."""
    return primary_code(error) in {0, sqlite3.SQLITE_MISUSE}


def translate_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Translate an SQLite error into a store error with a hint for the user."""
    code = primary_code(error)
    if is_busy(error) or getattr(error, "sqlite_errorcode", 0) in _LOCKING:
        number = no_locks(path.parent)
        if number is not None:
            return unlockable(path, number, did=_NOT_TAKEN)
    if is_busy(error):
        return busy(path)
    if code == sqlite3.SQLITE_FULL:
        return full(path)
    if code == sqlite3.SQLITE_IOERR:
        return _failed(error, path)
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return unwritable(path)
    return damaged(path, str(error))


def busy(path: Path) -> StoreBusy:
    """Make the error for a store that others hold; it names the process if the system reports that."""
    holder = _holder(path)
    by = f" (held by process {holder})" if holder else ""
    return StoreBusy(f"the local store is busy{by}", did=_NOT_TAKEN, hint="try again in a moment")


def unwritable(path: Path) -> StoreRefused:
    """Make the error for a file that cannot be opened for writing."""
    refusal = StoreRefused(
        f"the local store {path} cannot be opened for writing",
        did=_NOT_TAKEN,
        hint=f"check who owns {path.parent}, or set NOX_HOME to a directory of your own",
    )
    refusal.is_of_writing = True
    return refusal


def full(path: Path) -> StoreFull:
    """Make the error for a full disk."""
    refusal = StoreFull(
        f"disk full: no room in {path.parent}", did=_NOT_TAKEN, hint="free some space, then go on"
    )
    refusal.is_of_writing = True
    return refusal


def damaged(path: Path, why: str) -> StoreDamaged:
    """Make the error for a damaged file."""
    return StoreDamaged(
        f"the local store {path} is damaged: {why}",
        did="it is kept as it is",
        hint=f"to begin anew, move all of it away: mv {path.parent} {path.parent}.damaged",
    )


def _failed(error: sqlite3.Error, path: Path) -> StoreError:
    """Make the error for a failed read or write; a commit that could not be synced may still hold."""
    refusal = full(path) if _has_no_room(path) else _failing(path)
    if error.sqlite_errorcode not in _SURELY_NOT_DONE:
        refusal.is_open = True
        refusal.did = _PERHAPS_DONE
    return refusal


def _failing(path: Path) -> StoreDamaged:
    refusal = damaged(path, "the disk failed to read or write it")
    refusal.hint = "look into the system's log for what ails the disk, then try again"
    return refusal


def _has_no_room(path: Path) -> bool:
    """Whether a quota or a limit on file size was reached, which SQLite reports as a failing disk.

    Tries the same on a file of its own: to grow beyond the size of the store's files.
    """
    trial = path.with_name(f"{path.name}.room-{os.getpid()}")
    size = max(size_of(path), size_of(path.with_name(f"{path.name}-wal")))
    try:
        descriptor = os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error.errno in NO_ROOM
    try:
        return os.pwrite(descriptor, bytes(_ROOM_BYTES), size) < _ROOM_BYTES
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        os.close(descriptor)
        trial.unlink()


def size_of(path: Path) -> int:
    """Count the bytes of a file; none if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _holder(path: Path) -> int | None:
    """Find the process that holds a write lock on the store, where the system lists locks."""
    inodes = set()
    for name in (path, path.with_name(f"{path.name}-shm")):
        with suppress(OSError):
            inodes.add(str(name.stat().st_ino))
    try:
        rows = [line.split() for line in _LOCKS.read_bytes().decode().splitlines()]
    except OSError:
        return None
    holders = [int(row[4]) for row in rows if row[3] == "WRITE" and row[5].rpartition(":")[2] in inodes]
    return next((pid for pid in holders if pid not in {0, os.getpid()}), None)
