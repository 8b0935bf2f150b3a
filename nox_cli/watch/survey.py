"""The progress of a whole store or of one batch, of up to a million jobs, from counts and a few records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nox_cli.watch.ledger import Ledger
from workers.job import WAITING, JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.watch.batch_progress import BatchProgress
    from workers.job import Job
    from workers.store.base import Store

# The most records of each group that are read and kept.
_ENDED, _FAILED, _RUNNING, _WAITING = 1_000, 500, 200, 50
_PAGE = 250
# Records are read again after this time, and so seldom that it takes one part in this many of the time.
_READ_EVERY_S = 1.0
_READ_SHARE = 50
_MAY_START = WAITING - {JobState.HELD}


class Survey:
    """Reads the progress of the jobs of one owner, of one batch or of all owners, now and again.

    Counts are exact.  Rate, ends and estimate are from the newest 1,000 ended jobs of the store, the running
    ones, and the first and last 50 of those that wait; failures are grouped of the newest 500 of the store.
    The lowest energy is known as long as all jobs that are done are among those read, and the elapsed time
    only of a batch.  One look reads at most 2,000 records, and none if no count has changed.
    """

    def __init__(self, store: Store, *, owner: str | None = None, batch: str = "") -> None:
        """Prepare to look.

        Args:
            store: the store.
            owner: the owner of the jobs; None: all owners.
            batch: the batch; empty: all jobs.
        """
        self._store = store
        self._owner, self._batch = owner, batch
        self._ended: dict[str, Job] = {}  # the newest of the store, the newest first
        self._known_ms = 0  # since then all ends are known
        self._failed: tuple[Job, ...] = ()
        self._counts: Mapping[JobState, int] = {}
        self._ledger = Ledger()
        self._began_ms: int | None = None
        self._read_at = 0.0

    def read(self, now_ms: int) -> BatchProgress:
        """Look at the store.

        Args:
            now_ms: the time.

        Raises:
            StoreError: the store cannot be read.
        """
        counts = self._store.counts(owner=self._owner, batch=self._batch)
        began = time.monotonic()
        if began >= self._read_at and counts != self._counts:
            self._read_records(counts)
            self._counts = counts
            ended = time.monotonic()
            self._read_at = ended + max(_READ_EVERY_S, _READ_SHARE * (ended - began))
        found = self._ledger.progress(counts, now_ms)
        is_whole = counts.get(JobState.DONE, 0) <= sum(
            job.state is JobState.DONE for job in filter(self._is_ours, self._ended.values())
        )
        return found._replace(
            elapsed_s=self._elapsed_s(found, now_ms), lowest=found.lowest if is_whole else None
        )

    def _read_records(self, counts: Mapping[JobState, int]) -> None:
        """Read the records that stand for all others."""
        of_owner = Query(owner=self._owner, sort=SortKey.NUMBER)
        if counts.get(JobState.FAILED, 0) != self._counts.get(JobState.FAILED, 0):
            self._failed = self._page(of_owner, {JobState.FAILED}, _FAILED)
        self._read_ended()
        ledger = Ledger(self._known_ms)
        running = self._page(of_owner._replace(descending=False), {JobState.RUNNING}, _RUNNING)
        last = self._page(of_owner._replace(batch=self._batch), _MAY_START, _WAITING)
        first = self._page(of_owner._replace(descending=False), _MAY_START, _WAITING)
        found = {job.id: job for jobs in (self._failed[::-1], reversed(self._ended.values())) for job in jobs}
        found |= {job.id: job for jobs in (running, last, first) for job in jobs}
        for job in filter(self._is_ours, found.values()):
            ledger.add(job)
        self._ledger = ledger
        if self._batch and self._began_ms is None:
            oldest = of_owner._replace(batch=self._batch, descending=False, limit=1)
            self._began_ms = next((job.started_ms for job in self._store.page(oldest).items), None)

    def _read_ended(self) -> None:
        """Read the jobs that have ended since the last look."""
        query = Query(sort=SortKey.ENDED, limit=_PAGE)
        fresh: dict[str, Job] = {}
        while True:
            page = self._store.page(query)
            fresh |= {job.id: job for job in page.items}
            is_met = any(
                (known := self._ended.get(job.id)) is not None and known.ended_ms == job.ended_ms
                for job in page.items
            )
            if is_met or not page.cursor or len(fresh) >= _ENDED:
                break
            query = query._replace(cursor=page.cursor)
        older = self._ended if is_met else {}
        kept = [*fresh.values(), *(job for job in older.values() if job.id not in fresh)]
        self._ended = {job.id: job for job in kept[:_ENDED]}
        if len(kept) >= _ENDED:
            self._known_ms = max(self._known_ms, kept[_ENDED - 1].ended_ms or 0)

    def _page(self, query: Query, states: set[JobState] | frozenset[JobState], limit: int) -> tuple[Job, ...]:
        return self._store.page(query._replace(states=frozenset(states), limit=limit)).items

    def _is_ours(self, job: Job) -> bool:
        return self._owner in {None, job.owner} and self._batch in {"", job.batch}

    def _elapsed_s(self, found: BatchProgress, now_ms: int) -> float | None:
        """Count the seconds since the first job of a batch started; None: unknown."""
        if self._began_ms is None:
            return None
        ends = [job.ended_ms or 0 for job in filter(self._is_ours, self._ended.values())]
        is_over = found.ended == found.total
        until_ms = max(ends, default=None) if is_over else now_ms
        return None if until_ms is None else max(0, until_ms - self._began_ms) / 1_000
