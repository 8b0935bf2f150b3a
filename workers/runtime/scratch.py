"""Scratch space: a folder for each worker, which lives as long as it, with one folder an attempt in it.

A lock file next to the folder of a worker shows that it is in use.  The next worker to start removes the
folders of killed workers, whose locks are free.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
import threading
from pathlib import Path

from workers.files import lock_if_possible, open_file, unlocked
from workers.job import worker_host

_AS_MADE = stat.S_IFDIR | 0o700


def scratch_base(fallback: Path) -> Path:
    """Return the directory of scratch folders: nox's own in the temporary directory, else `fallback`.

    A directory of that name that belongs to another user, or that others may enter, is not used.
    """
    own = _own_base()
    with contextlib.suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        if _is_private(own):
            return own
    return fallback


def bases(fallback: Path) -> tuple[Path, ...]:
    """Return every directory that may hold scratch folders; nothing is made."""
    return _own_base(), fallback


def left_behind(base: Path, host: str) -> list[Path]:
    """List the folders of dead workers of this machine in a base directory; nothing is removed."""
    locks = sorted(path for path in base.glob("*.lock") if worker_host(path.stem) == host)
    return [path.with_suffix("") for path in locks if _is_dead(path)]


class Scratch:
    """The scratch space of one worker: from `open` to `close`, with mode 0700."""

    def __init__(self, base: Path, worker: str) -> None:
        """Set the folder of a worker; nothing is made yet.

        Args:
            base: the directory of the workers' folders.
            worker: the worker's id, `HOST-PID-HEX`, which names the folder.
        """
        self._base = base
        self._worker = worker
        self._lock_path = base / f"{worker}.lock"
        self._lock: int | None = None
        self._unused: list[Path] = []  # folders that attempts left as they were made
        self._guard = threading.Lock()
        self.path = base / worker

    def open(self) -> None:
        """Make the folder, after removing those of dead workers of this machine.

        Raises:
            OSError: it cannot be made.
        """
        self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(self._base, worker_host(self._worker))
        self._make()

    def attempt(self) -> Path:
        """Return an empty folder for one attempt; from any thread.

        The worker's own folder is made anew if it is gone: programs that tidy temporary directories remove
        it some day.

        Raises:
            OSError: the disk is full, or a directory of another user has the name of ours.
        """
        with self._guard:
            # A folder that is there shows that those above it are; the lock's open file counts its names.
            while self._unused and self._lock is not None and os.fstat(self._lock).st_nlink:
                if _is_as_made(folder := self._unused.pop()):
                    return folder
                remove(folder)
            if not (_is_private(self._base) and self.path.is_dir() and self._lock_path.exists()):
                self._make()
        return Path(tempfile.mkdtemp(dir=self.path))

    def take_back(self, folder: Path) -> None:
        """Empty the folder of an attempt that has ended; from any thread."""
        if not self.reclaim(folder):
            remove(folder)

    def reclaim(self, folder: Path) -> bool:
        """Keep the folder of an attempt that has ended for another one, if it is still as it was made.

        Most jobs are short and leave nothing: to make and remove a folder for each is a tenth of a worker's
        time.

        Returns:
            False: there is something in it, or in its place.
        """
        if is_as_made := _is_as_made(folder):
            self._unused.append(folder)
        return is_as_made

    def _make(self) -> None:
        """Make what is missing: the base directory, the lock file, the worker's folder."""
        self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(self._base):
            raise PermissionError(errno.EPERM, "others may enter it", str(self._base))
        if not self._lock_path.exists():
            lock = open_file(self._lock_path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
            lock_if_possible(lock)
            if self._lock is not None:
                os.close(self._lock)
            self._lock = lock
        self.path.mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """Remove the folder and everything in it, if it was made."""
        if self._lock is not None:
            _forget(self.path, self._lock_path)
            os.close(self._lock)
            self._lock = None


def remove(folder: Path) -> None:
    """Remove a folder and what is in it, following no link, as far as that is possible."""
    shutil.rmtree(folder, ignore_errors=True)


def _is_as_made(folder: Path) -> bool:
    """Whether a folder is still a directory, private and empty, and not a link."""
    try:
        if os.lstat(folder).st_mode != _AS_MADE:
            return False
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _own_base() -> Path:
    return Path(tempfile.gettempdir()) / f"nox-{os.getuid()}"


def _is_private(directory: Path) -> bool:
    """Whether it is a directory of this user that no other user may enter."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _is_dead(lock_path: Path) -> bool:
    with unlocked(lock_path, os.O_RDONLY, is_shared=True) as is_left:
        return is_left


def _sweep(base: Path, host: str) -> None:
    """Remove the folders of workers of this machine that are gone."""
    for lock_path in base.glob("*.lock"):
        if worker_host(lock_path.stem) != host:
            continue
        with unlocked(lock_path) as is_left:
            if is_left:
                _forget(lock_path.with_suffix(""), lock_path)


def _forget(folder: Path, lock_path: Path) -> None:
    remove(folder)
    with contextlib.suppress(OSError):  # the next worker to start tries again
        lock_path.unlink(missing_ok=True)
