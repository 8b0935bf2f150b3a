"""Files on their way into the artifacts directory.

They are written in `ARTIFACTS/.parts`, which is there only as long as it is needed: each file is locked by
its writer, and moved to where it belongs once it is whole.  So what a killed worker left half-written is
known by its free lock, and the next worker to start on that machine removes it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workers.files import lock_if_possible, made_below, open_file, unlocked
from workers.job import worker_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY


class Parts:
    """The half-written files of one artifacts directory."""

    def __init__(self, root: Path, host: str) -> None:
        self._root = root
        self._directory = root / ".parts"
        self._host = host

    def sweep(self) -> None:
        """Remove what writers of this machine left that are gone.

        Raises:
            OSError: it cannot be removed.
        """
        for path in self._directory.glob("*"):
            if worker_host(path.name) != self._host:
                continue
            with unlocked(path, os.O_WRONLY) as is_left:
                if is_left:
                    path.unlink(missing_ok=True)
        self._tidy()

    @contextmanager
    def writing(self) -> Iterator[Part]:
        """Begin a file; unless it was placed it is gone at the end.

        Raises:
            OSError: it cannot be made.
        """
        part = self._begin()
        try:
            yield part
        finally:
            part.end()
            self._tidy()

    def _begin(self) -> Part:
        while True:
            path = self._directory / f"{self._host}-{os.getpid()}-{secrets.token_hex(4)}"
            try:
                with made_below(self._root, self._directory.name) as folders:
                    part = Part(path, open_file(path.name, _NEW, folder=folders[-1]))
            except FileNotFoundError:
                if not self._root.is_dir():
                    raise
                continue  # somebody else tidied up
            if part.is_ours():
                return part
            part.end()  # somebody swept before it was locked

    def _tidy(self) -> None:
        with contextlib.suppress(OSError):  # others write there
            self._directory.rmdir()


class Part:
    """One file that is being written to `descriptor`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.descriptor = descriptor
        self._path: Path | None = path

    def is_ours(self) -> bool:
        """Lock the file; False if it was taken for left behind meanwhile."""
        lock_if_possible(self.descriptor)
        return os.fstat(self.descriptor).st_nlink > 0

    def place(self, name: str, folder: int) -> None:
        """Give the file, which is on the disk, its name in an open directory.

        Raises:
            OSError: it cannot be had there.
        """
        assert self._path is not None
        os.rename(self._path, name, dst_dir_fd=folder)
        self._path = None

    def end(self) -> None:
        """Let go of the file, and remove it unless it was placed."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        os.close(self.descriptor)
