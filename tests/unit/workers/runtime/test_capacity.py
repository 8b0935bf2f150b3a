"""The room of a worker: who waits for it is let go on once there is some for another job."""

from __future__ import annotations

import threading

import pytest

from tests.support.stores import ADA, GIB, WORKER
from tests.support.waiting import wait_until
from workers.job import Job, JobState, Lease
from workers.runtime.capacity import Room

LIMIT_S = 30.0
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
        room.take(lease(LARGE), LARGE, 0)
    return room


def test_capacity_nobody_waits_where_there_is_room() -> None:
    """
    One core is room enough for some job.
    """
    room = Room(2, 8 * GIB)
    with room:
        room.take(lease(SMALL), SMALL, 0)

    assert room.wait(0)


@pytest.mark.parametrize(("cores", "memory_bytes"), [(2, 8 * GIB), (4, GIB)])
def test_capacity_no_core_and_no_memory_are_no_room(cores: int, memory_bytes: int) -> None:
    """
    A job takes either.
    """
    room = Room(cores, memory_bytes)
    with room:
        room.take(lease(LARGE), LARGE, 0)

    assert not room.wait(0)


def test_a_smaller_job_in_the_place_of_a_large_one_leaves_room(full: Room) -> None:
    """
    Whoever waited goes on when the next job takes less than the one before left.
    """
    other = Waiting(full)

    with full:
        full.put_back(lease(LARGE))
        full.take(lease(SMALL), SMALL, 0)

    assert other.end() is True


def test_capacity_who_takes_the_place_of_another_wakes_nobody(full: Room) -> None:
    """
    What one job gives back and the next takes in the same step is nobody else's.
    """
    other = Waiting(full)
    again = Lease(LARGE.id, 2, WORKER)

    with full:
        full.put_back(lease(LARGE))
        full.take(again, LARGE, 0)

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


def test_capacity_a_slot_needs_the_most_that_one_of_its_jobs_asks_for() -> None:
    """
    Its jobs run one after the other; the share shrinks with the largest, and goes with the last.
    """
    room = Room(4, 8 * GIB)
    heavy = SMALL._replace(id="c" * 32, memory_bytes=5 * GIB)
    with room:
        for job in (SMALL, LARGE, heavy):
            room.take(lease(job), job, 0)
        assert (2, 3 * GIB, 1) == (room.cores, room.memory_bytes, room.busy)
        assert [(4, 8 * GIB), (2, 3 * GIB)] == [room.left(0), room.left(1)]
        room.put_back(lease(heavy))
        assert (2, 7 * GIB, 1) == (room.cores, room.memory_bytes, room.busy)
        room.put_back(lease(LARGE))
        assert (3, 7 * GIB, 1) == (room.cores, room.memory_bytes, room.busy)
        room.put_back(lease(SMALL))
        assert (4, 8 * GIB, 0) == (room.cores, room.memory_bytes, room.busy)
    assert room.is_quiet


def test_capacity_another_slot_has_a_share_of_its_own() -> None:
    """
    Two slots need as much as their largest jobs together.
    """
    room = Room(4, 8 * GIB)
    other = SMALL._replace(id="c" * 32)
    with room:
        room.take(lease(LARGE), LARGE, 0)
        room.take(lease(SMALL), SMALL, 0)
        room.take(lease(other), other, 1)
        assert (1, 6 * GIB, 2) == (room.cores, room.memory_bytes, room.busy)
        room.put_back(lease(LARGE), lease(SMALL))
        assert (3, 7 * GIB, 1) == (room.cores, room.memory_bytes, room.busy)


def test_capacity_a_share_is_put_back_once() -> None:
    """
    To repeat that is harmless, and to put back what was never taken.
    """
    room = Room(2, 8 * GIB)
    with room:
        room.take(lease(SMALL), SMALL, 0)
        assert [True, False] == [room.has(lease(SMALL)), room.has(lease(LARGE))]
        room.put_back(lease(SMALL), lease(SMALL), lease(LARGE))
        room.put_back(lease(SMALL))
        assert not room.has(lease(SMALL))
    assert (2, 8 * GIB, 0) == (room.cores, room.memory_bytes, room.busy)


def test_capacity_the_jobs_that_a_worker_may_take_are_counted() -> None:
    """
    Each counts, also those that share a slot, and does not count again as it ends.
    """
    room = Room(2, 8 * GIB, jobs=2)
    assert 2 == room.jobs_left(5)
    with room:
        room.take(lease(SMALL), SMALL, 0)
        room.take(lease(LARGE), LARGE, 0)
        room.put_back(lease(SMALL), lease(LARGE))
    assert (0, True) == (room.jobs_left(5), room.is_spent)
    assert 5 == Room(2, 8 * GIB).jobs_left(5)
