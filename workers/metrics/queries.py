"""The queries behind the metrics of a store."""

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
    from workers.store.pools import Allocation, Pool
    from workers.store.values import WorkerSeen

# The number of the newest ended jobs that times, attempts and losses are taken from.
RECENT = 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """The answers of a store, and the time that one of them took."""

    counts: Mapping[JobState, int]
    workers: tuple[WorkerSeen, ...]  # that live
    recent: tuple[Job, ...]  # the newest that ended
    latency_s: float
    pools: tuple[Pool, ...] = ()
    allocations: tuple[Allocation, ...] = ()  # of these that have not ended


def measure(store: Store) -> Measured:
    """Query a store for its metrics.

    Raises:
        StoreError: it cannot be read.
    """
    start = time.perf_counter()
    counts = store.counts()
    latency_s = time.perf_counter() - start
    newest = Query(states=FINAL, sort=SortKey.ENDED, limit=RECENT)
    workers = tuple(worker for worker in store.workers() if worker.alive)
    kept = store.pools
    pools = tuple(kept.pools()) if kept is not None else ()
    live = tuple(kept.allocations()) if kept is not None and pools else ()
    return Measured(counts, workers, store.page(newest).items, latency_s, pools, live)
