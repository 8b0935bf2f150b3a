"""One contract for every bell: a ring wakes a slot, a silence wakes one too, the end leaves nothing."""

from __future__ import annotations

import io
import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.waiting import wait_until
from workers.bell.dramatiq import DramatiqBell
from workers.bell.pipe import LocalBell, ring
from workers.logs import Log
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workers.bell.base import Bell

SLOTS = 3
LIMIT_S = 30.0
# No slot looks by itself within a test, except where that is tested.
PATIENT_S, IMPATIENT_S = 600.0, 4.0


class Tower(Protocol):
    """A bell and what belongs to it."""

    bell: Bell

    def ring(self) -> None:
        """Ring as a store does."""

    def left(self) -> list[str]:
        """Name what the bell has left behind."""


class RedisTower:
    """The Redis bell over a real server."""

    def __init__(self, url: str, home: Path) -> None:
        self.log = io.StringIO()
        settings = StoreSettings(redis_url=url, prefix="nox:", home=home)
        self._store = RedisStore.open(settings)
        self._key = self._store.bell_key
        self._client = self._store.bell_client()
        self.bell: Bell = DramatiqBell(self._store.bell_client(2 * PATIENT_S), self._key, Log(self.log))

    def ring(self) -> None:
        """Push, as the store's scripts do."""
        self._client.rpush(self._key, "1")

    def left(self) -> list[str]:
        """Name the keys in the server."""
        return [key.decode() for key in self._client.scan_iter()]

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
        self._store.close()


class LocalTower:
    """The local bell over a pipe in a directory."""

    def __init__(self, home: Path) -> None:
        self._pipe = home / "bell"
        self._home = home
        self.bell: Bell = LocalBell(self._pipe)

    def ring(self) -> None:
        """Write, as submit does."""
        ring(self._pipe)

    def left(self) -> list[str]:
        """Name what lies in the directory beside the pipe, which is the store's."""
        return [name for name in os.listdir(self._home) if name != "bell"]  # noqa: PTH208

    def close(self) -> None:
        """Do nothing."""


class Drains:
    """What slots do when they are woken: count, and wait if they are told to."""

    def __init__(self) -> None:
        self.count = 0
        self.inside = 0
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Be called by a slot."""
        with self._lock:
            self.count += 1
            self.inside += 1
        self.gate.wait()
        with self._lock:
            self.inside -= 1


@pytest.fixture
def look_every_s() -> float:
    """How long a bell is silent before a slot looks by itself."""
    return PATIENT_S


@pytest.fixture(params=["redis", "local"])
def tower(request: pytest.FixtureRequest, home: Path, look_every_s: float) -> Iterator[Tower]:
    """A bell of each kind."""
    built: RedisTower | LocalTower
    if request.param == "redis":
        built = RedisTower(request.getfixturevalue("redis_url"), home)
    else:
        built = LocalTower(home)
    built.bell.look_every_s = look_every_s
    yield built
    built.close()


@pytest.fixture
def drains() -> Drains:
    """Counts what slots are called for."""
    return Drains()


@pytest.fixture
def started(tower: Tower, drains: Drains) -> Iterator[Tower]:
    """A bell whose slots have had their first look and listen now."""
    tower.bell.start(SLOTS, drains, roomy)
    wait_until(lambda: drains.count >= SLOTS and not drains.inside, LIMIT_S, "the first look of every slot")
    yield tower
    drains.gate.set()
    tower.bell.stop(LIMIT_S)


def roomy(_limit_s: float) -> bool:
    """There is always room for another job."""
    return True


def wait_for(count: Callable[[], int], expected: int) -> None:
    """Wait until something was counted up to a number."""
    wait_until(lambda: count() == expected, LIMIT_S, lambda: f"{expected}, only {count()}")


def settled(drains: Drains) -> int:
    """Wait until no slot is woken any more for a moment, and count."""
    counts: list[int] = []

    def is_quiet() -> bool:
        counts.append(drains.count)
        return len(counts) > 20 and len(set(counts[-20:])) == 1

    wait_until(is_quiet, LIMIT_S, "a moment of quiet")
    return drains.count


def test_every_slot_looks_at_the_start(started: Tower, drains: Drains) -> None:
    """
    Work that was there before the worker is found without a ring.
    """
    assert SLOTS == drains.count
    assert [] == started.left()


def test_a_ring_wakes_an_idle_slot(started: Tower, drains: Drains) -> None:
    """
    One ring, and one slot looks, long before it would have by itself.
    """
    for _ in range(5):
        before = drains.count
        started.ring()
        wait_for(lambda: drains.count, before + 1)

    assert SLOTS + 5 == settled(drains)


@pytest.mark.parametrize("look_every_s", [IMPATIENT_S])
@pytest.mark.usefixtures("started")
def test_a_lost_ring_costs_one_silence(drains: Drains) -> None:
    """
    If nobody rings, a slot looks all the same, once.
    """
    wait_until(lambda: drains.count > SLOTS, LIMIT_S, "a slot that looks by itself")

    assert SLOTS + 1 == settled(drains)


def test_bell_all_slots_can_be_busy_at_once(started: Tower, drains: Drains) -> None:
    """
    While slots run jobs the next ring wakes another, up to the last; then rings wait, and none is lost.
    """
    drains.gate.clear()
    for busy in range(1, SLOTS + 1):
        started.ring()
        wait_for(lambda: drains.inside, busy)
    started.ring()
    full = settled(drains)

    drains.gate.set()

    wait_until(lambda: drains.count == 2 * SLOTS + 1, LIMIT_S, "the ring that waited")
    assert 2 * SLOTS == full


def test_bell_who_has_no_room_leaves_rings_to_others(tower: Tower, drains: Drains) -> None:
    """
    A ring is not taken while no job could start here, and is heard as soon as one could.
    """
    room = threading.Event()
    tower.bell.start(SLOTS, drains, room.wait)
    wait_until(lambda: drains.count >= SLOTS and not drains.inside, LIMIT_S, "the first look of every slot")
    tower.ring()
    without = settled(drains)

    room.set()

    wait_until(lambda: drains.count > SLOTS, LIMIT_S, "a slot that looks")
    assert SLOTS == without
    tower.bell.stop(LIMIT_S)


def test_extra_rings_are_harmless(started: Tower, drains: Drains) -> None:
    """
    However often it is rung, no slot is stuck, and the bell still works.
    """
    for _ in range(200):
        started.ring()
    before = settled(drains)

    started.ring()

    wait_until(lambda: drains.count > before, LIMIT_S, "a slot woken after the storm")
    assert 0 == drains.inside


def test_stopping_is_prompt_and_leaves_nothing(tower: Tower, drains: Drains) -> None:
    """
    After `stop` no thread listens, nothing is held open, and nothing lies in the store.
    """
    descriptors, threads = _descriptors(), set(threading.enumerate())
    tower.bell.start(SLOTS, drains, roomy)
    wait_until(lambda: drains.count >= SLOTS, LIMIT_S, "the first look of every slot")

    began = time.monotonic()
    tower.bell.stop(LIMIT_S)
    took_s = time.monotonic() - began

    assert took_s < LIMIT_S
    assert set(threading.enumerate()) <= threads
    assert _descriptors() <= descriptors
    tower.ring()
    assert SLOTS == settled(drains)
    assert set(tower.left()) <= {"nox:bell"}


def test_stopping_waits_for_slots_at_work(tower: Tower, drains: Drains) -> None:
    """
    A slot inside `drain` is waited for.
    """
    tower.bell.start(SLOTS, drains, roomy)
    wait_until(lambda: drains.count >= SLOTS and not drains.inside, LIMIT_S, "the first look of every slot")
    drains.gate.clear()
    tower.ring()
    wait_until(lambda: drains.inside == 1, LIMIT_S, "a busy slot")
    stopper = threading.Thread(target=tower.bell.stop, args=(LIMIT_S,))
    stopper.start()
    stopper.join(0.3)
    waited = stopper.is_alive()

    drains.gate.set()
    stopper.join(LIMIT_S)

    assert (True, False, 0) == (waited, stopper.is_alive(), drains.inside)


def test_passing_on_wakes_a_slot_where_the_store_does_not(started: Tower, drains: Drains) -> None:
    """
    The local store leaves ringing for the next slot to the worker; Redis does it itself.
    """
    started.bell.pass_on()

    expected = SLOTS + (1 if isinstance(started.bell, LocalBell) else 0)
    wait_until(lambda: drains.count >= expected, LIMIT_S, "the slot that was woken")
    assert expected == settled(drains)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
