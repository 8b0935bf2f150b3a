"""How soon a key of a live view is drawn while a batch runs."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, percentile
from benchmarks.ground import Ground, local_ground, redis_ground

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS, PRESSES = 20_000, 100
LIMIT_S = 30.0
# The last line of the view, without and with the list of keys.
LINES = (b"? keys", b"exit code 130")


def measure() -> list[Figure]:
    """Press a key again and again while a worker of one slot runs a batch, on both stores."""
    figures = []
    for name, made in (("local", local_ground), ("redis", redis_ground)):
        with made() as ground, _view(ground) as terminal, ground.worker(1):
            _wait_for(terminal, LINES[0])
            took_s = [_press(terminal, LINES[number % 2]) for number in range(1, PRESSES + 1)]
        what = f"key of a live view, until it is drawn, {name}, p95"
        figures.append(Figure(what, 1_000 * percentile(took_s, 0.95), "ms", 100))
    return figures


@contextmanager
def _view(ground: Ground) -> Iterator[int]:
    """Watch a batch on a terminal; yield the terminal."""
    ground.nox("submit", "-", "--no-start", stdin='{"kind": "echo"}\n' * JOBS)
    terminal, inside = pty.openpty()
    view = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "nox_cli", "watch", "@last"],
        env=ground.environ | {"TERM": "xterm"},
        stdin=inside,
        stdout=inside,
        stderr=subprocess.DEVNULL,
    )
    os.close(inside)
    try:
        yield terminal
    finally:
        view.terminate()
        view.wait(LIMIT_S)
        os.close(terminal)


def _press(terminal: int, line: bytes) -> float:
    """Press `?` at a time of its own; return how many seconds the answer took."""
    time.sleep(0.05)
    while select.select([terminal], [], [], 0)[0]:
        os.read(terminal, 65_536)
    began = time.monotonic()
    os.write(terminal, b"?")
    _wait_for(terminal, line)
    return time.monotonic() - began


def _wait_for(terminal: int, line: bytes) -> None:
    """Read until the terminal shows a line.

    Raises:
        TimeoutError: it did not.
    """
    read = b""
    while line not in read:
        if not select.select([terminal], [], [], LIMIT_S)[0]:
            raise TimeoutError(f"waited {LIMIT_S:.0f} s for {line!r} after {read!r}")
        read += os.read(terminal, 65_536)
