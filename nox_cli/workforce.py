"""The workers of a store, as people are told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import WorkerSeen

START_ONE = "start one: nox worker"
STARTING = "a worker is starting"


@dataclass(frozen=True, slots=True)
class Workforce:
    """The workers that a store has heard of, newest word first."""

    seen: tuple[WorkerSeen, ...] = ()
    is_starting: bool = False  # none lives, and one was started here that the store has not heard of

    @property
    def living(self) -> tuple[WorkerSeen, ...]:
        """Those that live."""
        return tuple(worker for worker in self.seen if worker.alive)

    def has_deserted(self, job: Job) -> bool:
        """Whether a job was started, and no worker lives: neither its own nor one that would take it up."""
        return job.state is JobState.RUNNING and not self.living

    def deserted(self) -> str:
        """Say what became of the worker of such a job, and who takes the job up."""
        return f"its worker is gone or cut off, and {STARTING if self.is_starting else 'no other lives'}"


def read_workforce(store: Store, home: Path) -> Workforce:
    """Read which workers live.

    Args:
        store: which store's.
        home: the directory of the local store.

    Raises:
        StoreError: the store cannot be read.
    """
    seen = tuple(store.workers())
    if store.kind != "local" or any(worker.alive for worker in seen):
        return Workforce(seen)
    from workers.autostart import is_starting

    return Workforce(seen, is_starting(home))


def with_workforce(store: Store, home: Path, job: Job) -> tuple[Job, Workforce]:
    """Read which workers live, and a job that seems deserted again: its worker may have ended it and left.

    A worker is in the store before it claims a job, and leaves after the end of its last one is recorded:
    the worker of a job that is unchanged by then is gone.

    Raises:
        JobNotFound: the job is gone.
        StoreError: the store cannot be read.
    """
    while True:
        found = read_workforce(store, home)
        if not found.has_deserted(job):
            return job, found
        before, job = job, store.get(job.id)
        if (before.state, before.attempt) == (job.state, job.attempt):
            return job, found
