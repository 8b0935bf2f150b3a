"""The workers of a store, as people are told of them."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.errors import StoreError
from workers.job import JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from workers.fit import Offer
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import WorkerSeen

STARTING = "a worker is starting"
# How many running jobs are looked at.
_PAGE, _PAGES = 1_000, 10
# After how long, and how often, it is looked whether a worker is there.
_ABSENT_AFTER_S, _ABSENT_EVERY_S = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Workforce:
    """The workers that a store knows, the most recently heard first."""

    seen: tuple[WorkerSeen, ...] = ()
    is_starting: bool = False  # none lives, and one was started here that the store has not heard of
    running: tuple[Job, ...] | None = None  # on all of them; None: not read

    @property
    def living(self) -> tuple[WorkerSeen, ...]:
        """Those that live."""
        return tuple(worker for worker in self.seen if worker.alive)

    def offers(self) -> list[Offer]:
        """Say what each living worker has left."""
        from workers.fit import Offer

        on: dict[str, list[Job]] = {}
        for job in self.running or ():
            on.setdefault(job.worker, []).append(job)
        return [
            Offer(worker.beat, worker.host, tuple(on.get(worker.beat.worker, ()))) for worker in self.living
        ]

    def has_deserted(self, job: Job) -> bool:
        """Whether a job was started, and no worker lives: neither its own nor one that would take it up."""
        return job.state is JobState.RUNNING and not self.living

    def deserted(self) -> str:
        """Say what became of the worker of such a job, and who takes the job up."""
        return f"its worker is gone or cut off, and {STARTING if self.is_starting else 'no other lives'}"


def read_workforce(store: Store, home: Path, *, is_room_wanted: bool = False) -> Workforce:
    """Read which workers live.

    Args:
        store: which store's.
        home: the directory of the local store.
        is_room_wanted: read what runs on them, too.

    Raises:
        StoreError: the store cannot be read.
    """
    seen = tuple(store.workers())
    if any(worker.alive for worker in seen):
        return Workforce(seen, running=_running(store) if is_room_wanted else None)
    if store.kind != "local":
        return Workforce(seen)
    from workers.runtime.autostart import is_starting

    return Workforce(seen, is_starting(home))


def _running(store: Store) -> tuple[Job, ...]:
    """Read the jobs that run, as far as is reasonable."""
    found: list[Job] = []
    query = Query(states=frozenset({JobState.RUNNING}), sort=SortKey.NUMBER, limit=_PAGE)
    for _ in range(_PAGES):
        page = store.page(query)
        found += page.items
        if not page.cursor:
            break
        query = query._replace(cursor=page.cursor)
    return tuple(found)


def with_workforce(store: Store, home: Path, job: Job) -> tuple[Job, Workforce]:
    """Read which workers live, what runs on them if the job is ready, and the job again if that changed it.

    Its worker may have ended it and left: a worker is in the store before it claims a job, and leaves after
    the end of its last one is recorded.  That of a job which is unchanged by then is gone.

    Raises:
        JobNotFound: the job is gone.
        StoreError: the store cannot be read.
    """
    while True:
        found = read_workforce(store, home, is_room_wanted=job.state is JobState.QUEUED)
        has_begun = any(one.id == job.id for one in found.running or ())
        if not (has_begun or found.has_deserted(job)):
            return job, found
        before, job = job, store.get(job.id)
        if (before.state, before.attempt) == (job.state, job.attempt):
            return job, found


class Absence:
    """Reports once that jobs need a worker and none is running."""

    def __init__(self, store: Store, home: Path) -> None:
        self._store = store
        self._home = home
        self._look_at = time.monotonic() + _ABSENT_AFTER_S
        self._is_told = False

    def remarks(self, tally: Mapping[JobState, int]) -> Iterator[str]:
        """Say so, if there are such jobs by their counts; a store that does not answer now says nothing."""
        are_waiting = tally.get(JobState.QUEUED) or tally.get(JobState.RUNNING)
        if self._is_told or not are_waiting or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _ABSENT_EVERY_S
        with suppress(StoreError):
            found = read_workforce(self._store, self._home)
            self._is_told = not (found.living or found.is_starting)
        if self._is_told:
            from nox_cli.hints import start_one

            yield f"no worker is there to run what waits; {start_one()}"
