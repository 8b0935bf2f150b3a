"""Looks at other processes through /proc."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not yet waited for does not."""
    return _state_and_parent(pid)[0] not in {"", "Z", "X"}


def parent(pid: int) -> int:
    """Return the parent of a process; 0 of one that is gone."""
    return _state_and_parent(pid)[1]


def descendants(pid: int) -> set[int]:
    """Find the children of a process, their children and so on."""
    parents = {child: _state_and_parent(child)[1] for child in _pids()}
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def with_environment(setting: str) -> set[int]:
    """Find the living processes that were started with `NAME=value` in their environment."""
    wanted = setting.encode()
    return {pid for pid in _pids() if wanted in _read(pid, "environ").split(b"\0") and is_alive(pid)}


def arguments(pid: int) -> list[str]:
    """Read how a process was started; nothing of one that is gone."""
    return _read(pid, "cmdline").decode(errors="replace").split("\0")[:-1]


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    for link in (PROC / str(pid) / "fd").glob("*"):
        with suppress(OSError):
            if link.readlink() == path:
                return True
    return False


def masked(pid: int, which: str) -> set[int]:
    """Find the signals in a mask of a process: SigCgt, SigIgn or SigBlk."""
    found = re.search(rf"^{which}:\s*([0-9a-f]+)".encode(), _read(pid, "status"), re.MULTILINE)
    mask = int(found[1], 16) if found else 0
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def end(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _state_and_parent(pid: int) -> tuple[str, int]:
    """Read the one-letter state and the parent; nothing and 0 of a process that is gone."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return (fields[0].decode(), int(fields[1])) if fields else ("", 0)
