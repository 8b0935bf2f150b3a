"""Locks that show which workers are alive: each holds one on its own file until its process ends."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from workers.files import lock_file, open_file, try_lock
from workers.store.sqlite.home import make_private, translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUFFIX = ".lock"
# Attempts, not seconds: on a busy machine a single one can take as long as all of them.
_ATTEMPTS = 50
_PAUSE_S = 0.001
# There is no such file, or it is a link, which no worker locks.
_NO_LOCK = frozenset({errno.ENOENT, errno.ELOOP})


class Lives:
    """The workers' locks in one directory, those this process holds among them.

    The files are closed in programs that this process starts, so that nothing outlives a worker's lock.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._held: dict[str, int] = {}
        self._guard = threading.Lock()

    def hold(self, worker: str) -> None:
        """Show that a worker of this process lives, until `release`, unless another process shows that.

        Raises:
            StoreRefused, StoreFull: the lock cannot be made.
        """
        with self._guard, translated(self.directory):
            if worker not in self._held:
                make_private(self.directory)
                descriptor = _lock(self._path(worker))
                if descriptor is not None:
                    self._held[worker] = descriptor

    def release(self, worker: str) -> None:
        """Show that a worker of this process has ended."""
        with self._guard:
            descriptor = self._held.pop(worker, None)
            if descriptor is not None:
                self._path(worker).unlink(missing_ok=True)
                os.close(descriptor)

    def abandon(self) -> None:
        """Let go of every lock, as the end of the process would."""
        with self._guard:
            while self._held:
                os.close(self._held.popitem()[1])

    def known(self) -> set[str]:
        """Find the workers that live or ended without a word.

        Raises:
            StoreRefused: the system does not tell.
        """
        with translated(self.directory), suppress(FileNotFoundError), os.scandir(self.directory) as entries:
            return {entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX)}
        return set()

    def dead(self) -> set[str]:
        """Find the workers that ended without a word.

        Raises:
            StoreRefused: the system does not tell.
        """
        return {worker for worker in self.known() if not self.is_alive(worker)}

    def bury(self, worker: str) -> None:
        """Remove what a dead worker left; one that just began, and was found before it had its lock, lives.

        Raises:
            StoreRefused: the system does not tell.
        """
        with self._looking_at(worker) as descriptor:
            if descriptor is None or _is_free(descriptor):
                self._path(worker).unlink(missing_ok=True)

    def is_alive(self, worker: str) -> bool:
        """Whether a process holds a worker's lock.

        Raises:
            StoreRefused: the system does not tell; to take that for a no would cost the living their jobs.
        """
        with self._guard:
            if worker in self._held:
                return True
        with self._looking_at(worker) as descriptor:
            return descriptor is not None and not _is_free(descriptor)

    @contextmanager
    def _looking_at(self, worker: str) -> Iterator[int | None]:
        """Open a worker's lock file; None: there is none.

        Raises:
            StoreRefused: the system does not tell.
        """
        descriptor = None
        with translated(self.directory):
            try:
                descriptor = open_file(self._path(worker), os.O_RDONLY)
            except OSError as error:
                if error.errno not in _NO_LOCK:
                    raise
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _path(self, worker: str) -> Path:
        return self.directory / f"{worker.replace('/', '_')}{_SUFFIX}"


def _is_free(descriptor: int) -> bool:
    """Whether no process holds the lock on a file; none can take it then until the file is closed."""
    return try_lock(descriptor, is_shared=True)


def _lock(path: Path) -> int | None:
    """Make a lock file and lock it; None if another process shows that this worker lives.

    Other processes lock the file for a moment when they look, and remove the file of a dead worker.
    """
    for _ in range(_ATTEMPTS):
        descriptor = lock_file(path)
        if descriptor is not None:
            return descriptor
        time.sleep(_PAUSE_S)
    return None
