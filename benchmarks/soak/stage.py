"""The parts a soak plays with: a store of its own, and the seats its workers sit in."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.nox import Nox, Worker
from tests.processes import arguments, descendants
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from workers.errors import StoreError
from workers.store.opening import StoreSettings, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    from workers.store.base import Store

    T = TypeVar("T")

OWNER = "soak"
SEATS = 3
NAMES = "job-"  # how every job's name begins
DRAIN_S = 2
# A store that should answer again by now.
PATIENCE_S = 60.0
# Of the replies to submits, one in so many is lost on the way.
LOSE_EVERY = 7
_WORDS = (
    "--slots",
    "2",
    "--cores",
    "2",
    "--memory",
    "64G",
    "--log-format",
    "json",
    "--connect-timeout",
    "600",
)


def now_ms() -> int:
    """The time by the clock the stores read too."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Seat:
    """A place for one worker after the other; over Redis each has a wire of its own."""

    wire: Proxy | None
    worker: Worker | None = None
    is_ending: bool = False  # it was asked to
    past: list[Worker] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The worker's process; 0: the seat is empty."""
        return self.worker.pid if self.worker is not None else 0


class Stage:
    """One store, its seats, and the environment that submitters run in."""

    def __init__(self, folder: Path, *, redis: bool) -> None:
        home = folder / "state"
        for made in (home, folder / "tmp", folder / "redis", folder / "structures"):
            made.mkdir(mode=0o700)
        self.folder = folder
        self.redis = RedisServer(folder / "redis") if redis else None
        self.nox = Nox(home, self.redis.url if self.redis else None)
        self.nox.environ |= {
            "NOX_USER": OWNER,
            "NOX_AUTOSTART": "never",
            "TMPDIR": str(folder / "tmp"),
        }
        self._front: Proxy | None = None
        if self.redis is not None:
            self._front = Proxy(self.redis.port)
            self._front.lose_replies(NAMES.encode(), every=LOSE_EVERY)
        self.seats = [Seat(Proxy(self.redis.port) if self.redis else None) for _ in range(SEATS)]

    @property
    def scratch(self) -> Path:
        """Where workers make their scratch folders."""
        return self.folder / "tmp" / f"nox-{os.getuid()}"

    @property
    def front_url(self) -> str | None:
        """Where those who submit find Redis, over a wire on which replies are lost."""
        return self._front.url if self._front is not None else None

    def open_store(self, *, over_front: bool = False) -> Store:
        """Open the store in this process; it must answer before long."""
        url = self.front_url if over_front else self.nox.redis_url
        settings = StoreSettings(redis_url=url, prefix="nox:", home=self.nox.home)
        return insist(lambda: open_store(settings))

    def seat(self, seat: Seat, *words: str) -> None:
        """Start a worker in an empty seat."""
        wire = {"REDIS_URL": seat.wire.url} if seat.wire else {}
        seat.is_ending = False
        seat.worker = self.nox.worker(*_WORDS, "--drain-timeout", str(DRAIN_S), *words, env=wire)

    def leave(self, seat: Seat) -> None:
        """Empty a seat whose worker ends; it must do so before long."""
        assert seat.worker is not None
        seat.worker.wait(PATIENCE_S)
        seat.past.append(seat.worker)
        seat.worker = None

    def keepers(self, seat: Seat) -> dict[int, set[int]]:
        """Find a worker's keepers, and the engines of each."""
        if seat.worker is None:
            return {}
        below = {pid: descendants(pid) for pid in seat.worker.look()}
        return {
            pid: engines
            for pid, engines in below.items()
            if engines and "workers.keeper_process" in arguments(pid)
        }

    def close(self) -> None:
        """End everything.

        Raises:
            AssertionError: a process was left, or had died unasked.
        """
        try:
            self.nox.close()
        finally:
            for wire in (self._front, *(seat.wire for seat in self.seats)):
                if wire is not None:
                    wire.close()
            if self.redis is not None:
                self.redis.close()


def insist(call: Callable[[], T], limit_s: float = PATIENCE_S) -> T:
    """Call the store until it answers.

    Raises:
        StoreError: it did not within the limit.
    """
    end = time.monotonic() + limit_s
    while True:
        try:
            return call()
        except StoreError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
