"""A store as one owner sees it: the jobs of others do not exist there.

Routes get the store from `ServerState.store_of`, which returns this one unless a token sees all jobs.  So no
route can forget to look at the owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import ArtifactNotFound, InputRefused, JobNotFound
from workers.store.values import Events, KeptAttempts, OutlinePage, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workers.job import Attempt, Job, JobState, NewJob, Parent
    from workers.store.base import Store
    from workers.store.pools import Allocation, Pool, PoolStore
    from workers.store.tokens import TokenUsage
    from workers.store.values import (
        Accepted,
        Artifact,
        Cancellation,
        Change,
        Outline,
        Point,
        Query,
        Removal,
        Revision,
        StoreHealth,
        WorkerSeen,
    )

# The methods of a store that no route calls for a token that does not see all jobs.
_OF_WORKERS = {
    "claim", "claim_several", "begin", "renew", "progress", "keep_checkpoint", "finish", "finish_several",
    "give_back", "tick", "leave",
}  # fmt: skip
_OF_ALL = {"forget_submit", "inspect", "audit", "close"}
HIDDEN = _OF_WORKERS | _OF_ALL | {"add_token", "tokens", "revoke_token", "note_tokens"}
_MOST_WITH_PREFIX = 10_000


class OwnedPools:
    """Shows one owner's pools and allocations of a store; fulfils `PoolStore` as far as routes need it.

    No route changes them.
    """

    def __init__(self, pools: PoolStore, owner: str) -> None:
        """Show the pools of `owner`; `pools` has all."""
        self._pools = pools
        self._owner = owner

    def pools(self, owner: str | None = None) -> list[Pool]:
        """List the owner's pools."""
        return self._pools.pools(self._owner) if owner in {None, self._owner} else []

    def allocations(
        self, owner: str | None = None, *, pool: str = "", ended: bool = False
    ) -> list[Allocation]:
        """List allocations of the owner's pools."""
        if owner not in {None, self._owner}:
            return []
        return self._pools.allocations(self._owner, pool=pool, ended=ended)


class OwnedStore:
    """Shows one owner's jobs of a store; fulfils `workers.store.base.Store` as far as routes need it.

    An id of another owner's job is answered as one that does not exist.  It lacks the methods for workers,
    for tokens and for the store as a whole: `HIDDEN`.
    """

    def __init__(self, store: Store, owner: str) -> None:
        """Show the jobs of `owner`; `store` has all."""
        self._store = store
        self._owner = owner
        self.kind = store.kind
        self.where = store.where

    @property
    def is_shared(self) -> bool:
        """Whether other machines reach the store."""
        return self._store.is_shared

    @property
    def caveat(self) -> str:
        """One sentence on the values that are missing in those read so far."""
        return self._store.caveat

    def _own(self, job_ids: Iterable[str]) -> list[str]:
        """Leave out the ids of other owners' jobs, and those that do not exist."""
        return [one.id for one in self._store.outlines(list(job_ids)) if one.owner == self._owner]

    def _is_own(self, job_id: str) -> bool:
        return bool(self._own([job_id]))

    def _check(self, job_id: str) -> str:
        if not self._is_own(job_id):
            raise _no_job(job_id)
        return job_id

    # -- submitting ------------------------------------------------------------------------------

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs of the owner, whose parents are the owner's."""
        if any(job.owner != self._owner for job in jobs):
            raise RuntimeError("a job of another owner was to be submitted")
        new = {job.id for job in jobs}
        parents = {parent.job_id for job in jobs for parent in job.parents} - new
        if foreign := parents - set(self._own(parents)):
            raise InputRefused(f"there is no job {min(foreign)} to wait for")
        return self._store.submit(jobs, submission=submission, durable=durable)

    # -- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Look one job up."""
        found = self.get_many([job_id])
        if not found:
            raise _no_job(job_id)
        return found[0]

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up."""
        return [job for job in self._store.get_many(job_ids) if job.owner == self._owner]

    def outlines(self, job_ids: Sequence[str]) -> list[Outline]:
        """Look outlines up."""
        return [one for one in self._store.outlines(job_ids) if one.owner == self._owner]

    def spec(self, job_id: str) -> str:
        """Read a specification."""
        return self._store.spec(self._check(job_id))

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read specifications."""
        return self._store.specs(self._own(job_ids))

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes."""
        return self._store.outcomes(self._own(job_ids))

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read the outcome of one attempt."""
        return self._store.outcome(job_id, attempt) if self._is_own(job_id) else None

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read a checkpoint."""
        return self._store.checkpoint(job_id) if self._is_own(job_id) else None

    def points(self, job_ids: Sequence[str]) -> Mapping[str, tuple[Point, ...]]:
        """Read the points of running optimisations."""
        return self._store.points(self._own(job_ids))

    def attempts(self, job_id: str) -> list[Attempt]:
        """List earlier attempts."""
        return self._store.attempts(job_id) if self._is_own(job_id) else []

    def kept_attempts(self) -> KeptAttempts:
        """Count no earlier attempts: the store counts those of all owners together."""
        return KeptAttempts(0, 0, 0)

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List artifacts."""
        return self._store.artifacts(job_id, attempt) if self._is_own(job_id) else []

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact."""
        if not self._is_own(job_id):
            raise ArtifactNotFound(f"job {job_id} has no artifact {name}")
        return self._store.artifact(job_id, name, attempt)

    def files(self, job_id: str) -> list[Artifact]:
        """List artifacts outside the store."""
        return self._store.files(job_id) if self._is_own(job_id) else []

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List parents; those of other owners are omitted."""
        found = self._store.parents(job_id, limit=limit) if self._is_own(job_id) else []
        own = set(self._own(parent.job_id for parent in found))
        return [parent for parent in found if parent.job_id in own]

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find ids by number."""
        return self._own(self._store.with_numbers(first, last, limit=limit))

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find ids by their start, however many others' ids start so."""
        most = limit
        while True:
            found = self._store.with_prefix(prefix, limit=most)
            own = self._own(found)
            if len(own) >= limit or len(found) < most or most >= _MOST_WITH_PREFIX:
                return own[:limit]
            most *= 10

    def last(self, owner: str) -> list[str]:
        """Find the jobs of the owner's newest submit."""
        return self._store.last(self._owner) if owner == self._owner else []

    def page(self, query: Query) -> Page:
        """List jobs."""
        if query.owner not in {None, self._owner}:
            return Page((), "")
        return self._store.page(query._replace(owner=self._owner))

    def outline_page(self, query: Query) -> OutlinePage:
        """List outlines."""
        if query.owner not in {None, self._owner}:
            return OutlinePage((), "")
        return self._store.outline_page(query._replace(owner=self._owner))

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state."""
        if owner not in {None, self._owner}:
            return {}
        return self._store.counts(owner=self._owner, batch=batch)

    def batches(self, *, owner: str | None = None, limit: int = 50) -> Mapping[str, Mapping[JobState, int]]:
        """Count the jobs of batches."""
        return {} if owner not in {None, self._owner} else self._store.batches(owner=self._owner, limit=limit)

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the changes of the owner's jobs; those of removed jobs and of allocations are omitted."""
        found = self._store.events(cursor, limit=limit, wait_s=wait_s)
        own = set(self._own({event.job_id for event in found.items}))
        items = tuple(event for event in found.items if event.job_id in own)
        return found._replace(items=items, allocations=())

    # -- changes -----------------------------------------------------------------------------------

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs."""
        return self._store.cancel(self._changed(job_ids, owner), owner=self._owner)

    def revise(self, job_ids: Sequence[str], revision: Revision, *, owner: str | None) -> list[Change]:
        """Change attributes of waiting jobs."""
        return self._store.revise(self._changed(job_ids, owner), revision, owner=self._owner)

    def hold(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Keep waiting jobs from starting."""
        return self._store.hold(self._changed(job_ids, owner), owner=self._owner)

    def release(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Let held jobs wait again."""
        return self._store.release(self._changed(job_ids, owner), owner=self._owner)

    def retry(self, job_ids: Sequence[str], *, owner: str | None, done: bool = False) -> list[Change]:
        """Run ended jobs again."""
        return self._store.retry(self._changed(job_ids, owner), owner=self._owner, done=done)

    def remove_attempts(self, job_ids: Sequence[str], *, owner: str | None) -> list[Removal]:
        """Remove what earlier attempts left."""
        return self._store.remove_attempts(self._changed(job_ids, owner), owner=self._owner)

    def remove(self, job_ids: Sequence[str], *, owner: str | None, files_only: bool = False) -> list[Removal]:
        """Remove ended jobs."""
        return self._store.remove(self._changed(job_ids, owner), owner=self._owner, files_only=files_only)

    def _changed(self, job_ids: Sequence[str], owner: str | None) -> list[str]:
        """Leave other owners' jobs out of a change: the store would report them as refused."""
        return self._own(job_ids) if owner in {None, self._owner} else []

    # -- the server --------------------------------------------------------------------------------

    def workers(self) -> list[WorkerSeen]:
        """List the workers that run the owner's jobs."""
        return [one for one in self._store.workers() if one.beat.owner in {None, self._owner}]

    @property
    def pools(self) -> OwnedPools | None:
        """The owner's pools of allocations, if the store keeps any."""
        found = self._store.pools
        return None if found is None else OwnedPools(found, self._owner)

    def health(self) -> StoreHealth:
        """Describe the store."""
        return self._store.health()

    def token_usage(self, name: str, jobs: int) -> TokenUsage:
        """Count what the jobs of a token use."""
        return self._store.token_usage(name, jobs)

    def acting_as(self, token: str) -> OwnedStore:
        """Return this store for changes in the name of a token."""
        return OwnedStore(self._store.acting_as(token), self._owner)


def _no_job(job_id: str) -> JobNotFound:
    """Describe a job that does not exist, or is another owner's: the answers do not differ."""
    return JobNotFound(f"there is no job {job_id}", hint="GET /jobs lists the jobs of this token")
