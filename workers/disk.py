"""Whether a disk has room for files."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# A disk with less than this is full: a molecule's few files need more.
_ROOM_BYTES = 64 * 1024


def is_full(folder: Path) -> bool:
    """Whether a disk has no room for files in a folder, or a quota leaves none."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            os.posix_fallocate(trial.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        return error.errno in NO_ROOM
    return False
