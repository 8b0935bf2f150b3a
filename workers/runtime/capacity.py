"""The capacity of a worker: its free cores and memory, and the lock around claims.

The lock is held from before a claim until the claimed job has taken its share, so slots never overcommit.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from workers.job import Job, Lease


class Room:
    """Counts the cores, memory and jobs that a worker may still take.  Change it only within `with room`."""

    def __init__(self, cores: int, memory_bytes: int, jobs: int | None = None) -> None:
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._waiting = 0
        self._is_closed = False
        self._jobs = jobs
        self.cores = self.all_cores = cores
        self.memory_bytes = self.all_memory_bytes = memory_bytes
        self._taken: dict[Lease, Job] = {}

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
        """The number of jobs that have a share; may be read without the lock."""
        return len(self._taken)

    @property
    def is_quiet(self) -> bool:
        """Whether no job has a share and none is being claimed; may be read without the lock."""
        return not (self._lock.locked() or self._taken)

    @property
    def is_spent(self) -> bool:
        """Whether the worker has taken as many jobs as it may."""
        return self._jobs is not None and self._jobs <= 0

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
        return lease in self._taken

    def take(self, lease: Lease, job: Job) -> None:
        """Reserve the share of a job."""
        self._taken[lease] = job
        self.cores -= job.cores
        self.memory_bytes -= job.memory_bytes
        if self._jobs is not None:
            self._jobs -= 1

    def put_back(self, lease: Lease) -> None:
        """Release the share of a job; harmless to repeat."""
        job = self._taken.pop(lease, None)
        if job is not None:
            self.cores += job.cores
            self.memory_bytes += job.memory_bytes
