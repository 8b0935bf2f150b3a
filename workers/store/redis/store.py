"""The Redis store: each method is one Lua script, so one step.  What every key holds: `lua/shared.lua`."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING
from uuid import uuid4

from workers.errors import LeaseLost, StoreDamaged, StoreError, StoreRefused
from workers.job import JobState
from workers.store import base, losses
from workers.store.redis import submit
from workers.store.redis.address import RedisUrl
from workers.store.redis.connection import RedisClient
from workers.store.redis.errors import check_server
from workers.store.redis.health import health, read_info
from workers.store.redis.records import (
    attempts_removal_of,
    change_of,
    claim_of,
    compressed,
    in_groups,
    packed_claimants,
    packed_endings,
    packed_points,
    packed_progress,
    packed_revision,
    parts,
    removals_of,
    workers_of,
)
from workers.store.redis.tokens import RedisTokens
from workers.store.redis.wire import BLOCKING_S, connection_pool
from workers.store.values import AttemptEnd, Cancellation, Renewal, Tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from workers.findings import Finding
    from workers.job import Lease, NewJob, Progress
    from workers.store.redis.pools import RedisPools
    from workers.store.redis.resp import Arg
    from workers.store.settings import StoreSettings
    from workers.store.values import (
        Accepted,
        Beat,
        Change,
        Claim,
        Claimant,
        Outcome,
        Point,
        Removal,
        Revision,
        StoreHealth,
        WorkerSeen,
    )

SCHEMA = 1
_JOBS = 500  # one call writes at most
_ENDED_JOBS = 100  # and whose outcomes it moves
_LONGEST_NAME = 100  # of a store, in bytes


class RedisStore(RedisTokens):
    """A store in Redis; fulfils `workers.store.base.Store`."""

    kind = "redis"

    @classmethod
    def open(cls, settings: StoreSettings) -> RedisStore:
        """Connect, and make sure that nox works with what answers there.

        Args:
            settings: where it lies, what its keys begin with.

        Raises:
            SettingsInvalid: the URL or the password file cannot be used.
            StoreUnreachable: no server answers there in time.
            StoreRefused: wrong password, too old, a cluster, or written by a newer nox.
        """
        client = RedisClient(
            RedisUrl(settings.redis_url or "").address(settings.password_file), settings.prefix
        )
        try:
            _check(client)
        except BaseException:
            client.close()
            raise
        return cls(client)

    @property
    def where(self) -> str:
        """Host, port and database."""
        return self._client.address.where

    @property
    def is_shared(self) -> bool:
        """Whether its address is one that other machines reach."""
        return not self._client.address.is_loopback

    @property
    def caveat(self) -> str:
        """Nothing is ever missing in what was read."""
        return ""

    @property
    def bell_key(self) -> str:
        """The list that has an element while workers ought to look for jobs."""
        return f"{self._prefix}bell"

    def bell_client(self, timeout_s: float = BLOCKING_S) -> redis.Redis:
        """Make a client to wait for bells with; its commands may take `timeout_s`.  The caller closes it."""
        import redis

        return redis.Redis.from_pool(connection_pool(self._client.address, timeout_s))

    def identity(self) -> str:
        """Return the unique name of this store, which the first call makes."""
        key = f"{self._prefix}meta"
        self._client.execute("HSETNX", key, "name", uuid4().hex)
        found: bytes = self._client.execute("HGET", key, "name")
        return found[:_LONGEST_NAME].decode(errors="replace")

    # -- submitting ------------------------------------------------------------------------------

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs; see `Store.submit`."""
        if durable:
            return submit.submit_durably(self._client, jobs, submission)
        return submit.submit(self._client, jobs, submission)

    def forget_submit(self, owner: str, submission: str) -> None:
        """Let `last` name the submit before this one again; see `Store.forget_submit`."""
        self._client.call("forget_submit", owner, submission)

    # -- running -----------------------------------------------------------------------------------

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job; see `Store.claim`."""
        return self.claim_several([claimant])[0]

    def claim_several(self, claimants: Sequence[Claimant]) -> list[Claim | None]:
        """Claim for several places of a slot; see `Store.claim_several`."""
        reply = self._client.call("claim", *chain(*packed_claimants(claimants)))
        return [claim_of(claimed) if claimed else None for claimed in reply]

    def begin(self, lease: Lease) -> None:
        """Note that a job which was claimed ahead has begun; see `Store.begin`."""
        if not self._client.call("begin", *_named(lease)):
            raise _lost(lease)

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Prolong leases; see `Store.renew`."""
        found: list[Renewal] = []
        for part in parts(leases, _JOBS):
            reply = self._client.call("renew", *(word for lease in part for word in _named(lease)))
            words = in_groups(reply, 2)
            found += [
                Renewal(lease, bool(alive), bool(cancel))
                for lease, (alive, cancel) in zip(part, words, strict=True)
            ]
        return found

    def progress(self, lease: Lease, progress: Progress, points: Sequence[Point] = ()) -> None:
        """Keep how far an attempt has come; see `Store.progress`."""
        words: list[Arg] = [*packed_progress(progress), *packed_points(lease, points)]
        if not self._client.call("progress", *_named(lease), *words):
            raise _lost(lease)

    def keep_checkpoint(self, lease: Lease, content: bytes, progress: int) -> None:
        """Keep what an attempt has reached; see `Store.keep_checkpoint`."""
        if not self._client.call("keep_checkpoint", *_named(lease), content, progress):
            raise _lost(lease)

    def finish(self, lease: Lease, outcome: Outcome, claimant: Claimant | None = None) -> Claim | None:
        """Record how an attempt ended, and claim the next job; see `Store.finish`."""
        (found,) = self.finish_several([AttemptEnd(lease, outcome, claimant)])
        if isinstance(found, LeaseLost):
            raise found
        return found

    def finish_several(
        self, endings: Sequence[AttemptEnd], begun: Lease | None = None
    ) -> list[Claim | LeaseLost | None]:
        """Record the ends of several attempts; see `Store.finish_several`."""
        running = _named(begun) if begun else ("", "", "")
        reply = self._client.call("finish", *running, *chain(*packed_endings(endings)))
        found: list[Claim | LeaseLost | None] = []
        for ending, (word, *claimed) in zip(endings, reply, strict=True):
            lost = None if word else _lost(ending.lease)
            found.append(claim_of(claimed) if claimed else lost)
        if any(word > 1 for word, *_ in reply):
            self._spread()
        return found

    def give_back(self, lease: Lease, message: str, *, had_time: bool = True, ran: bool = True) -> None:
        """Return a running job to the queue; see `Store.give_back`."""
        if not self._client.call("give_back", *_named(lease), message, int(had_time), int(ran)):
            raise _lost(lease)

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs; see `Store.cancel`."""
        found: list[Cancellation] = []
        for part in parts(job_ids, _JOBS):
            reply = self._client.call("cancel", int(owner is None), owner or "", *part)
            for job_id, before, after, refused in in_groups(reply, 4):
                states = JobState(before.decode()), JobState(after.decode())
                found.append(Cancellation(job_id.decode(), *states, refused=bool(refused)))
        self._spread()
        return found

    def revise(self, job_ids: Sequence[str], revision: Revision, *, owner: str | None) -> list[Change]:
        """Change what waiting jobs ask for; see `Store.revise`."""
        return self._change("revise", job_ids, owner, *packed_revision(revision))

    def hold(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Keep waiting jobs from starting; see `Store.hold`."""
        return self._change("hold", job_ids, owner)

    def release(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Let held jobs wait again; see `Store.release`."""
        return self._change("release", job_ids, owner)

    def retry(self, job_ids: Sequence[str], *, owner: str | None, done: bool = False) -> list[Change]:
        """Run ended jobs again; see `Store.retry`."""
        found: list[Change] = []
        for part in parts(job_ids, _ENDED_JOBS):
            changes = self._change("retry", part, owner, int(done))
            self._pack([change.job_id for change in changes if change.changed])
            found += changes
        self._spread()
        return found

    def _pack(self, job_ids: Sequence[str]) -> None:
        """Compress the outcomes of earlier attempts that are too long.

        If the store cannot be written now, those of attempts that are not shown are dropped in a later step.
        """
        with suppress(StoreError):
            long = self._client.call("long", *job_ids) if job_ids else ()
            for job_id, attempt in in_groups(long, 2):
                key = f"{self._prefix}earlier:{job_id.decode()}"
                outcome = self._client.execute("HGET", key, b"o" + attempt)
                self._client.call("pack", job_id, attempt, len(outcome or b""), compressed(outcome or b""))

    def remove_attempts(self, job_ids: Sequence[str], *, owner: str | None) -> list[Removal]:
        """Forget what is kept of earlier attempts; see `Store.remove_attempts`."""
        found: list[Removal] = []
        for part in parts(job_ids, base.REMOVED_AT_ONCE):
            reply = self._client.call("remove_attempts", int(owner is None), owner or "", *part)
            found += map(attempts_removal_of, in_groups(reply, 5))
        return found

    def remove(self, job_ids: Sequence[str], *, owner: str | None, files_only: bool = False) -> list[Removal]:
        """Forget ended jobs, or only their artifacts; see `Store.remove`."""
        self._spread()
        found: list[Removal] = []
        for part in parts(job_ids, base.REMOVED_AT_ONCE):
            left = list(part)
            while left:
                words = (int(owner is None), owner or "", int(files_only))
                done, left = removals_of(self._client.call("remove", *words, *left))
                found += done
        return found

    def _spread(self) -> None:
        """Update the children of jobs that ended or run again, if they were too many for one step.

        If the store does not answer now, the call has succeeded all the same, and the next tick continues.
        """
        with suppress(StoreError):
            while self._client.call("spread"):
                pass

    def _change(self, name: str, job_ids: Sequence[str], owner: str | None, *words: Arg) -> list[Change]:
        """Run a script that does one thing to each of some jobs (`lua/named.lua`)."""
        found: list[Change] = []
        for part in parts(job_ids, _JOBS):
            reply = self._client.call(name, int(owner is None), owner or "", *words, *part)
            found += [change_of(group) for group in in_groups(reply, 5)]
        return found

    # -- workers -----------------------------------------------------------------------------------

    def tick(self, beat: Beat, *, may_reap: bool = True) -> Tick:
        """Store a worker's beat, and do what is due; see `Store.tick`."""
        words = json.dumps(losses.words())
        asked = (beat.worker, json.dumps(beat.record()), words, int(may_reap), beat.allocation)
        next_ms, reaped, released = self._client.call("tick", *asked)
        return Tick(
            reaped=tuple(raw.decode() for raw in reaped),
            released=tuple(raw.decode() for raw in released),
            next_event_s=None if next_ms < 0 else next_ms / 1000,
        )

    def leave(self, worker: str) -> None:
        """Forget a worker; see `Store.leave`."""
        while self._client.call("leave", worker):
            pass

    def workers(self) -> list[WorkerSeen]:
        """List workers; see `Store.workers`."""
        return workers_of(self._client.call("workers"), round(base.LEASE_S * 1000))

    @cached_property
    def pools(self) -> RedisPools:
        """The pools of allocations; see `Store.pools`."""
        from workers.store.redis.pools import RedisPools

        return RedisPools(self._client, self.identity)

    # -- itself ------------------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Describe this Redis and its promises; see `Store.health`."""
        return health(self._client)

    def inspect(self) -> list[Finding]:
        """Look closely at this Redis; see `Store.inspect`."""
        from workers.store.redis.inspection import inspect

        return inspect(self._client)

    def audit(self, *, newest: int | None = None) -> list[str]:
        """Compare indexes with records; see `Store.audit`."""
        from workers.store.redis.inspection import audit

        return audit(self._client, newest)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _check(client: RedisClient) -> None:
    place = client.address.place
    check_server(read_info(client, "server"), place)
    key = f"{client.prefix}meta"
    raw: bytes | None = None
    with suppress(StoreDamaged):  # something else is stored there: the next step that writes makes it again
        raw = client.execute("HGET", key, "schema")
    if raw is not None and raw != str(SCHEMA).encode():
        said = raw[:20].decode(errors="replace")
        raise StoreRefused(
            f"the jobs in redis at {place} were written by another version of nox",
            hint=f'{key} has the schema "{said}" and this nox knows {SCHEMA}: use the nox that wrote it',
        )


def _named(lease: Lease) -> tuple[str, int, str]:
    return lease.job_id, lease.fence, lease.worker


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"attempt {lease.fence} of job {lease.job_id} no longer owns it")
