"""Engine processes that have outlived their worker, which should not happen."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from workers.machine import PROC

if TYPE_CHECKING:
    from pathlib import Path

_KEEPER = b"workers.keeper.process"
# The time that a keeper has to end after its worker has died.
_SETTLE_S = 1.0


def orphans(proc: Path = PROC) -> list[int]:
    """List the keepers and engine children of this user that belong to no living worker."""
    found = _orphans(proc)
    if found:
        time.sleep(_SETTLE_S)
        found &= _orphans(proc)
    return sorted(found)


def _orphans(proc: Path) -> set[int]:
    pids = [entry.name for entry in proc.iterdir() if entry.name.isdigit()] if proc.is_dir() else []
    return {int(pid) for pid in pids if _is_keeper(proc / pid) and not _has_parent(proc, proc / pid)}


def _is_keeper(process: Path) -> bool:
    try:
        if process.stat().st_uid != os.geteuid() or _fields(process)[0] == "Z":
            return False
        return _KEEPER in (process / "cmdline").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return False  # it has ended


def _has_parent(proc: Path, process: Path) -> bool:
    """Whether the parent of a process still lives: one that adopts orphans is another program."""
    try:
        return (process / "exe").readlink() == (proc / _fields(process)[1] / "exe").readlink()
    except (OSError, IndexError):
        return not process.exists()


def _fields(process: Path) -> list[str]:
    """Read the state and the parent of a process."""
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
