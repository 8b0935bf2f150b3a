"""The capacity of a worker: its free cores and memory, and the lock around claims.

The lock is held from before a claim until the claimed job has taken its share, so slots never overcommit.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from workers.job import Job, Lease


class Room:
    """Counts the cores, memory and jobs that a worker may still take.  Change it only within `with room`.

    The jobs of a slot run one after the other, so that it needs the most that any of them asks for.
    """

    def __init__(self, cores: int, memory_bytes: int, jobs: int | None = None) -> None:
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._waiting = 0
        self._is_closed = False
        self._jobs = jobs
        self.cores = self.all_cores = cores
        self.memory_bytes = self.all_memory_bytes = memory_bytes
        self._slots: dict[Lease, int] = {}
        self._held: dict[int, dict[Lease, Job]] = {}  # by slot
        self._shares: dict[int, tuple[int, int]] = {}  # cores and memory, by slot

    def __enter__(self) -> Self:
        """Acquire the lock."""
        self._left.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lock, and wake the threads that wait for capacity, if some is left."""
        if self._waiting and self.is_left:
            self._left.notify_all()
        self._left.release()

    @property
    def is_left(self) -> bool:
        """Whether any job could have a share."""
        return self.cores > 0 and self.memory_bytes > 0

    @property
    def busy(self) -> int:
        """The number of slots that have a share; may be read without the lock."""
        return len(self._held)

    @property
    def is_quiet(self) -> bool:
        """Whether no job has a share and none is being claimed; may be read without the lock."""
        return not (self._lock.locked() or self._held)

    @property
    def is_spent(self) -> bool:
        """Whether the worker has taken as many jobs as it may."""
        return self._jobs is not None and self._jobs <= 0

    def jobs_left(self, most: int) -> int:
        """Return how many jobs the worker may still take, `most` at most."""
        return most if self._jobs is None else max(0, min(most, self._jobs))

    def left(self, slot: int) -> tuple[int, int]:
        """Return the cores and memory, in bytes, that another job of a slot may use."""
        cores, memory_bytes = self._shares.get(slot, (0, 0))
        return self.cores + cores, self.memory_bytes + memory_bytes

    def wait(self, limit_s: float) -> bool:
        """Wait until there is capacity, or `close` is called; return False after `limit_s`.

        A slot that listens for jobs without capacity for one would keep other workers from hearing of them.
        """
        with self._left:
            self._waiting += 1
            try:
                return self._left.wait_for(lambda: self.is_left or self._is_closed, limit_s)
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Wake all threads that wait, and let none wait from now on."""
        with self._left:
            self._is_closed = True
            self._left.notify_all()

    def has(self, lease: Lease) -> bool:
        """Whether a job has its share."""
        return lease in self._slots

    def take(self, lease: Lease, job: Job, slot: int) -> None:
        """Reserve the share of a job that a slot runs, or holds for later."""
        self._slots[lease] = slot
        self._held.setdefault(slot, {})[lease] = job
        cores, memory_bytes = self._shares.get(slot, (0, 0))
        self._set_share(slot, max(cores, job.cores), max(memory_bytes, job.memory_bytes))
        if self._jobs is not None:
            self._jobs -= 1

    def put_back(self, *leases: Lease) -> None:
        """Release the shares of jobs; harmless to repeat."""
        found = [(slot, lease) for lease in leases if (slot := self._slots.pop(lease, None)) is not None]
        for slot, lease in found:
            del self._held[slot][lease]
        for slot in {slot for slot, _ in found}:
            jobs = self._held[slot].values()
            if not jobs:
                del self._held[slot]
            cores = max((job.cores for job in jobs), default=0)
            self._set_share(slot, cores, max((job.memory_bytes for job in jobs), default=0))

    def _set_share(self, slot: int, cores: int, memory_bytes: int) -> None:
        cores_before, memory_before = self._shares.pop(slot, (0, 0))
        self.cores += cores_before - cores
        self.memory_bytes += memory_before - memory_bytes
        if slot in self._held:
            self._shares[slot] = cores, memory_bytes
