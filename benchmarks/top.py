"""`nox top` with many jobs: the first drawing, a page, the end, a filter; and what it takes while it is idle.

TOP_JOBS: the number of jobs.  Times are processor times of the program and of its server, which other load
changes little; they end when the text that is waited for was written to the terminal.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import closing
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from benchmarks.figures import Figure
from benchmarks.ground import local_ground, redis_ground
from benchmarks.processes import cpu_seconds
from benchmarks.queries import server_s
from tests.support.stores import beat, claim
from workers.job import NewJob, Progress
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from benchmarks.ground import Ground
    from workers.job import Lease
    from workers.store.base import Store

JOBS = int(os.environ.get("TOP_JOBS", "100000"))
OWNER = "ada"
RUNNING = 10
WATCHED_S = 20.0
COLUMNS, LINES = 80, 24
_LIMIT_S = 120.0
_AT_ONCE = 10_000
# What is written within this time is one drawing.
_FRAME_S = 0.02


def measure() -> list[Figure]:
    """Fill each store, and look at it."""
    with redis_ground(["--appendonly", "no"]) as ground:
        figures = list(_measure(ground, "redis"))
    with local_ground() as ground:
        return [*figures, *_measure(ground, "local")]


def _measure(ground: Ground, kind: str) -> Iterator[Figure]:
    ground.environ.update(NOX_USER=OWNER, NOX_AUTOSTART="never", TERM="xterm-256color")
    with closing(ground.store()) as store:
        for start in range(0, JOBS, _AT_ONCE):
            jobs = [_job(number) for number in range(start, min(JOBS, start + _AT_ONCE))]
            store.submit(jobs, submission=uuid4().hex)
        among = f"{kind}, {JOBS:,} jobs"
        with Screen(ground) as screen:
            yield Figure(f"{among}, top: first drawing", screen.cpu_s("", _name(JOBS - 1)), "s", 2)
            page = LINES - 6
            yield Figure(f"{among}, top: a page down", screen.cpu_s("\x06", _name(JOBS - 1 - page)), "s", 0.1)
            yield Figure(f"{among}, top: to the end", screen.cpu_s("G", _name(0)), "s", 0.1)
            taken = screen.cpu_s("/mol000000?\r", _name(9))
            yield Figure(f"{among}, top: filter by name", taken, "s", 1)
            yield from _idle(screen, f"{among}, top: idle")
        leases = _begin(store)
        with Screen(ground, "@running") as screen:
            screen.cpu_s("", "opt 9")
            yield from _idle(screen, f"{among}, top: {RUNNING} jobs run", store, leases)


def _job(number: int) -> NewJob:
    spec, name = '{"kind":"echo","payload":1}', _name(number)
    return NewJob(uuid4().hex, OWNER, "echo", spec, name, "echo", name, "b0")


def _name(number: int) -> str:
    return f"mol{number:07}"


def _begin(store: Store) -> list[Lease]:
    store.tick(beat())
    leases = [claim(store).lease for _ in range(RUNNING)]
    for lease in leases:
        _step(store, lease, 9)
    return leases


def _step(store: Store, lease: Lease, step: int) -> None:
    point = Point(step, -5.0 - 1.0 / step, 0.1 / step)
    progress = Progress(None, "opt", step, point.energy_hartree, -1e-5, point.gradient_norm)
    store.progress(lease, progress, [point])


def _idle(
    screen: Screen, what: str, store: Store | None = None, leases: list[Lease] | None = None
) -> Iterator[Figure]:
    """Watch for a while; with leases, each of their jobs takes a step a second."""
    screen.read(2.0)
    before, frames, step, until = screen.used_s(), 0, 10, time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        frames += screen.read(1.0)
        step += 1
        for lease in leases or ():
            assert store is not None
            _step(store, lease, step)
        if store is not None and leases:
            store.renew(leases)
            store.tick(beat())
    used = screen.used_s() - before
    yield Figure(f"{what}, of a core", 100 * used / WATCHED_S, "%", 3)
    yield Figure(f"{what}, drawings", frames / WATCHED_S, "1/s", 2)


class Screen:
    """`nox top` on a pseudo-terminal."""

    def __init__(self, ground: Ground, *words: str) -> None:
        self._ground = ground
        self._words = words

    def __enter__(self) -> Self:
        """Start it."""
        self._terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._server_s = server_s(self._ground)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nox_cli", "top", *self._words],
            env=self._ground.environ,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self._text = b""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        while self._process.poll() is None:
            self.read(0.1)
        os.close(self._terminal)

    def used_s(self) -> float:
        """The processor time that the program has used so far."""
        return cpu_seconds(self._process.pid)

    def cpu_s(self, keys: str, wanted: str) -> float:
        """Press keys, and wait for a text; the processor time of program and server meanwhile."""
        before = self.used_s() + server_s(self._ground) if keys else self._server_s
        self._text = b""
        os.write(self._terminal, keys.encode())
        until = time.monotonic() + _LIMIT_S
        while wanted.encode() not in self._text:
            if time.monotonic() > until:
                raise RuntimeError(f"{wanted} was not drawn: {self._text[-2_000:]!r}")
            self.read(0.05)
        return self.used_s() + server_s(self._ground) - before

    def read(self, wait_s: float) -> int:
        """Read what is written within a time; how many drawings that were."""
        frames, until, newest = 0, time.monotonic() + wait_s, 0.0
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._terminal], [], [], left)[0]:
                break
            try:
                self._text += os.read(self._terminal, 1 << 16)
            except OSError:  # it has ended
                break
            frames += time.monotonic() - newest > _FRAME_S
            newest = time.monotonic()
        return frames
