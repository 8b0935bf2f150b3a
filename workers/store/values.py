"""What goes into a store and what comes out of it: frozen values, no behaviour.

Texts named `*_json` are JSON documents the store keeps and hands back without looking inside.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from workers.job import CLIENT_FIELDS, NO_TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.job import Job, JobState, Lease, Parent, Progress, Reason


class IfExists(StrEnum):
    """What becomes of a new job where another is stored under its unique key."""

    SKIP = "skip"  # the other is accepted in its place
    ERROR = "error"
    NEW = "new"  # it is stored, and goes by that key from then on


class NewJob(NamedTuple):
    """A checked job, ready to be stored."""

    id: str
    owner: str
    kind: str
    spec_json: str
    digest: str  # of everything asked for: the same id with another digest is refused
    engine: str
    name: str = ""
    batch: str = ""
    formula: str = ""
    atoms: int = 0
    priority: int = 0
    cores: int = 1
    memory_bytes: int = 0
    time_limit_s: int = 0
    lane: str = ""
    retries: int = 0
    retry_on: frozenset[Reason] = frozenset()
    tags: Mapping[str, str] = NO_TAGS
    held: bool = False
    awaits_move: bool = False  # held, in the local store, until it is handed to another one or released
    begin_ms: int | None = None  # it starts then at the earliest
    unique: str = ""  # at most 64 characters; jobs under one key are the same; empty: it is like no other
    if_exists: IfExists = IfExists.SKIP
    max_fails: int = 0  # once so many of its batch failed, those that wait are cancelled; 0: never
    parents: tuple[Parent, ...] = ()  # each stored already, or before it in the same call; none twice

    @classmethod
    def like(cls, job: Job, spec_json: str, digest: str) -> NewJob:
        """Ask for what a stored job asked for, under its id; no set time, no parents, no unique key."""
        asked = {field.name: getattr(job, field.name) for field in CLIENT_FIELDS}
        return cls(**asked | {"spec_json": spec_json, "digest": digest, "lane": ""})

    @property
    def is_held(self) -> bool:
        """Whether it waits for somebody's word."""
        return self.held or self.awaits_move


class Accepted(NamedTuple):
    """The store's word that a job is stored."""

    job_id: str  # that of the job which is stored under the same unique key, if there is one
    number: int
    existing: bool  # it was stored before, under the same id and digest or the same unique key


class Claimant(NamedTuple):
    """A slot that could run a job now.

    `sequence` grows by one with each new claim of the slot.  A claim repeated with the same worker, slot
    and sequence gets the same attempt again, so that a lost reply costs nothing.
    """

    worker: str  # HOST-PID-HEX
    slot: int
    sequence: int
    cores: int  # free now
    memory_bytes: int  # free now
    engines: frozenset[str]  # engine keys it can run
    owner: str | None  # whose jobs; None: anyone's
    lanes: frozenset[str] = frozenset({""})
    all_cores: int = 0  # of the worker, those in use too
    all_memory_bytes: int = 0
    time_s: int | None = None  # until it ends: no job that may take longer; None: it stays


class Claim(NamedTuple):
    """A job that is now this claimant's to run."""

    lease: Lease
    job: Job
    spec_json: str


class Renewal(NamedTuple):
    """The store's answer about one lease."""

    lease: Lease
    alive: bool  # False: the lease was lost; the attempt must end and write nothing
    cancel_requested: bool


class Artifact(NamedTuple):
    """A file an attempt made.

    `content` is the zlib-compressed bytes where the store keeps the file itself; else the file lies on
    `host` at `path`.  `size` and `sha256` are of the uncompressed bytes.  `dropped`: an earlier attempt made
    it, and the store did not keep its content.
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
    """How many earlier attempts, of how many jobs, have kept an outcome, and their bytes in the store."""

    jobs: int
    attempts: int
    bytes: int


class Outcome(NamedTuple):
    """How an attempt ended."""

    state: JobState  # DONE, FAILED or CANCELLED
    reason: Reason | None
    outcome_json: str  # workers.result.OutcomeRecord, shown by status, results and explain
    artifacts: tuple[Artifact, ...] = ()
    progress: Progress | None = None  # of the result, kept with the job for lists; None: as last reported
    message: str = ""  # why it failed, in a line: it is listed with an attempt that is followed by a retry


class Cancellation(NamedTuple):
    """What a cancel did to one job."""

    job_id: str
    before: JobState
    after: JobState  # RUNNING: its worker was told, and ends it within the grace
    refused: bool = False  # it belongs to somebody else


class Revision(NamedTuple):
    """What is to be different about jobs that wait.  None: as it was."""

    priority: int | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    time_limit_s: int | None = None
    name: str | None = None
    tags: Mapping[str, str] = NO_TAGS  # beside those of other names that a job has


class Change(NamedTuple):
    """What was done to one of the jobs that somebody named."""

    job_id: str
    before: JobState
    after: JobState
    changed: bool
    refused: bool = False  # it belongs to somebody else


class Removed(StrEnum):
    """Whether a job was removed, or why not."""

    REMOVED = "removed"
    ACTIVE = "active"  # it has not ended
    NEEDED = "needed"  # a job that has not ended waits for it, or did
    REFUSED = "refused"  # it belongs to somebody else


class Removal(NamedTuple):
    """What was done to one of the jobs that were to be forgotten."""

    job_id: str
    what: Removed
    files: tuple[Artifact, ...] = ()  # of those that are gone from the store: files that lie outside it
    # Where only attempts were forgotten: all before this one are earlier ones, and of these one may be shown.
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
    lane_only: bool = False  # it serves its own lane and no other (`nox run`)
    time_s: int | None = None  # how long a job may take there that begins now; None: as long as it likes


class Tick(NamedTuple):
    """The result of a tick: what it found to do."""

    reaped: tuple[str, ...]  # ids of jobs taken back from lost workers
    released: tuple[str, ...]  # ids of scheduled jobs that fell due and were queued
    next_event_s: float | None  # until something falls due, or may have; None: nothing will by itself


class WorkerSeen(NamedTuple):
    """A worker the store has heard of, newest word first."""

    beat: Beat
    host: str
    first_seen_ms: int
    last_seen_ms: int
    alive: bool


class SortKey(StrEnum):
    """By what a list can be sorted; each is an index."""

    NUMBER = "number"
    CREATED = "created"
    ENDED = "ended"
    PRIORITY = "priority"


class Query(NamedTuple):
    """Which jobs, in which order, how many.  Empty fields do not restrict."""

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


class Page(NamedTuple):
    """A part of a list.  An empty cursor: there is no more."""

    items: tuple[Job, ...]
    cursor: str


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


class Events(NamedTuple):
    """A stretch of the change stream.  `truncated`: older events than asked for are no longer kept."""

    items: tuple[Event, ...]
    cursor: str
    truncated: bool = False


class StoreHealth(NamedTuple):
    """What a store says of itself."""

    kind: str  # "redis", "local"
    where: str  # host:port/db or the path; never a password
    version: str
    durable: str  # what survives a power cut, in one sentence
    warnings: tuple[str, ...] = ()
    evicts: str = ""  # the policy by which it drops jobs to make room; no worker serves such a store
    exposed: str = ""  # who else may read and change the jobs in it, for want of a password
    read_only: str = ""  # why nothing can be changed in it; no worker serves such a store
    risks: tuple[str, ...] = ()  # those of the warnings that tell how accepted jobs may get lost
