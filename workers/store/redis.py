"""The Redis store: each method is one Lua script, so one step.  What every key holds: `lua/shared.lua`."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from workers.errors import ArtifactNotFound, JobNotFound, LeaseLost, StoreRefused, UsageError
from workers.job import JobState
from workers.store import base, losses, redis_page, redis_submit
from workers.store.redis_address import read_address
from workers.store.redis_arguments import packed_beat, packed_claimant, packed_outcome, packed_progress
from workers.store.redis_faults import check_server
from workers.store.redis_health import health, read_info
from workers.store.redis_inspect import inspect
from workers.store.redis_link import Link
from workers.store.redis_records import (
    artifact_of,
    attempts_of,
    claim_of,
    counts_of,
    event_of,
    in_groups,
    job_of,
    workers_of,
)
from workers.store.redis_wire import BLOCKING_S, MAX_BLOCK_S, connection_pool
from workers.store.values import Cancellation, Events, Renewal, Tick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import redis

    from workers.findings import Finding
    from workers.job import Attempt, Job, Lease, Progress
    from workers.store.opening import StoreSettings
    from workers.store.values import (
        Accepted,
        Artifact,
        Beat,
        Claim,
        Claimant,
        NewJob,
        Outcome,
        Page,
        Query,
        StoreHealth,
        WorkerSeen,
    )

SCHEMA = 1
# How many jobs, texts, ids or events one call reads or writes at most.
_JOBS, _TEXTS, _IDS, _EVENTS, _ATTEMPTS = 500, 100, 10_000, 10_000, 1_000
_EVENT_CURSOR = re.compile(r"[0-9]{1,15}(-[0-9]{1,15})?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]*", re.ASCII)


class RedisStore:
    """A store in Redis; fulfils `workers.store.base.Store`."""

    kind = "redis"

    def __init__(self, link: Link) -> None:
        self._link = link
        self._prefix = link.prefix

    @classmethod
    def open(cls, settings: StoreSettings, *, reader: bool = False) -> RedisStore:
        """Connect, and make sure that nox works with what answers there.

        Args:
            settings: where it lies, what its keys begin with.
            reader: the caller only reads; a plain socket serves and redis-py is not loaded.

        Raises:
            SettingsInvalid: the URL or the password file cannot be used.
            StoreUnreachable: nobody answers there in time.
            StoreRefused: wrong password, too old, a cluster, or written by a newer nox.
        """
        link = Link(
            read_address(settings.redis_url or "", settings.password_file), settings.prefix, reader=reader
        )
        try:
            _check(link)
        except BaseException:
            link.close()
            raise
        return cls(link)

    @property
    def where(self) -> str:
        """Host, port and database."""
        return self._link.address.where

    @property
    def bell_key(self) -> str:
        """The list in which a bell lies while somebody ought to look."""
        return f"{self._prefix}bell"

    def bell_client(self, timeout_s: float = BLOCKING_S) -> redis.Redis:
        """Make a client to wait for bells with; its commands may take `timeout_s`.  The caller closes it."""
        import redis

        return redis.Redis.from_pool(connection_pool(self._link.address, timeout_s))

    # -- handing over ------------------------------------------------------------------------------

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs; see `Store.submit`."""
        if durable:
            return redis_submit.submit_durably(self._link, jobs, submission)
        return redis_submit.submit(self._link, jobs, submission)

    # -- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Look one job up; see `Store.get`."""
        found = self.get_many([job_id])
        if not found:
            raise _no_job(job_id)
        return found[0]

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up; see `Store.get_many`."""
        return [job_of(raw) for part in _parts(job_ids, _JOBS) for raw in self._link.call("read", *part)]

    def spec(self, job_id: str) -> str:
        """Read what was asked; see `Store.spec`."""
        raw: bytes | None = self._link.execute("GET", f"{self._prefix}spec:{job_id}")
        if raw is None:
            raise _no_job(job_id)
        return raw.decode(errors="replace")

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read what was asked; see `Store.specs`."""
        return self._texts("spec", job_ids)

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read how jobs ended; see `Store.outcomes`."""
        return self._texts("outcome", job_ids)

    def _texts(self, kind: str, job_ids: Sequence[str]) -> dict[str, str]:
        found = {}
        for part in _parts(job_ids, _TEXTS):
            replies = self._link.execute("MGET", *(f"{self._prefix}{kind}:{job_id}" for job_id in part))
            kept = zip(part, replies, strict=True)
            found.update({job_id: raw.decode(errors="replace") for job_id, raw in kept if raw is not None})
        return found

    def attempts(self, job_id: str) -> list[Attempt]:
        """List earlier attempts; see `Store.attempts`."""
        return attempts_of(self._link.execute("LRANGE", f"{self._prefix}attempts:{job_id}", 0, _ATTEMPTS - 1))

    def artifacts(self, job_id: str) -> list[Artifact]:
        """List artifacts; see `Store.artifacts`."""
        known = self._link.execute("HVALS", f"{self._prefix}artifacts:{job_id}")
        return [artifact for raw in known if (artifact := artifact_of(raw))]

    def artifact(self, job_id: str, name: str) -> Artifact:
        """Read one artifact; see `Store.artifact`."""
        reply = self._link.call("artifact", job_id, name)
        artifact = artifact_of(*reply) if reply else None
        if artifact is None:
            raise ArtifactNotFound(f"job {job_id} left no artifact named {name}")
        return artifact

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find ids by number; see `Store.with_numbers`."""
        found: list[str] = []
        while len(found) < limit:
            wanted = min(_IDS, limit - len(found))
            window = ("BYSCORE", "LIMIT", len(found), wanted)
            part = self._link.execute("ZRANGE", f"{self._prefix}numbers", first, last, *window)
            found += [raw.decode() for raw in part]
            if len(part) < wanted:
                break
        return found

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find ids by their start; see `Store.with_prefix`."""
        if not _HEX.fullmatch(prefix):
            return []
        return [raw.decode() for raw in self._link.call("prefix", prefix, min(limit, _IDS))]

    def last(self, owner: str) -> list[str]:
        """Find the ids of the newest submit; see `Store.last`."""
        found: list[str] = []
        for stretch in self._link.execute("LRANGE", f"{self._prefix}last:{owner}", 1, -1):
            first, _, last = stretch.partition(b"-")
            found += self.with_numbers(int(first), int(last), limit=int(last) - int(first) + 1)
        # A step that was repeated names its jobs twice.
        return list(dict.fromkeys(found))

    def page(self, query: Query) -> Page:
        """List jobs; see `Store.page`."""
        return redis_page.page(self._link, query)

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state; see `Store.counts`."""
        key = f"{self._prefix}count:batch:{batch}" if batch else f"{self._prefix}count"
        return counts_of(self._link.execute("HGETALL", key), owner)

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream; see `Store.events`."""
        if cursor is not None and not _EVENT_CURSOR.fullmatch(cursor):
            raise UsageError("the cursor is not one of this stream", hint="use a cursor as nox printed it")
        until = time.monotonic() + wait_s
        while True:
            found = self._events(cursor, limit)
            left_s = until - time.monotonic()
            if cursor is None or found.items or found.truncated or left_s <= 0:
                return found
            cursor = found.cursor
            block_ms = max(1, round(min(left_s, MAX_BLOCK_S) * 1000))
            key = f"{self._prefix}events"
            self._link.block("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", key, cursor)

    def _events(self, cursor: str | None, limit: int) -> Events:
        is_cut, newest, entries = self._link.call("events", cursor or "", max(1, min(limit, _EVENTS)))
        reached = entries[-1][0].decode() if entries else newest.decode() if cursor is None else cursor
        read = [event for entry in entries if (event := event_of(*entry))]
        return Events(tuple(read), reached, truncated=bool(is_cut))

    # -- running -----------------------------------------------------------------------------------

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job; see `Store.claim`."""
        reply = self._link.call("claim", packed_claimant(claimant))
        return claim_of(reply) if reply else None

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Prolong leases; see `Store.renew`."""
        found: list[Renewal] = []
        for part in _parts(leases, _JOBS):
            reply = self._link.call("renew", *(word for lease in part for word in _named(lease)))
            words = in_groups(reply, 2)
            found += [
                Renewal(lease, bool(alive), bool(cancel))
                for lease, (alive, cancel) in zip(part, words, strict=True)
            ]
        return found

    def progress(self, lease: Lease, progress: Progress) -> None:
        """Keep how far an attempt has come; see `Store.progress`."""
        if not self._link.call("progress", *_named(lease), *packed_progress(progress)):
            raise _lost(lease)

    def finish(self, lease: Lease, outcome: Outcome, claimant: Claimant | None = None) -> Claim | None:
        """Record how an attempt ended, and claim the next job; see `Store.finish`."""
        is_owner, *claimed = self._link.call("finish", *_named(lease), *packed_outcome(outcome, claimant))
        if not is_owner:
            raise _lost(lease)
        return claim_of(claimed) if claimed else None

    def give_back(self, lease: Lease, message: str) -> None:
        """Return a running job to the queue; see `Store.give_back`."""
        if not self._link.call("give_back", *_named(lease), message):
            raise _lost(lease)

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs; see `Store.cancel`."""
        found: list[Cancellation] = []
        for part in _parts(job_ids, _JOBS):
            reply = self._link.call("cancel", int(owner is None), owner or "", *part)
            for job_id, before, after, refused in in_groups(reply, 4):
                states = JobState(before.decode()), JobState(after.decode())
                found.append(Cancellation(job_id.decode(), *states, refused=bool(refused)))
        return found

    # -- workers -----------------------------------------------------------------------------------

    def tick(self, beat: Beat) -> Tick:
        """Say that a worker lives, and do what is due; see `Store.tick`."""
        words = json.dumps(losses.words())
        next_ms, reaped, released = self._link.call("tick", beat.worker, packed_beat(beat), words)
        return Tick(
            reaped=tuple(raw.decode() for raw in reaped),
            released=tuple(raw.decode() for raw in released),
            next_event_s=None if next_ms < 0 else next_ms / 1000,
        )

    def leave(self, worker: str) -> None:
        """Forget a worker; see `Store.leave`."""
        while self._link.call("leave", worker):
            pass

    def workers(self) -> list[WorkerSeen]:
        """List workers; see `Store.workers`."""
        return workers_of(self._link.call("workers"), round(base.LEASE_S * 1000))

    # -- itself ------------------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Say what this Redis is and what it promises; see `Store.health`."""
        return health(self._link)

    def inspect(self) -> list[Finding]:
        """Look closely at this Redis; see `Store.inspect`."""
        return inspect(self._link)

    def close(self) -> None:
        """Close every connection."""
        self._link.close()


def _check(link: Link) -> None:
    place = link.address.place
    check_server(read_info(link, "server"), place)
    raw: bytes | None = link.execute("HGET", f"{link.prefix}meta", "schema")
    if raw is not None and raw != str(SCHEMA).encode():
        raise StoreRefused(f"the jobs in redis at {place} were written by another version of nox")


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _named(lease: Lease) -> tuple[str, int, str]:
    return lease.job_id, lease.fence, lease.worker


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"attempt {lease.fence} of job {lease.job_id} no longer owns it")


def _no_job(job_id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id}")
