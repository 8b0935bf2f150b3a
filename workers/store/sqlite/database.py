"""Connections to the local store's file: who may read and write when, and what a commit promises.

Writing: one writer at a time in a process (a lock), one at a time on the machine (BEGIN IMMEDIATE, tried
again at short intervals: SQLite's own busy handler sleeps so long that threads starve).  Reading: each
reader has a connection to itself and sees one state of the store.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, ClassVar

from workers.errors import StoreDamaged, StoreRefused
from workers.store.sqlite.errors import (
    busy,
    damaged,
    is_busy,
    is_mistake,
    primary_code,
    size_of,
    translate_error,
)
from workers.store.sqlite.home import check_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workers.errors import StoreError

BUSY_S = 5.0
_PAUSE_US = (200, 1_000)
_MAGIC = b"SQLite format 3\0"
# SQLite's codes if it cannot make the files that it needs next to a store.
_NEEDS_FILES = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
)
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA journal_size_limit=67108864",
    *(["PRAGMA fullfsync=ON"] if sys.platform == "darwin" else []),
)


class Database:
    """The file's connections in one process, shared by its threads."""

    # How often each file is open in this process.
    _uses: ClassVar[Counter[Path]] = Counter()
    _counting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path, refusal: StoreError | None = None) -> None:
        """Prepare to open a file.

        Args:
            path: the file.
            refusal: the reason why it can only be read, such as a full or write-protected disk.
        """
        with Database._counting:
            Database._uses[path] += 1
        self.path = path
        self.refusal = refusal
        self.has_unread = False  # there are changes in the file's log that could not be read
        self._file = _identity(path)
        self._pid = os.getpid()
        self._readers: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._writing = threading.Lock()
        self._closed = False
        self._is_suspect = False  # the disk failed: what the system reported as written may not be there

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the store throughout.

        Raises:
            StoreRefused, StoreBusy, StoreDamaged: it cannot be read.
        """
        with self._lend() as connection:
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def watch(self) -> Iterator[Callable[[], bool]]:
        """Lend a function that returns whether the store may have changed since its last call, at first True.

        It takes a fraction of the time of `read`.

        Raises:
            StoreRefused, StoreBusy, StoreDamaged: it cannot be read.
        """
        readers, version = self._readers, -1
        with self._lend() as connection:

            def has_changed() -> bool:
                nonlocal version
                self._check()
                before, version = version, connection.execute("PRAGMA data_version").fetchone()[0]
                return version != before or readers is not self._readers  # it is another file since

            yield has_changed

    @contextmanager
    def _lend(self) -> Iterator[sqlite3.Connection]:
        self._check()
        with self._translated():
            readers = self._readers
            connection = self._borrow(readers)
            try:
                yield connection
            finally:
                self._give_back(connection, readers)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Lend the connection that writes; what was done is committed at the end, or nothing of it.

        Args:
            durable: the commit is on the disk before this returns.  Otherwise a power cut, and nothing
                less, may undo it together with what was committed after it.

        Raises:
            StoreBusy: others wrote for longer than `BUSY_S`.
            StoreRefused, StoreFull, StoreDamaged: it cannot be written.
        """
        self._check()
        if self.refusal is not None:
            refusal = copy(self.refusal)
            refusal.is_open, refusal.did = False, "nothing was changed"
            raise refusal
        until = time.monotonic() + BUSY_S
        if not self._writing.acquire(timeout=BUSY_S):
            raise busy(self.path)
        try:
            with self._translated():
                yield from self._transaction(until, durable=durable)
        finally:
            self._writing.release()

    def follow(self) -> None:
        """Use the file that is at the path now, if it is another one than before.

        While there is none, the writer stays open: a worker whose directory was moved can still release its
        jobs.  Reading then fails, so that a worker whose store was removed reports that.

        Raises:
            StoreRefused: the file is not one that nox may use.
        """
        file = _identity(self.path)
        if file == self._file:
            return
        check_file(self.path)
        with self._writing:
            if file is not None:
                if self._writer is not None:
                    self._writer.close()
                self._file, self._writer, self._is_suspect = file, None, False
            readers, self._readers = self._readers, []
        while readers:
            readers.pop().close()

    def close(self) -> None:
        """Close every connection that is not lent; a forked child leaves its parent's alone."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        with self._writing:
            if self._writer is not None:
                self._writer.close()
        while self._readers:
            self._readers.pop().close()
        with Database._counting:
            Database._uses[self.path] -= 1

    def is_one(self) -> bool:
        """Whether the file begins as one of SQLite's, which else would change it, and throw away its log.

        Not looked at if it is in use here: to close a file drops all locks of the process on it.
        """
        with Database._counting:
            if Database._uses[self.path] > 1:
                return True
            with self.path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC

    def _transaction(self, until: float, *, durable: bool) -> Iterator[sqlite3.Connection]:
        connection = self._trusted_writer(until)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        _begin(connection, until)
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            with suppress(sqlite3.Error):
                connection.rollback()

    def _trusted_writer(self, until: float) -> sqlite3.Connection:
        """Get the connection that writes; after the disk failed one that has written everything anew."""
        if self._is_suspect and self._writer is not None:
            self._writer.close()
            self._writer = None
        connection = self._writer = self._writer or _connect(self.path, timeout_s=0.0)
        if self._is_suspect:
            _write_back(connection, until, self.path)
            self._is_suspect = False
        return connection

    def _borrow(self, readers: list[sqlite3.Connection]) -> sqlite3.Connection:
        try:
            return readers.pop()
        except IndexError:
            if self.refusal is not None:
                return self._look()
            connection = _connect(self.path, timeout_s=BUSY_S)
            connection.execute("PRAGMA query_only=ON")
            return connection

    def _look(self) -> sqlite3.Connection:
        """Open the file without changing anything: with its log, or without it if that needs files which
        cannot be made.
        """
        try:
            return self._look_at_log()
        except sqlite3.Error as error:
            if primary_code(error) not in _NEEDS_FILES:
                raise
            self.has_unread = size_of(self.path.with_name(f"{self.path.name}-wal")) > 0
            return _connect(self.path, timeout_s=BUSY_S, mode="ro&immutable=1")

    def _look_at_log(self) -> sqlite3.Connection:
        """Open the file and its log without changing anything.

        Raises:
            sqlite3.Error: a file that this needs cannot be made, or the file cannot be read.
        """
        connection = _connect(self.path, timeout_s=BUSY_S, mode="ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        self.has_unread = False
        return connection

    def _give_back(self, connection: sqlite3.Connection, readers: list[sqlite3.Connection]) -> None:
        if self._closed or self.refusal is not None or readers is not self._readers:
            connection.close()
        else:
            readers.append(connection)

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise StoreRefused(
                "the local store was opened before this process was forked",
                did="nothing was read or written",
                hint="open the store in the process that uses it",
            )
        if self._closed:
            raise StoreRefused("the local store is closed", did="nothing was read or written")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if is_mistake(error):
                raise
            said = translate_error(error, self.path)
            if primary_code(error) == sqlite3.SQLITE_IOERR and (
                said.is_open or isinstance(said, StoreDamaged)
            ):
                self._is_suspect = True
            raise said from error
        except UnicodeDecodeError as error:
            # The names of columns are decoded strictly, whatever becomes of texts.
            raise damaged(self.path, str(error)) from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes a file from another at the same path; None: there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def _connect(path: Path, *, timeout_s: float, mode: str = "rw") -> sqlite3.Connection:
    escaped = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(
        f"file:{escaped}?mode={mode}",
        uri=True,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    # A text that was damaged reads as such; strict decoding would refuse the rows around it too.
    connection.text_factory = _lenient
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _lenient(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _begin(connection: sqlite3.Connection, until: float) -> None:
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(_pause_s())
        else:
            return


def _write_back(connection: sqlite3.Connection, until: float, path: Path) -> None:
    """Bring the whole log into the file and begin a new one.

    What was committed and not waited for may be missing from the log on the disk, which the system does not
    tell twice; all that is committed after it would be lost with it.
    """
    connection.execute("PRAGMA synchronous=FULL")
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() >= until:
            raise busy(path)
        time.sleep(_pause_s())


def _pause_s() -> float:
    """Pick a pause that differs between processes and from one to the next."""
    shortest, longest = _PAUSE_US
    return (shortest + time.monotonic_ns() // 1_000 % (longest - shortest)) / 1e6
