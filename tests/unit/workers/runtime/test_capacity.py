"""The room of a worker: who waits for it is let go on once there is some for another job."""

from __future__ import annotations

import threading

import pytest

from tests.support.stores import ADA, GIB, WORKER
from tests.support.waiting import wait_until
from workers.job import Job, JobState, Lease
from workers.runtime.capacity import Room

LIMIT_S = 10.0
FAR_S = 60.0  # who is told nothing looks again only after that
LARGE = Job("a" * 32, 1, JobState.RUNNING, ADA, "sp", 0, cores=2, memory_bytes=GIB)
SMALL = Job("b" * 32, 2, JobState.RUNNING, ADA, "sp", 0, cores=1, memory_bytes=GIB)


def lease(job: Job) -> Lease:
    """The right to run a job."""
    return Lease(job.id, 1, WORKER)


class Waiting:
    """Somebody who waits for room, in a thread of its own."""

    def __init__(self, room: Room) -> None:
        self.found: bool | None = None
        self._thread = threading.Thread(target=self._wait, args=(room,), daemon=True)
        self._thread.start()
        wait_until(lambda: room._waiting == 1, LIMIT_S, "somebody to wait")

    def _wait(self, room: Room) -> None:
        self.found = room.wait(FAR_S)

    def end(self) -> bool | None:
        """Wait until it has an answer."""
        self._thread.join(LIMIT_S)
        return self.found


@pytest.fixture
def full() -> Room:
    """Two cores, taken by one job."""
    room = Room(2, 8 * GIB)
    with room:
        room.take(lease(LARGE), LARGE)
    return room


def test_capacity_nobody_waits_where_there_is_room() -> None:
    """
    One core is room enough for some job.
    """
    room = Room(2, 8 * GIB)
    with room:
        room.take(lease(SMALL), SMALL)

    assert room.wait(0)


@pytest.mark.parametrize(("cores", "memory_bytes"), [(2, 8 * GIB), (4, GIB)])
def test_capacity_no_core_and_no_memory_are_no_room(cores: int, memory_bytes: int) -> None:
    """
    A job takes either.
    """
    room = Room(cores, memory_bytes)
    with room:
        room.take(lease(LARGE), LARGE)

    assert not room.wait(0)


def test_a_smaller_job_in_the_place_of_a_large_one_leaves_room(full: Room) -> None:
    """
    Whoever waited goes on when the next job takes less than the one before left.
    """
    other = Waiting(full)

    with full:
        full.put_back(lease(LARGE))
        full.take(lease(SMALL), SMALL)

    assert other.end() is True


def test_capacity_who_takes_the_place_of_another_wakes_nobody(full: Room) -> None:
    """
    What one job gives back and the next takes in the same step is nobody else's.
    """
    other = Waiting(full)
    again = Lease(LARGE.id, 2, WORKER)

    with full:
        full.put_back(lease(LARGE))
        full.take(again, LARGE)

    assert other.found is None
    with full:
        full.put_back(again)
    assert other.end() is True


def test_capacity_nobody_waits_for_a_closed_room(full: Room) -> None:
    """
    The end of a worker is not held up.
    """
    other = Waiting(full)

    full.close()

    assert other.end() is True
