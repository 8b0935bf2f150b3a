"""The parts a soak plays with: a store of its own, and the seats its workers sit in."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.soak.history import SLOTS, Reached, pid_of
from tests.support.nox import Nox, Worker
from tests.support.processes import arguments, descendants, end, with_environment
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisServer
from workers.engine.checkpoint_file import stored
from workers.errors import StoreError
from workers.job import MAX_BUNDLED, JobState
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Query

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
# One reply to a submit in this many is lost on the way.
LOSE_EVERY = 7
_WORDS = (
    "--slots",
    f"{SLOTS}",
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

    def __init__(self, folder: Path, *, redis: bool, bundle: int = MAX_BUNDLED) -> None:
        home = folder / "state"
        for made in (home, folder / "tmp", folder / "redis", folder / "structures"):
            made.mkdir(mode=0o700)
        self.folder = folder
        self._words = (*_WORDS, "--bundle", f"{bundle}", "--drain-timeout", f"{DRAIN_S}")
        # The rules expect all that was acknowledged.  With `everysec`, a Redis that is killed while its disk
        # is slow loses up to two seconds of it: it answers, and keeps in memory what it will write later.
        self.redis = RedisServer(folder / "redis", appendfsync="always") if redis else None
        self.nox = Nox(home, self.redis.url if self.redis else None)
        self.nox.environ |= {
            "NOX_USER": OWNER,
            "NOX_AUTOSTART": "never",
            "TMPDIR": str(folder / "tmp"),
        }
        self._eye: Store | None = None  # the driver's own look at the store
        self._front: Proxy | None = None
        if self.redis is not None:
            self._front = Proxy(self.redis.port)
            self._front.lose_replies(NAMES.encode(), every=LOSE_EVERY)
        self.seats = [Seat(Proxy(self.redis.port) if self.redis else None) for _ in range(SEATS)]

    @property
    def scratch(self) -> Path:
        """The directory of the workers' scratch folders."""
        return self.folder / "tmp" / f"nox-{os.getuid()}"

    @property
    def front_url(self) -> str | None:
        """The address of Redis for submits, over a proxy that loses replies."""
        return self._front.url if self._front is not None else None

    def open_store(self, *, over_front: bool = False) -> Store:
        """Open the store in this process; it must answer before long."""
        url = self.front_url if over_front else self.nox.redis_url
        return insist(lambda: open_store(self._settings(url)))

    def seat(self, seat: Seat, *words: str) -> None:
        """Start a worker in an empty seat."""
        wire = {"REDIS_URL": seat.wire.url} if seat.wire else {}
        seat.is_ending = False
        seat.worker = self.nox.worker(*self._words, *words, env=wire)

    def leave(self, seat: Seat) -> None:
        """Empty a seat whose worker ends; it must do so before long."""
        assert seat.worker is not None
        seat.worker.wait(PATIENCE_S)
        seat.past.append(seat.worker)
        seat.worker = None

    def at_work(self) -> set[int]:
        """Find the workers that run a calculation now; none if the store does not say."""
        with suppress(StoreError):
            if self._eye is None:
                self._eye = open_store(self._settings(self.nox.redis_url))
            running = self._eye.page(Query(states=frozenset({JobState.RUNNING}))).items
            return {pid_of(job.worker) for job in running if job.kind != "echo"}
        return set()

    def reached(self, pid: int) -> dict[str, int]:
        """Find how far the checkpoints of a worker's jobs have come; nothing if the store does not say."""
        with suppress(StoreError), closing(self.open_store()) as store:
            running = store.page(Query(states=frozenset({JobState.RUNNING}))).items
            mine = [job.id for job in running if pid_of(job.worker) == pid]
            return {job_id: stored(kept).progress for job_id in mine if (kept := store.checkpoint(job_id))}
        return {}

    def reached_since(self, before: dict[str, int]) -> list[Reached]:
        """Find how far the same have come since, of jobs that have no end yet and are in no pause."""
        found = []
        with suppress(StoreError), closing(self.open_store()) as store:
            for job_id, progress in before.items():
                kept = store.checkpoint(job_id)
                job = store.get(job_id)  # read after that: what is spent by then is not missed
                if job.state in {JobState.QUEUED, JobState.RUNNING} and not job.retried:
                    found.append(Reached(job_id, progress, stored(kept).progress if kept else 0))
        return found

    def keepers(self, seat: Seat) -> dict[int, set[int]]:
        """Find a worker's keepers, and the engines of each."""
        if seat.worker is None:
            return {}
        below = {pid: descendants(pid) for pid in descendants(seat.pid)}
        return {
            pid: engines
            for pid, engines in below.items()
            if engines and "workers.keeper.process" in arguments(pid)
        }

    def processes(self) -> set[int]:
        """Find every living process of this soak by its environment; numbers are soon given out again."""
        return with_environment(f"TMPDIR={self.folder / 'tmp'}")

    def _settings(self, redis_url: str | None) -> StoreSettings:
        return StoreSettings(redis_url=redis_url, prefix="nox:", home=self.nox.home)

    def close(self) -> None:
        """End everything."""
        if self._eye is not None:
            self._eye.close()
        for pid in self.processes():
            end(pid)
        for seat in self.seats:
            if seat.worker is not None:
                self.leave(seat)
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
