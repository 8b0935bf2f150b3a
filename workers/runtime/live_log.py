"""The log of a running attempt, for `nox logs` on the same machine."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from workers.files import made_below, open_file
from workers.runtime.artifacts import live_log, remove_empty

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = os.O_CREAT | os.O_APPEND | os.O_WRONLY


class LiveLog:
    """Collects what the engine of a running attempt prints, and appends it to a file with `save`.

    Safe to use from several threads; adding never waits for the disk.
    """

    def __init__(self, root: Path, job_id: str, attempt: int, limit_bytes: int) -> None:
        self._root = root
        self._job_id = job_id
        self._attempt = attempt
        self._left = limit_bytes
        self._pending: list[bytes] = []
        self._disk = threading.Lock()
        self._is_saved = False
        self._is_removed = False

    @cached_property
    def _path(self) -> Path:
        """The file; it is named only when needed, as most jobs end before that."""
        return live_log(self._root, self._job_id, self._attempt)

    def add(self, output: bytes) -> None:
        """Add output; what is over the limit is left out, as it is in the final log."""
        part = output[: self._left]
        self._left -= len(part)
        self._pending.append(part)

    def save(self) -> None:
        """Append what was added to the file.

        Raises:
            OSError: it cannot be written.
        """
        with self._disk:
            pending, self._pending = self._pending, []
            if not pending or self._is_removed:
                return
            with made_below(self._root, self._job_id, self._path.parent.name) as folders:
                log = open_file(self._path.name, _FLAGS, folder=folders[-1])
            with os.fdopen(log, "ab") as file:
                self._is_saved = True
                file.writelines(pending)

    def remove(self) -> None:
        """Remove the file, if it was made, and the directories that it leaves empty."""
        with self._disk:
            self._is_removed = True
            if self._is_saved:
                with contextlib.suppress(OSError):
                    self._path.unlink()
                remove_empty(self._path.parent)
