"""The cores and the memory of a worker, and the one lock around looking at them, claiming and giving back.

Held from before a claim until the claimed job has taken its share, so that slots never overcommit.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.job import Job, Lease


class Room:
    """What jobs may still have, and how many more there may be.  Every change is under `lock`."""

    def __init__(self, cores: int, memory_bytes: int, jobs: int | None = None) -> None:
        self.lock = threading.Lock()
        self._jobs = jobs
        self.cores = self.all_cores = cores
        self.memory_bytes = self.all_memory_bytes = memory_bytes
        self._taken: dict[Lease, Job] = {}

    @property
    def busy(self) -> int:
        """How many jobs have a share; may be read without the lock."""
        return len(self._taken)

    @property
    def is_spent(self) -> bool:
        """Whether there were as many jobs as there may be."""
        return self._jobs is not None and self._jobs <= 0

    def take(self, lease: Lease, job: Job) -> None:
        """Give a job its share."""
        self._taken[lease] = job
        self.cores -= job.cores
        self.memory_bytes -= job.memory_bytes
        if self._jobs is not None:
            self._jobs -= 1

    def put_back(self, lease: Lease) -> None:
        """Take a job's share back; harmless to repeat."""
        job = self._taken.pop(lease, None)
        if job is not None:
            self.cores += job.cores
            self.memory_bytes += job.memory_bytes
