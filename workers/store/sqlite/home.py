"""The directory of the local store: private from the moment it is made, refused when it is not."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from workers import files
from workers.errors import StoreBusy, StoreError, StoreFull, StoreRefused
from workers.files import NO_LOCKS, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The file in it.
DATABASE = "nox.sqlite3"
# Of a disk without room, and of a limit of the size of files.
NO_ROOM = files.NO_ROOM | {errno.EFBIG}
SIDES = ("", "-wal", "-shm", "-journal")
_ELSEWHERE = "set NOX_HOME to a directory of your own"
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
LOCK_WAIT_S = 5.0
_LOCK_PAUSE_S = 0.002


def make_private(directory: Path) -> None:
    """Make a directory and what is missing above it, all for its owner only, or check the one there.

    Raises:
        StoreRefused: others can enter it, it is not ours, or it cannot be made or written.
        StoreFull: there is no room for it.
    """
    with translated(directory):
        for missing in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
            _make(missing)
        _check(directory)


def is_private(directory: Path) -> bool:
    """Whether a directory is there, and its owner's only; False: it is not there.

    Raises:
        StoreRefused: others can enter it, it is not ours, or it cannot be written.
    """
    with translated(directory):
        if not directory.exists():
            return False
        _check(directory)
    return True


def check_file(path: Path) -> None:
    """Refuse a store's file that is none, not ours, or that others may write; it need not be there.

    Nothing is opened: a FIFO would wait for ever, and a device may do anything.

    Raises:
        StoreRefused: it is one of these, or one of the files that SQLite keeps next to it is.
    """
    for side in SIDES:
        file = path.with_name(f"{path.name}{side}")
        with translated(file), suppress(FileNotFoundError):
            _check_file(file, file.lstat())


def unlockable(path: Path, number: int, *, did: str = "nothing was stored") -> StoreRefused:
    """Make the error for a file system without locks."""
    return StoreRefused(
        f"{path} cannot be locked: {os.strerror(number).lower()}",
        did=did,
        hint="its file system offers no locks: set NOX_HOME to a directory on a disk of this machine",
    )


def no_locks(directory: Path) -> int | None:
    """Try to lock a file of our own as SQLite does; why the system refuses to, or None: it does not."""
    trial = directory / f"lock-{os.getpid()}-{threading.get_ident()}"
    try:
        descriptor = os.open(trial, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno if error.errno in NO_LOCKS else None
    finally:
        os.close(descriptor)
        trial.unlink()
    return None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into store errors.

    Raises:
        StoreFull: the disk or a quota is full.
        StoreRefused: anything else.
    """
    try:
        yield
    except OSError as error:
        raise _translate(error, path) from error


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, which covers making and migrating the store.

    Raises:
        StoreBusy: another process holds it for longer than `LOCK_WAIT_S`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return  # another process was faster


def _check(directory: Path) -> None:
    found = directory.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise StoreRefused(f"{directory} is not a directory", hint=_ELSEWHERE)
    if found.st_uid != os.geteuid():
        raise StoreRefused(f"{directory} belongs to another user", did="nothing was stored", hint=_ELSEWHERE)
    if found.st_mode & 0o077:
        raise StoreRefused(
            f"others can read your jobs in {directory}",
            did="nothing was stored",
            hint=f"chmod 700 {directory}",
        )
    _check_way(directory.resolve())
    if not os.access(directory, os.W_OK | os.X_OK):
        refused = StoreRefused(f"{directory} cannot be written", did="nothing was stored", hint=_ELSEWHERE)
        refused.is_of_writing = True
        raise refused


def _check_file(path: Path, found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        what, hint = f"{path} is {_KINDS.get(kind, 'a device')}, not a file", f"move it away; or {_ELSEWHERE}"
    elif found.st_uid != os.geteuid():
        what, hint = f"{path} belongs to another user", _ELSEWHERE
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        what, hint = f"others can change your jobs in {path}", f"chmod 600 {path}"
    else:
        return
    raise StoreRefused(what, did="nothing was read or stored", hint=hint)


def _check_way(directory: Path) -> None:
    """Refuse a directory that other users could replace by another one."""
    for above in directory.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise StoreRefused(
                f"anybody may change {above}, in which {directory} lies",
                did="nothing was stored",
                hint=f"chmod o-w {above}; or {_ELSEWHERE}",
            )


def _translate(error: OSError, path: Path) -> StoreError:
    words = os.strerror(error.errno).lower() if error.errno else str(error)
    if error.errno in NO_LOCKS:
        return unlockable(path, error.errno)
    if error.errno in NO_ROOM:
        return StoreFull(f"no room for {path}: {words}", did="nothing was stored", hint="free some space")
    return StoreRefused(f"{path} cannot be used: {words}", did="nothing was stored", hint=_ELSEWHERE)


def _wait_for(descriptor: int, directory: Path) -> None:
    until = time.monotonic() + LOCK_WAIT_S
    while not try_lock(descriptor):
        if time.monotonic() >= until:
            raise StoreBusy(f"another process is setting up {directory}", hint="try again in a moment")
        time.sleep(_LOCK_PAUSE_S)
