"""Directories opened step by step, so that no link that somebody put in the place of one leads elsewhere."""

from __future__ import annotations

import contextlib
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a directory that is itself no link.

    Raises:
        OSError: it is none, or not there.
    """
    descriptor = os.open(folder, _FLAGS | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def made_below(root: Path, *names: str) -> Iterator[list[int]]:
    """Open a directory, which may be a link, and those below it, one in the other, which may not.

    Those that are not there are made, with mode 0700.

    Raises:
        OSError: one of them is no directory, or cannot be made.
    """
    with ExitStack() as stack:
        folders = [os.open(root, _FLAGS)]
        stack.callback(os.close, folders[0])
        for name in names:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=folders[-1])
            folders.append(os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=folders[-1]))
            stack.callback(os.close, folders[-1])
        yield folders
