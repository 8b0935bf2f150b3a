"""Checkpoint files between the folder of an attempt and the store: compressed, and limited in size.

Only the engine reads their contents (`workers.engine.checkpoint`), except for the progress: the number of
gradients in the first line, and two for each complete line after that.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "checkpoint.jsonl"
MAX_BYTES = 16 * 1024**2
# How often the checkpoint of a running attempt is copied to the store; more is lost only with the machine.
EVERY_S = 20.0
# How often while its worker drains, which may be killed at any moment.
DRAINING_EVERY_S = 1.0
_GRADIENTS_A_LINE = 2
_MAX_GRADIENTS = 2**40
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Packed:
    """The progress of an attempt, as the store keeps it."""

    content: bytes
    progress: int  # gradients, of all attempts: with an optimisation and with frequencies they only grow
    found: tuple[int, int] | None = None  # size and time of the file


class CheckpointFile:
    """Packs the checkpoint file of one attempt for the store, and unpacks one of an earlier attempt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: tuple[int, int] | None = None  # size and time of what the store has

    @cached_property
    def _path(self) -> Path:
        """The file; it is named only when needed, as most jobs end before that."""
        return self._folder / FILE

    def put(self, checkpoint: Packed, *, is_kept: bool) -> None:
        """Write the checkpoint of an earlier attempt into the folder.

        Args:
            checkpoint: the checkpoint.
            is_kept: the store has it already.

        Raises:
            OSError: it cannot be written.
        """
        self._path.write_bytes(_unpacked(checkpoint.content))
        if is_kept:
            self._kept = self._look()

    def take(self) -> Packed | None:
        """Pack the file if it changed since the store got it; None: it did not, or it is no checkpoint."""
        found = self._look()
        if found is None or found == self._kept:
            return None
        try:
            with open(os.open(self._path, _FLAGS), "rb") as file:  # noqa: PTH123 - by its descriptor
                text = file.read(MAX_BYTES + 1)
            progress = _progress(text)
        except (OSError, ValueError):
            return None
        return Packed(zlib.compress(text, 1), progress, found) if len(text) <= MAX_BYTES else None

    def kept(self, checkpoint: Packed) -> None:
        """Note that the store has a checkpoint that `take` returned."""
        self._kept = checkpoint.found

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def stored(content: bytes) -> Packed:
    """Read a checkpoint from the store.

    Raises:
        ValueError: it cannot be unpacked, or has no number of gradients.
    """
    return Packed(content, _progress(_unpacked(content)))


def _unpacked(content: bytes) -> bytes:
    """Unpack a checkpoint.

    Raises:
        ValueError: it is not a checkpoint, or is too large.
    """
    try:
        text = zlib.decompressobj().decompress(content, MAX_BYTES + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(text) > MAX_BYTES:
        raise ValueError("it is too large")
    return text


def _progress(text: bytes) -> int:
    """Count the gradients in a checkpoint.

    Raises:
        ValueError: it has no number of gradients.
    """
    first, end, rest = text.partition(b"\n")
    try:
        head = json.loads(first)
    except RecursionError:
        head = None
    gradients = head.get("gradients") if end and isinstance(head, dict) else None
    if type(gradients) is not int or not 0 < gradients < _MAX_GRADIENTS:
        raise ValueError("it does not say how far it has come")
    return gradients + _GRADIENTS_A_LINE * rest.count(b"\n")
