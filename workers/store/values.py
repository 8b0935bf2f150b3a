"""Arguments and results of the stores: named tuples.

Texts named `*_json` are JSON documents, which the store keeps and returns without reading them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.job import NO_TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.job import Job, JobState, Lease, Progress, Reason

# The number of points of a running optimisation that a store keeps: the newest.
POINTS_KEPT = 128


class Accepted(NamedTuple):
    """The answer to one submitted job."""

    job_id: str  # of the new job, or of the stored one that has its unique key
    number: int
    existing: bool  # the job was stored before, under the same id and digest or the same unique key


class Ahead(NamedTuple):
    """The jobs that a slot claims in advance, before those that it holds have ended: more of a kind."""

    held: int  # the number of jobs that the slot holds; 0: the job begins at once
    engine: str  # the engine key
    kind: str
    atoms: int  # the most that a job may have


class Claimant(NamedTuple):
    """A slot that could run a job now, or after those that it holds.

    `sequence` grows by one with each new claim of the slot.  A repeated claim with the same worker, slot
    and sequence returns the same attempt again, so that a lost reply costs nothing.
    """

    worker: str  # HOST-PID-HEX
    slot: int
    sequence: int
    cores: int  # free now
    memory_bytes: int  # free now
    engines: frozenset[str]  # engine keys it can run
    owner: str | None  # runs the jobs of this owner only; None: of all owners
    lanes: frozenset[str] = frozenset({""})
    all_cores: int = 0  # of the worker, including those in use
    all_memory_bytes: int = 0
    time_s: int | None = (
        None  # until the worker ends: it takes no job that may run longer; None: no end is known
    )
    slots: int = 1  # of the worker
    ahead: Ahead | None = None  # None: the slot holds no job, and begins the one that it gets


class Claim(NamedTuple):
    """A job that the claimant runs from now on, with its lease and specification."""

    lease: Lease
    job: Job
    spec_json: str


class Renewal(NamedTuple):
    """The answer to the renewal of one lease."""

    lease: Lease
    alive: bool  # False: the lease was lost; the attempt must end and write nothing
    cancel_requested: bool


class Artifact(NamedTuple):
    """A file that an attempt made.

    `content` has the zlib-compressed bytes if the store keeps the file itself; otherwise the file is at
    `path` on `host`.  `size` and `sha256` are of the uncompressed bytes.  `dropped`: an earlier attempt made
    the file, and the store did not keep its content.
    """

    name: str
    size: int
    sha256: str
    mime: str
    content: bytes | None = None
    host: str = ""
    path: str = ""
    dropped: bool = False


class KeptAttempts(NamedTuple):
    """The number of earlier attempts with a stored outcome, of their jobs, and their bytes in the store."""

    jobs: int
    attempts: int
    bytes: int


class Outcome(NamedTuple):
    """The end of an attempt."""

    state: JobState  # DONE, FAILED or CANCELLED
    reason: Reason | None
    outcome_json: str  # a workers.result.OutcomeRecord
    artifacts: tuple[Artifact, ...] = ()
    progress: Progress | None = None  # of the result, stored with the job for lists; None: as last reported
    message: str = ""  # the failure in one line, listed with an attempt that a retry follows
    ran_ms: int | None = None  # how long it ran, if it waited after its claim; None: since its claim


class AttemptEnd(NamedTuple):
    """An attempt that has ended, and the place of its slot that takes another job in the same step."""

    lease: Lease
    outcome: Outcome
    claimant: Claimant | None = None


class Point(NamedTuple):
    """One step of a running optimisation."""

    step: int  # counted over all attempts; a later point has a larger one
    energy_hartree: float
    gradient_norm: float  # hartree/bohr, as `Progress` has it


class Cancellation(NamedTuple):
    """The effect of a cancel on one job."""

    job_id: str
    before: JobState
    after: JobState  # RUNNING: its worker is asked to end it within the grace period
    refused: bool = False  # the job belongs to another user


class Revision(NamedTuple):
    """Changes to waiting jobs.  None: no change."""

    priority: int | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    time_limit_s: int | None = None
    name: str | None = None
    tags: Mapping[str, str] = NO_TAGS  # added to the tags of other names that a job has


class Change(NamedTuple):
    """The effect of a command on one of the jobs that it names."""

    job_id: str
    before: JobState
    after: JobState
    changed: bool
    refused: bool = False  # the job belongs to another user


class Removed(StrEnum):
    """The result of a removal: the job was removed, or the reason why not."""

    REMOVED = "removed"
    ACTIVE = "active"  # it has not ended
    NEEDED = "needed"  # an unfinished job waits for it, or waited for it
    REFUSED = "refused"  # the job belongs to another user


class Removal(NamedTuple):
    """The effect of a removal on one job."""

    job_id: str
    what: Removed
    files: tuple[Artifact, ...] = ()  # the removed artifacts whose files are outside the store
    # If only attempts were removed: all before `newest` are earlier ones, and one of these may be shown.
    newest: int = 0
    shown: int | None = None


class Beat(NamedTuple):
    """The state that a living worker reports at each tick."""

    worker: str
    pid: int
    slots: int
    cores: int
    memory_bytes: int
    engines: frozenset[str]
    owner: str | None
    name: str
    busy: int
    nox_version: str
    lane_only: bool = False  # it runs only the jobs that are reserved for it (`nox run`)
    time_s: int | None = None  # the longest time for a job that begins now; None: no limit
    allocation: str = ""  # the token of the allocation of a pool that it runs in; empty: none

    def record(self) -> dict[str, Any]:
        """Return its fields as stores keep them, for JSON.

        The allocation is kept next to them: earlier versions read no record with an unknown field.
        """
        known = self._asdict() | {"engines": sorted(self.engines)}
        del known["allocation"]
        return known


class Tick(NamedTuple):
    """The result of a tick."""

    reaped: tuple[str, ...]  # ids of jobs of lost workers that were requeued
    released: tuple[str, ...]  # ids of scheduled jobs that became due and were queued
    next_event_s: float | None  # until the next tick has something to do; None: nothing is known


class WorkerSeen(NamedTuple):
    """A worker that the store knows, with its newest beat."""

    beat: Beat
    host: str
    first_seen_ms: int
    last_seen_ms: int
    alive: bool


class SortKey(StrEnum):
    """The sort keys of lists; for each there is an index."""

    NUMBER = "number"
    CREATED = "created"
    ENDED = "ended"
    PRIORITY = "priority"


class Query(NamedTuple):
    """The filters, order and size of a list of jobs.  Empty fields do not filter."""

    owner: str | None = None
    states: frozenset[JobState] = frozenset()
    reason: Reason | None = None
    batch: str = ""
    name_glob: str = ""  # shell pattern: * ? [...]
    tags: Mapping[str, str] = NO_TAGS
    since_ms: int | None = None  # created at or after
    sort: SortKey = SortKey.CREATED
    descending: bool = True
    limit: int = 50  # at most 1,000
    cursor: str = ""
    from_number: int | None = None  # by number or creation, without a cursor: begin at this number


class Page(NamedTuple):
    """One page of a list.  An empty cursor: it is the last."""

    items: tuple[Job, ...]
    cursor: str
    looked: int = 0  # how many jobs were looked at, if that is more than those found


class Outline(NamedTuple):
    """A job as far as a command needs it that counts, names or chooses many of them."""

    id: str
    number: int
    state: JobState
    owner: str
    name: str
    attempt: int
    good: int | None

    @property
    def has_result(self) -> bool:
        """Whether an attempt of the job has completed."""
        return self.good is not None or self.state.value == "done"


class OutlinePage(NamedTuple):
    """One page of a list of outlines.  An empty cursor: it is the last."""

    items: tuple[Outline, ...]
    cursor: str


def outline_of(job: Job) -> Outline:
    """Leave out of a job what its outline does not have."""
    return Outline(job.id, job.number, job.state, job.owner, job.name, job.attempt, job.good)


class Event(NamedTuple):
    """One change of one job's state, as it happened."""

    cursor: str
    at_ms: int
    job_id: str
    number: int
    state: JobState
    attempt: int
    reason: Reason | None
    batch: str
    token: str = ""  # the name of the token that caused it; empty: none did

    @classmethod
    def of(cls, job: Job, cursor: str) -> Event:
        """Describe the state of a job as the change that led to it; the stream continues at `cursor`."""
        at_ms = job.ended_ms or job.started_ms or job.created_ms
        return cls(cursor, at_ms, job.id, job.number, job.state, job.attempt, job.reason, job.batch)


class AllocationEvent(NamedTuple):
    """One new state of an allocation of a pool, as it happened."""

    cursor: str
    at_ms: int
    owner: str
    pool: str
    token: str
    state: str  # a `workers.store.pools.AllocationState`; a newer nox may know others
    number: str  # that the batch system gave it; empty: none yet
    reason: str  # why it is pending; of one that has ended: its end, a `workers.store.pools.AllocationEnd`


class Events(NamedTuple):
    """A chunk of the change stream.  `truncated`: events after the requested cursor are no longer stored."""

    items: tuple[Event, ...]
    cursor: str
    truncated: bool = False
    allocations: tuple[AllocationEvent, ...] = ()  # of this chunk: between the cursors of `items` lie theirs


class StoreHealth(NamedTuple):
    """The state and promises of a store."""

    kind: str  # "redis", "local"
    where: str  # host:port/db, or the path; never a password
    version: str
    durable: str  # what survives a power cut, in one sentence
    warnings: tuple[str, ...] = ()
    evicts: str = ""  # the policy by which it drops jobs when memory is full; no worker serves such a store
    exposed: str = ""  # the people who can read and change its jobs because it has no password
    read_only: str = ""  # the reason why nothing can be changed; no worker serves such a store
    risks: tuple[str, ...] = ()  # the warnings about ways to lose accepted jobs


def fields_of(kind: type[tuple[Any, ...]], record: Mapping[str, Any]) -> dict[str, Any]:
    """Select the fields of a named tuple from a record; a newer nox may have written others too."""
    return {name: record[name] for name in kind._fields if name in record}  # type: ignore[attr-defined]
