"""Moves of waiting jobs from the local store to Redis, without loss or repetition if they are interrupted.

The order ensures that.  First a job is marked as moving in the local store, and no worker runs it there any
more.  Then it is stored in Redis under its own id; a repetition finds it and does not store it again.  Last
it ends in the local store.  A push first completes what an interrupted one began: a job that is in both
stores belongs to Redis.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from workers.errors import EngineInput, NotDurable
from workers.store.geometry_handoff import awaited, complete, outcome_of, renamed
from workers.store.sqlite.moves import Destination

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import NewJob
    from workers.store.redis.store import RedisStore
    from workers.store.sqlite.moves import Parcel, Stay
    from workers.store.sqlite.store import SqliteStore
    from workers.store.values import Accepted

# How many jobs set off, and are stored, between two looks at the clock or at Ctrl-C.
AT_ONCE = 5_000


class Moved(NamedTuple):
    """A job that was handed to Redis."""

    job_id: str
    number: int  # in the local store
    name: str
    job_id_there: str  # of another job, if that has its unique key
    number_there: int


class Mover:
    """Hands jobs of a local store to a Redis."""

    def __init__(self, local: SqliteStore, redis: RedisStore) -> None:
        """Make ready to move.

        Raises:
            StoreError: Redis does not say who it is.
        """
        self._local = local
        self._redis = redis
        self._to = Destination(redis.identity(), redis.where)
        self._submission = uuid4().hex
        self.stays: dict[str, Stay] = {}
        self.risk = ""  # how Redis may lose what it was handed

    @property
    def elsewhere(self) -> dict[str, int]:
        """The number of jobs that are moving to other stores, by place."""
        return self._local.moving_elsewhere(self._to)

    def move(self, job_ids: Sequence[str]) -> Iterator[list[Moved]]:
        """Move the jobs that are moving already, then these and those that wait with them, in chunks.

        Raises:
            InputRefused: Redis has another job under one of the ids.
            StoreError: a store failed; jobs that were not moved are still here, and the next push continues.
        """
        yield from self._finish()
        for start in range(0, len(job_ids), AT_ONCE):
            stays = self._local.set_off(job_ids[start : start + AT_ONCE], self._to)
            self.stays |= {one.job_id: one for one in stays}
            yield from self._finish()

    def _finish(self) -> Iterator[list[Moved]]:
        """Store what is on its way, and end it here, until no more arrives."""
        is_more = True
        while is_more:
            after, is_more = 0, False
            while parcels := self._local.parcels(self._to, after=after, limit=AT_ONCE):
                moved = self._send(parcels)
                yield moved
                if len(moved) < len(parcels):
                    after = parcels[-1].number
                    is_more = is_more or bool(moved)  # what came along with these may lie before

    def _send(self, parcels: Sequence[Parcel]) -> list[Moved]:
        jobs = [self._complete(parcel) for parcel in parcels]
        arrived = list(zip(jobs, self._store(jobs), strict=True))
        left = {one.job_id: one for one in self._local.arrive(arrived, self._to)}
        self.stays |= left
        return [
            Moved(job.id, parcel.number, job.name, found.job_id, found.number)
            for parcel, (job, found) in zip(parcels, arrived, strict=True)
            if job.id not in left
        ]

    def _complete(self, parcel: Parcel) -> NewJob:
        """Let a job find what it takes over from another: that goes along, or has ended here.

        A job whose parent runs here again is unchanged: at its start the error names what is missing.
        """
        job = parcel.job
        source = awaited(job.spec_json)
        if not source:
            return job
        if source in parcel.there:
            return job._replace(spec_json=renamed(job.spec_json, parcel.there[source]))
        with suppress(EngineInput):
            ended = partial(outcome_of, self._local)
            return job._replace(spec_json=complete(job.spec_json, ended))
        return job

    def _store(self, jobs: Sequence[NewJob]) -> list[Accepted]:
        """Store jobs in Redis, on its disk where it has one: here they end only then."""
        if not self.risk:
            try:
                return self._redis.submit(jobs, submission=self._submission, durable=True)
            except NotDurable as error:
                if error.stored:
                    raise
                self.risk = error.what
        return self._redis.submit(jobs, submission=self._submission)
