"""What an attempt has reached, on its way between the attempt's folder and the store: compressed and bounded.

What is in the file is the engine's affair (`workers.engine.checkpoint`).
"""

from __future__ import annotations

import os
import stat
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "checkpoint.jsonl"
MAX_BYTES = 16 * 1024**2
# How often a running attempt's is taken to the store; more is lost only with the machine.
EVERY_S = 20.0
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Courier:
    """Takes the checkpoint of one attempt's folder to the store, when there is a newer one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._taken: tuple[int, int] | None = None  # size and time of what the store has

    def put(self, content: bytes) -> None:
        """Put what an earlier attempt has reached into the folder.

        Raises:
            ValueError: it cannot be unpacked.
            OSError: it cannot be written.
        """
        try:
            text = zlib.decompressobj().decompress(content, MAX_BYTES + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(text) > MAX_BYTES:
            raise ValueError("it is too large")
        self._path.write_bytes(text)
        self._taken = self._look()

    def take(self) -> bytes | None:
        """Pack what the engine has written since; None: nothing, or what is there is no such file."""
        found = self._look()
        if found is None or found == self._taken:
            return None
        try:
            with open(os.open(self._path, _FLAGS), "rb") as file:  # noqa: PTH123 - by its descriptor
                text = file.read(MAX_BYTES + 1)
        except OSError:
            return None
        self._taken = found
        return zlib.compress(text, 1) if len(text) <= MAX_BYTES else None

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None
