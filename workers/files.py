"""Files that several processes use: opened without following links, locked, written whole.

A lock (flock) belongs to an open file and ends with its last descriptor, so a process that is killed releases
it.  Each user of locks has its own protocol (which file, who removes it, how long to wait); what they share
is here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of a disk or a quota that is full.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# Of a file system without locks: a network's, or one of layers.
NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
# A disk with less than this is full: a molecule's few files need more.
_ROOM_BYTES = 64 * 1024
# The end of a log that is searched for its last lines.
_TAIL_BYTES = 16 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def open_file(path: str | Path, flags: int, *, folder: int | None = None) -> int:
    """Open a file that is itself no link; processes started from here do not inherit it.

    Args:
        path: which file; a file that is made can be read and written by its owner only.
        flags: those of `os.open`.
        folder: an open directory that `path` starts from.

    Raises:
        OSError: it cannot be opened; ELOOP: it is a link.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file without waiting; False: another process has locked it.

    Raises:
        OSError: its file system has no locks (`NO_LOCKS`).
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_if_possible(descriptor: int) -> None:
    """Wait for the lock of an open file; without locks there, no process can tell that it is in use."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def lock_file(path: Path) -> int | None:
    """Open a file, which is made if it is missing, and lock it without waiting.

    Returns:
        The descriptor that holds the lock; None: another process has locked the file, or just removed it.

    Raises:
        OSError: it cannot be opened, or its file system has no locks.
    """
    descriptor = open_file(path, os.O_CREAT | os.O_RDWR)
    try:
        if try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except FileNotFoundError:
        pass
    except OSError as error:
        os.close(descriptor)
        error.filename = os.fspath(path)
        raise
    os.close(descriptor)
    return None


@contextmanager
def unlocked(path: Path, flags: int = os.O_RDWR, *, is_shared: bool = False) -> Iterator[bool]:
    """Whether a file is there that no process has locked; no other process can lock it inside the block.

    Where that cannot be found out, the file counts as locked.
    """
    with ExitStack() as stack:
        is_free = False
        with contextlib.suppress(OSError):
            descriptor = open_file(path, flags | os.O_NONBLOCK)
            stack.callback(os.close, descriptor)
            is_free = try_lock(descriptor, is_shared=is_shared)
        yield is_free


def is_full(folder: Path) -> bool:
    """Whether a disk has no room for files in a folder, or a quota leaves none."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            os.posix_fallocate(trial.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        return error.errno in NO_ROOM
    return False


def write_whole(path: Path, text: str) -> None:
    """Replace the content of a file: readers find the old or the new one, whole.  It is not synced.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a directory that is itself no link.

    Raises:
        OSError: it is none, or not there.
    """
    descriptor = open_file(folder, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def made_below(root: Path, *names: str) -> Iterator[list[int]]:
    """Open a directory, which may be a link, and those below it, one in the other, which may not.

    Those that are missing are made, with mode 0700.  No link that was put in the place of one is followed.

    Raises:
        OSError: one of them is no directory, or cannot be made.
    """
    with ExitStack() as stack:
        folders = [os.open(root, _DIRECTORY | os.O_CLOEXEC)]
        stack.callback(os.close, folders[0])
        for name in names:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=folders[-1])
            folders.append(open_file(name, _DIRECTORY, folder=folders[-1]))
            stack.callback(os.close, folders[-1])
        yield folders


def last_lines(path: str | Path, most: int) -> list[str]:
    """Read the last lines of a log that are not empty; none: there are none, or it cannot be read."""
    try:
        with os.fdopen(open_file(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = log.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-most:]
