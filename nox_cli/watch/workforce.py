"""The workers of a store: which of them live, what runs on them, and what they lack for a job."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted, job_title
from nox_cli.hints import WORKER, start_one
from nox_cli.watch.pools import PoolsSeen, read_pools
from workers.errors import StoreError
from workers.fit import Resource, may_run
from workers.job import MEMORY_STEP_BYTES, Job, JobState
from workers.sizes import MIB, size_words
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from workers.fit import Offer
    from workers.store.base import Store
    from workers.store.values import WorkerSeen

STARTING = "a worker is starting"
# The most running jobs that are read, in pages.
_PAGE, _PAGES = 1_000, 10
# Seconds before, and between, checks whether a worker lives.
_ABSENT_AFTER_S, _ABSENT_EVERY_S = 1.0, 5.0


class Workforce(NamedTuple):
    """The workers that a store knows, the most recently heard first."""

    seen: tuple[WorkerSeen, ...] = ()
    is_starting: bool = False  # none lives, and one was started here that the store has not heard of
    running: tuple[Job, ...] | None = None  # on all of them; None: not read
    pools: PoolsSeen = PoolsSeen()
    is_shared: bool = False  # other machines reach the store

    @property
    def living(self) -> tuple[WorkerSeen, ...]:
        """Those that live."""
        return tuple(worker for worker in self.seen if worker.alive)

    def offers(self) -> list[Offer]:
        """Return the free capacity of each living worker."""
        from workers.fit import Offer

        on: dict[str, list[Job]] = {}
        for job in self.running or ():
            on.setdefault(job.worker, []).append(job)
        return [
            Offer(worker.beat, worker.host, tuple(on.get(worker.beat.worker, ()))) for worker in self.living
        ]

    def hint(self, command: str = WORKER, lead: str = "start one: ") -> str:
        """Return what gets jobs a worker: their pools, or the hint to start one; arguments as `start_one`."""
        return self.pools.words() or start_one(command, lead, is_shared=self.is_shared)

    def has_deserted(self, job: Job) -> bool:
        """Whether a job was started, and no worker lives: neither its own nor one that would continue it."""
        return job.state is JobState.RUNNING and not self.living

    def deserted(self) -> str:
        """Describe what became of the worker of such a job, and which other may continue it."""
        return f"its worker is gone or cut off, and {STARTING if self.is_starting else 'no other lives'}"


def read_workforce(
    store: Store, home: Path, owner: str | None = None, *, is_room_wanted: bool = False
) -> Workforce:
    """Read which workers live, and the pools that may start more.

    Args:
        store: the store.
        home: the directory of the local store.
        owner: the owner of the pools; None: those of all.
        is_room_wanted: read the jobs that run on them, too.

    Raises:
        StoreError: the store cannot be read.
    """
    found = Workforce(tuple(store.workers()), pools=read_pools(store, owner), is_shared=store.is_shared)
    if found.living:
        return found._replace(running=_running(store) if is_room_wanted else None)
    if store.kind != "local":
        return found
    from workers.runtime.autostart import is_starting

    return found._replace(is_starting=is_starting(home))


def _running(store: Store) -> tuple[Job, ...]:
    """Read the jobs that run, up to a limit."""
    found: list[Job] = []
    query = Query(states=frozenset({JobState.RUNNING}), sort=SortKey.NUMBER, limit=_PAGE)
    for _ in range(_PAGES):
        page = store.page(query)
        found += page.items
        if not page.cursor:
            break
        query = query._replace(cursor=page.cursor)
    return tuple(found)


def with_workforce(
    store: Store, home: Path, job: Job, everyone: Store | None = None
) -> tuple[Job, Workforce]:
    """Read the workers, their jobs if this one is ready, and the job again if it may have changed.

    Its worker may have ended it and left: a worker is in the store before it claims a job, and leaves after
    the end of its last one is recorded.  The worker of a job that is unchanged then is gone.

    Args:
        store: the store.
        home: the directory of the local store.
        job: the job.
        everyone: the store with the jobs of all owners, if `store` shows those of one: the others use
            capacity, and stay without a name.

    Raises:
        JobNotFound: the job is gone.
        StoreError: the store cannot be read.
    """
    while True:
        found = read_workforce(store, home, job.owner)
        if found.living and job.state is JobState.QUEUED:
            running = _running(everyone or store)
            if everyone is not None:
                running = tuple(one if one.owner == job.owner else _nameless(one) for one in running)
            found = found._replace(running=running)
        has_begun = any(one.id == job.id for one in found.running or ())
        if not (has_begun or found.has_deserted(job)):
            return job, found
        before, job = job, store.get(job.id)
        if (before.state, before.attempt) == (job.state, job.attempt):
            return job, found


def _nameless(job: Job) -> Job:
    """Return what a running job uses, and nothing else of it."""
    nameless = Job("", 0, job.state, "", "", 0, worker=job.worker)
    return nameless._replace(cores=job.cores, memory_bytes=job.memory_bytes)


class Absence:
    """Reports once that jobs need a worker and none is running."""

    def __init__(self, store: Store, home: Path, owner: str | None = None) -> None:
        """Prepare to look; arguments as of `read_workforce`."""
        self._store = store
        self._home, self._owner = home, owner
        self._look_at = time.monotonic() + _ABSENT_AFTER_S
        self._is_reported = False

    def remarks(self, tally: Mapping[JobState, int]) -> Iterator[str]:
        """Yield the report if the counts of jobs need it; nothing while the store is unreachable."""
        are_waiting = tally.get(JobState.QUEUED) or tally.get(JobState.RUNNING)
        if self._is_reported or not are_waiting or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _ABSENT_EVERY_S
        with suppress(StoreError):
            found = read_workforce(self._store, self._home, self._owner)
            self._is_reported = not (found.living or found.is_starting)
            if self._is_reported:
                yield f"no worker is there to run what waits; {found.hint()}"


_HOLDERS = 3


class Shortage(NamedTuple):
    """The resources that a job lacks, on the worker that lacks the fewest."""

    resources: tuple[Resource, ...]
    offer: Offer
    job: Job

    @property
    def words(self) -> str:
        """The resources in words: `a free slot`, `4.0 GiB of memory (node07 has 1.0 GiB free)`."""
        return " and ".join(map(self._word, self.resources))

    def commands(self) -> Iterator[str]:
        """Name commands that let the job start with what is free."""
        if Resource.SLOT in self.resources:
            return
        wishes = []
        if Resource.CORES in self.resources and self.offer.cores:
            wishes.append(f"--cores {self.offer.cores}")
        if Resource.MEMORY in self.resources and self.offer.memory_bytes >= MEMORY_STEP_BYTES:
            wishes.append(f"--memory {whole_memory(self.offer.memory_bytes)}")
        if len(wishes) == len(self.resources):
            yield f"nox set {self.job.number} {' '.join(wishes)}"

    def _word(self, resource: Resource) -> str:
        if resource is Resource.SLOT:
            return "a free slot"
        if resource is Resource.CORES:
            return f"{counted(self.job.cores, 'core')} ({self.offer.host} has {self.offer.cores} free)"
        wanted, free = size_words(self.job.memory_bytes), size_words(self.offer.memory_bytes)
        return f"{wanted} of memory ({self.offer.host} has {free} free)"


def shortage(offers: Sequence[Offer], job: Job) -> Shortage | None:
    """Find the resources that every worker lacks that may run a job; None: one can start it, or runs it."""
    if any(one.id == job.id for offer in offers for one in offer.running):
        return None
    able = [offer for offer in offers if may_run(offer.beat, job)]
    found = [Shortage(offer.short_of(job), offer, job) for offer in able]
    nearest = min(found, key=lambda one: len(one.resources), default=None)
    return nearest if nearest is not None and nearest.resources else None


def offer_words(offer: Offer, job: Job) -> str:
    """Describe the free capacity of a worker, and the jobs that hold the rest."""
    beat = offer.beat
    words = (
        f"{offer.host}: {offer.slots} of {counted(beat.slots, 'slot')}, "
        f"{offer.cores} of {counted(beat.cores, 'core')}, "
        f"{size_words(offer.memory_bytes)} of {size_words(beat.memory_bytes)} free"
    )
    if not may_run(beat, job):
        return f"{words}; can never run it"
    return f"{words}; held by {_holders(offer.running)}" if offer.running else words


def whole_memory(size_bytes: int) -> str:
    """Write an amount of memory for `--memory`, rounded down to a whole number of steps."""
    return f"{size_bytes // MEMORY_STEP_BYTES * MEMORY_STEP_BYTES // MIB}M"


def size_options(job: Job) -> str:
    """Write the options of `nox worker` that make it as large as a job, which may need no memory."""
    memory = f" --memory {-(-job.memory_bytes // MIB)}M" if job.memory_bytes else ""
    return f"--cores {job.cores}{memory}"


def _holders(running: Sequence[Job]) -> str:
    """Name the jobs that hold the capacity of a worker, the largest first."""
    named = [job for job in running if job.number]
    if not named:
        return f"{counted(len(running), 'job')} of other users"
    largest = sorted(named, key=lambda job: (-job.memory_bytes, -job.cores, job.number))[:_HOLDERS]
    names, rest = ", ".join(map(job_title, largest)), len(running) - len(largest)
    return f"{names} and {rest:,} more" if rest else names
