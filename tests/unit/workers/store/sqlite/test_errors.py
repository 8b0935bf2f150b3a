"""`workers.store.sqlite.errors`: SQLite's errors in the words of nox."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from workers.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreRefused
from workers.store.sqlite import errors
from workers.store.sqlite.errors import busy, is_mistake, translate_error

if TYPE_CHECKING:
    from pathlib import Path


def error(code: int, words: str = "words") -> sqlite3.Error:
    """Make an error as SQLite raises it."""
    made = sqlite3.OperationalError(words)
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusy, "busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy, "busy"),
        (sqlite3.SQLITE_BUSY_RECOVERY, StoreBusy, "busy"),
        (sqlite3.SQLITE_LOCKED, StoreBusy, "busy"),
        (sqlite3.SQLITE_PROTOCOL, StoreBusy, "busy"),
        (sqlite3.SQLITE_FULL, StoreFull, "disk full"),
        (sqlite3.SQLITE_READONLY, StoreRefused, "cannot be opened for writing"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreRefused, "cannot be opened for writing"),
        (sqlite3.SQLITE_CANTOPEN, StoreRefused, "cannot be opened for writing"),
        (sqlite3.SQLITE_PERM, StoreRefused, "cannot be opened for writing"),
        (sqlite3.SQLITE_IOERR_READ, StoreDamaged, "the disk failed"),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreDamaged, "the disk failed"),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged, "damaged: words"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged, "damaged: words"),
        (sqlite3.SQLITE_NOTADB, StoreDamaged, "damaged: words"),
        (sqlite3.SQLITE_ERROR, StoreDamaged, "damaged: words"),
    ],
)
def test_errors_each_code_has_its_words(home: Path, code: int, kind: type[StoreError], words: str) -> None:
    """
    Busy, full, refused and damaged are told apart, each with what to do.
    """
    said = translate_error(error(code), home / "nox.sqlite3")

    assert kind is type(said)
    assert words in said.what
    assert said.did
    assert said.hint
    assert [] == list(home.iterdir())


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EDQUOT, StoreFull), (errno.ENOSPC, StoreFull), (errno.EIO, StoreDamaged)]
)
def test_a_quota_is_told_from_a_failing_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StoreError]
) -> None:
    """
    SQLite calls both an I/O error; what a trial write meets tells them apart, and leaves nothing behind.
    """

    def refuse(*_: object) -> int:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "pwrite", refuse)

    assert kind is type(translate_error(error(sqlite3.SQLITE_IOERR_WRITE), home / "nox.sqlite3"))
    assert [] == list(home.iterdir())


def test_wrong_use_is_a_mistake_of_nox() -> None:
    """
    Errors that are not about the file are not told as such.
    """
    assert is_mistake(sqlite3.ProgrammingError("wrong number of bindings"))
    assert is_mistake(error(sqlite3.SQLITE_MISUSE))
    assert not is_mistake(error(sqlite3.SQLITE_CORRUPT))


@pytest.mark.parametrize(
    ("locks", "holder"),
    [
        ("1: POSIX  ADVISORY  WRITE 4711 fe:00:{inode} 120 120\n", " (held by process 4711)"),
        ("1: POSIX  ADVISORY  READ 4711 fe:00:{inode} 120 120\n", ""),
        ("1: POSIX  ADVISORY  WRITE 4711 fe:00:1{inode} 120 120\n", ""),
        ("1: FLOCK  ADVISORY  WRITE 0 fe:00:{inode} 0 EOF\n", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_holder_is_named_where_the_system_tells(
    home: Path, monkeypatch: pytest.MonkeyPatch, locks: str | None, holder: str
) -> None:
    """
    Only a process that holds a write lock on this very store is named; elsewhere the line is shorter.
    """
    path = home / "nox.sqlite3"
    path.touch()
    monkeypatch.setattr(errors, "_LOCKS", home / "locks")
    if locks is not None:
        (home / "locks").write_text(locks.format(inode=path.stat().st_ino))

    assert f"the local store is busy{holder}" == busy(path).what
