"""Handing the local store's waiting jobs to Redis: nothing twice, nothing lost, wherever it is cut.

The order makes it so.  A job sets off in the local store, where from then on nobody may run it; it is stored
in Redis under its own id, which a repetition finds and does not store again; it ends in the local store.
Whatever is on its way was begun by a push that was cut, and is gone on with first: a job found in both stores
is Redis's.
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
    job_id_there: str  # that of another job, where one stands for it under its unique key
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
        """How many jobs are on their way to other stores, by where these lie."""
        return self._local.moving_elsewhere(self._to)

    def move(self, job_ids: Sequence[str]) -> Iterator[list[Moved]]:
        """Hand over what is on its way, then these jobs and those that wait with them, a stretch at a time.

        Raises:
            InputRefused: Redis has another job under one of the ids.
            StoreError: a store failed; what was not handed over is still here, and the next push goes on.
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

        One whose parent runs here again by now is left as it is: where it starts, it is said what it lacks.
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
