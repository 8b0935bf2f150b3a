"""What is asked of a store to tell how much is done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.job import FINAL
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.job import Job, JobState
    from workers.store.base import Store
    from workers.store.values import WorkerSeen

# How many of the newest ended jobs are looked at for times, attempts and losses.
RECENT = 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What a store told, and how long a question took it."""

    counts: Mapping[JobState, int]
    workers: tuple[WorkerSeen, ...]  # that live
    recent: tuple[Job, ...]  # the newest that ended
    latency_s: float


def measure(store: Store) -> Measured:
    """Ask a store for what is told of it.

    Raises:
        StoreError: it cannot be read.
    """
    start = time.perf_counter()
    counts = store.counts()
    latency_s = time.perf_counter() - start
    newest = Query(states=FINAL, sort=SortKey.ENDED, limit=RECENT)
    workers = tuple(worker for worker in store.workers() if worker.alive)
    return Measured(counts, workers, store.page(newest).items, latency_s)
