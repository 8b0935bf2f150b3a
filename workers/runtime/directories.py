"""The directories that a worker needs, and whether they are still those it started with."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A database that was removed to begin anew may be missing for as long as this, until another one is made.
ABSENT_S = 5.0
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Ground:
    """Notices that a directory was removed, moved or replaced, and that a file stays away.

    The directories are kept open: an inode that is in use is given to no other directory.
    """

    def __init__(self, directories: Sequence[Path], file: Path | None) -> None:
        """Set what is watched; `file` is in one of the directories."""
        self._directories = directories
        self._file = file
        self._held: list[int] = []
        self._absent_since: float | None = None  # monotonic

    def hold(self) -> None:
        """Open the directories, in order, that are not open yet.

        Raises:
            OSError: one of them is missing.
        """
        for path in self._directories[len(self._held) :]:
            self._held.append(os.open(path, _FLAGS))

    def lost(self, absent_s: float = ABSENT_S) -> str:
        """Describe what is gone; empty: nothing.  Without an answer of the system, nothing is.

        Args:
            absent_s: the time for which the file may be missing.
        """
        for path, held in zip(self._directories, self._held, strict=False):
            if not _is_there(path):
                return f"{path} was removed or moved away"
            with contextlib.suppress(OSError):
                if not os.path.samestat(path.stat(), os.fstat(held)):
                    return f"{path} was replaced by another directory"
        if self._file is None or _is_there(self._file):
            self._absent_since = None
            return ""
        now = time.monotonic()
        self._absent_since = self._absent_since or now
        return f"{self._file} was removed or moved away" if now - self._absent_since >= absent_s else ""

    def close(self) -> None:
        """Close the directories."""
        while self._held:
            os.close(self._held.pop())


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
