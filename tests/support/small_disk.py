"""A file system with little room: a tmpfs, which only root can mount."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE_BYTES = 4_096


class SmallDisk:
    """The mounted file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def fill(self) -> None:
        """Take all the room there is."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(PIECE_BYTES))
            except OSError:
                return

    def shut(self, *, is_shut: bool = True) -> None:
        """Let nothing be written to it, or let it be written again."""
        mode = "ro" if is_shut else "rw"
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.root)], check=True)

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes (`6m`) for as long as the context lasts."""
    at.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(at)], check=True)
    try:
        yield SmallDisk(at)
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)
