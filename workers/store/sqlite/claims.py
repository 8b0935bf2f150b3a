"""Claims of the local store."""

from __future__ import annotations

import json
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

from workers.job import PATIENCE_MS, Job, JobState, Lease
from workers.store.base import SUBMIT_CHUNK
from workers.store.sqlite.leases import prolong
from workers.store.sqlite.rows import job as job_of
from workers.store.sqlite.rows import whole
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import end_damaged, start
from workers.store.values import Claim

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from workers.store.sqlite.clock import Moment
    from workers.store.values import Ahead, Claimant


class Claims:
    """Claims one job after the other within one write.

    While only jobs of one shape could run, the next of them are read together: no other process writes
    meanwhile.  A caller that changes waiting jobs in the same write calls `forget`.
    """

    def __init__(self, connection: sqlite3.Connection, moment: Moment, places: int) -> None:
        self._connection = connection
        self._moment = moment
        self._places = places  # the most jobs that are claimed
        self._served: str | None = None  # the owner of the job that was claimed last
        self._next: deque[sqlite3.Row] = deque()  # the jobs that come next for such a claimant
        # The first is read alone: it may be large and not come ahead, and what is ready may change again.
        self._reads_ahead = False
        self._wanted: Mapping[str, object] = {}
        self._ready = self._living = 0
        self._unlimited: set[tuple[str, str]] = set()  # batches, by owner, all of whose jobs may fail

    def forget(self) -> None:
        """Look anew which jobs are ready."""
        self._next.clear()
        self._reads_ahead = False

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job that fits, or again the one this token began.

        Records that cannot be read are put out of the way, up to `SUBMIT_CHUNK` of them.
        """
        again = self._begun(claimant)
        if again is not None:
            return again
        for _ in range(SUBMIT_CHUNK):
            number = self._best(claimant)
            if number is None:
                return None
            row = self._next[0] if self._next else None
            job, spec = (job_of(row), row["spec"]) if row else (None, None)
            if job is None or spec is None or job.state is not JobState.QUEUED:
                end_damaged(self._connection, number, self._moment)
                self.forget()
            elif claimant.ahead is None or self._may_come_ahead(job, claimant, claimant.ahead):
                return self._start(job, spec, claimant)
            else:
                return None
        return None

    def _begun(self, claimant: Claimant) -> Claim | None:
        """Find the running attempt that this very claim began before, and prolong its lease."""
        token = {"worker": claimant.worker, "slot": claimant.slot, "sequence": claimant.sequence}
        row = self._connection.execute(QUERIES["held_by_token"], token).fetchone()
        if row is None:
            return None
        job = job_of(row)
        if row["spec"] is None or job.state is not JobState.RUNNING:
            return None
        prolong(self._connection, job, self._moment)
        return _handed(job, row["spec"])

    def _best(self, claimant: Claimant) -> int | None:
        """Find the number of the job that comes next, and read it, unless that was done already."""
        wanted = _wanted(claimant, self._moment)
        if not self._next or wanted != self._wanted:
            heads = self._connection.execute(QUERIES["ready_heads"], wanted).fetchall()
            head = self._chosen(heads, claimant)
            if head is None:
                return None
            limit = self._places if len(heads) == 1 and self._reads_ahead else 1
            shape = dict(head) | {"limit": limit}
            self._next = deque(self._connection.execute(QUERIES["ready_of_shape"], shape))
            self._wanted, self._ready, self._living = wanted, head["ready"], head["living"]
            return int(head["number"])
        return int(self._next[0]["number"])

    def _chosen(self, heads: list[sqlite3.Row], claimant: Claimant) -> sqlite3.Row | None:
        """Choose the job that comes next; one that waits for more room may keep the others waiting."""
        found = next((head for head in heads if head["fits"]), None)
        if found is None or heads[0]["fits"]:
            return found
        if claimant.ahead is not None:
            return None
        now_ms, since_ms = self._moment.utc_ms, heads[0]["passed_over_ms"]
        if since_ms is None:
            self._connection.execute(QUERIES["pass_over"], {"number": heads[0]["number"], "now": now_ms})
        elif abs(now_ms - since_ms) >= PATIENCE_MS:
            return None
        return found

    def _may_come_ahead(self, job: Job, claimant: Claimant, ahead: Ahead) -> bool:
        """Whether a job is more of what the slot holds, and no other slot lacks it."""
        is_alike = (job.engine, job.kind, job.cores) == (ahead.engine, ahead.kind, 1)
        is_plain = not (job.time_limit_s or job.parents or job.attempt)
        enough = ahead.held * claimant.slots * max(self._living, 1)
        may_wait = is_alike and is_plain and job.atoms <= ahead.atoms and self._ready >= enough
        return may_wait and self._may_fail(job, enough)

    def _may_fail(self, job: Job, many: int) -> bool:
        """Whether that many jobs of a batch may run and fail without passing its limit."""
        batch = job.batch, job.owner
        if batch in self._unlimited:
            return True
        of_batch = {"batch": job.batch, "owner": job.owner}
        row = self._connection.execute(QUERIES["left_to_fail"], of_batch).fetchone()
        if row is None:
            self._unlimited.add(batch)
        return row is None or many < row["left"]

    def _start(self, job: Job, spec: str, claimant: Claimant) -> Claim:
        running = start(self._connection, job, claimant, self._moment)
        if job.owner != self._served:  # else this owner was served last already
            self._connection.execute(QUERIES["serve"], {"owner": job.owner})
            self._served = job.owner
        self._next.popleft()
        self._ready -= 1
        self._reads_ahead = True
        return _handed(running, spec)


def _wanted(claimant: Claimant, moment: Moment) -> dict[str, object]:
    return {
        "cores": claimant.cores,
        "memory_bytes": whole(claimant.memory_bytes),
        "all_cores": claimant.all_cores,
        "all_memory_bytes": whole(claimant.all_memory_bytes),
        "time_s": claimant.time_s,
        "owner": claimant.owner,
        "lanes": _listed(claimant.lanes),
        "engines": _listed(claimant.engines),
        "boot": moment.boot,
        "now": moment.boot_ms,
        "until": moment.lease_until_ms,
    }


@lru_cache(maxsize=64)
def _listed(names: frozenset[str]) -> str:
    return json.dumps(sorted(names))


def _handed(job: Job, spec: str) -> Claim:
    return Claim(Lease(job.id, job.attempt, job.worker), job, spec)
