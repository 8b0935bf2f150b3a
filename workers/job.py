"""Jobs: their attributes, states and transitions.  Pure: standard library only, no input or output.

Times are milliseconds since 1970-01-01 UTC by the store's clock; memory is bytes.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIORITY_RANGE = (-100, 100)
MEMORY_STEP_BYTES = 256 * 1024**2
# The most short jobs that a slot holds at once, and so the most that a worker's end requeues from a slot.
# A prototype ran 1,301 echo jobs/s with one a slot, 1,928 with 8 and 2,645 with 32.
MAX_BUNDLED = 32
# A job that was lost this often without an explanation fails, and is not run again.
MAX_LOSSES = 3
# A job that was released this often without progress fails: it does not fit into any allocation.  Attempts of
# less than a minute do not count, however often workers are stopped.
MAX_RELEASES = 3
LEAST_TRY_S = 60.0
MAX_RETRIES = 20
# A worker that has skipped the best job for this long, because it lacks free capacity, claims no other job.
PATIENCE_MS = 600_000
# The pauses before the first, second and each further retry; the id of the job adds to them.
RETRY_PAUSES_MS = (10_000, 60_000, 300_000)
# The id lengthens a pause by a fifth at most, so that jobs that failed together are not retried together.
PAUSE_SPREAD = 5
# The phase of a job that optimises its geometry.
OPTIMISATION = "opt"
# The phase of a job that computes gradients for frequencies.
FREQUENCIES = "freq"
# The phase of the last progress of an attempt with a result: its numbers are those of the result.
RESULT_PHASE = "result"


NO_TAGS: Mapping[str, str] = MappingProxyType({})


class JobState(StrEnum):
    """The raw state of a job, as stored."""

    HELD = "held"
    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended: only `nox retry` changes the state."""
        return self in FINAL

    @property
    def is_waiting(self) -> bool:
        """Whether the job has yet to start."""
        return self in WAITING

    @property
    def public(self) -> PublicState:
        """The state that `nox status --json` shows."""
        return _PUBLIC[self]


class PublicState(StrEnum):
    """The public form of a job's state."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """The reason why a job failed, was cancelled or waits again."""

    INPUT = "input"
    NOT_CONVERGED = "not_converged"
    SCF = "scf"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    WORKER_LOST = "worker_lost"
    DEPENDENCY = "dependency"
    USER = "user"
    MOVED = "moved"
    MAX_FAILS = "max_fails"
    DAMAGED = "damaged"
    INTERNAL = "internal"


# The failures that `--retry-on` accepts.  Bad input is not among them: it fails the same way each time.
RETRIABLE = frozenset(
    {
        Reason.CRASHED,
        Reason.TIMEOUT,
        Reason.MEMORY,
        Reason.NOT_CONVERGED,
        Reason.SCF,
        Reason.WORKER_LOST,
    }
)
# The failures that are retried without `--retry-on`: only a crash may be caused by the machine.  The same
# limits and iterations fail the same way, and a lost job is run again in any case, up to `MAX_LOSSES` times.
RETRIED_BY_DEFAULT = frozenset({Reason.CRASHED})

WAITING = frozenset({JobState.HELD, JobState.SCHEDULED, JobState.BLOCKED, JobState.QUEUED})
FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
ACTIVE = WAITING | {JobState.RUNNING}

_PUBLIC: Mapping[JobState, PublicState] = MappingProxyType(
    {
        **dict.fromkeys(WAITING, PublicState.PENDING),
        JobState.RUNNING: PublicState.RUNNING,
        JobState.DONE: PublicState.COMPLETED,
        JobState.FAILED: PublicState.FAILED,
        JobState.CANCELLED: PublicState.CANCELLED,
    }
)

# The transition table: a store changes a state only along these edges.  Each is caused by:
#   held, scheduled, blocked -> queued     release, due time (by a tick), last parent; or the next of these
#                                          that it waits for
#   scheduled, blocked, queued -> held     hold
#   queued -> blocked                      a parent runs again whose result the job needs
#   running -> blocked                     the same, where the job was released or lost meanwhile
#   any waiting -> cancelled               cancel, a parent's end, push
#   queued -> running                      claim: attempt + 1, which is the new fence, and a lease
#   running -> done, failed                finish under the fence
#   running -> cancelled                   cancel, then finish; or a tick, if the worker is gone
#   running -> queued                      give_back (not counted as a loss), or a tick (counted)
#   running -> scheduled                   finish under the fence, or a tick: a retry after a pause
#   done, failed, cancelled -> queued, blocked   retry, also of a parent: a new round
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.HELD: frozenset({JobState.SCHEDULED, JobState.BLOCKED, JobState.QUEUED, JobState.CANCELLED}),
        JobState.SCHEDULED: frozenset({JobState.HELD, JobState.BLOCKED, JobState.QUEUED, JobState.CANCELLED}),
        JobState.BLOCKED: frozenset({JobState.HELD, JobState.QUEUED, JobState.CANCELLED}),
        JobState.QUEUED: frozenset({JobState.HELD, JobState.BLOCKED, JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.BLOCKED}) | FINAL,
        **dict.fromkeys(FINAL, frozenset({JobState.QUEUED, JobState.BLOCKED})),
    }
)


class Condition(StrEnum):
    """The end of a parent that lets a waiting job start."""

    DONE = "done"
    FAILED = "failed"
    ENDED = "ended"  # in any state
    RESULT = "result"  # done, and the job uses its result

    def is_met(self, state: JobState) -> bool:
        """Whether a parent in this final state lets the job start."""
        if self is Condition.RESULT:
            return state is JobState.DONE
        return self is Condition.ENDED or self.value == state.value


class Parent(NamedTuple):
    """A job that another waits for."""

    job_id: str
    condition: Condition = Condition.DONE


class Progress(NamedTuple):
    """The progress of a running attempt; every number is optional since engines differ."""

    fraction: float | None = None  # 0 to 1
    phase: str = ""  # `OPTIMISATION`, `FREQUENCIES`, `RESULT_PHASE`; at most 16 characters
    step: int | None = None
    energy_hartree: float | None = None
    energy_change_hartree: float | None = None
    gradient_norm_hartree_per_bohr: float | None = None


def recorded_progress(progress: Progress, state: JobState, reason: Reason | None) -> Progress:
    """Remove from an ended job's progress what is not of its result.

    Earlier versions of nox recorded the energy of the result with the last reported step.
    """
    has_result = state is JobState.DONE or (state is JobState.FAILED and reason is Reason.NOT_CONVERGED)
    if not has_result or progress.phase in {"", RESULT_PHASE}:
        return progress
    return Progress(fraction=progress.fraction, energy_hartree=progress.energy_hartree)


def gradients_of_frequencies(atoms: int) -> int:
    """Count the gradients of frequencies: all atoms but one are displaced both ways along each axis."""
    return 6 * (atoms - 1)


class Lease(NamedTuple):
    """The right of one attempt to write.  Its fence is the number of the attempt, which only grows."""

    job_id: str
    fence: int
    worker: str


class Attempt(NamedTuple):
    """An attempt that did not end its job: it was lost or released, or a retry followed."""

    number: int
    round: int
    worker: str
    started_ms: int
    ended_ms: int
    ended_as: str  # "given_back" if it was released, else the reason of its failure: "worker_lost", "crashed"
    message: str = ""
    ran: bool = True  # False: it was released before its engine had started


class Job(NamedTuple):
    """One job as the store holds it, without its specification and outcome, which are read separately.

    `FIELDS` lists how each attribute is stored.
    """

    id: str  # 32 lower-case hexadecimal digits, made by the client
    number: int  # small, unique in its store
    state: JobState
    owner: str
    kind: str  # "echo", "sp", "grad", "opt"
    created_ms: int
    name: str = ""
    batch: str = ""
    formula: str = ""
    atoms: int = 0
    engine: str = ""  # the engine key it is pinned to, as "xtb@22.1"; "echo"
    priority: int = 0
    cores: int = 1
    memory_bytes: int = 0
    time_limit_s: int = 0  # 0: none
    lane: str = ""  # the only worker that may run the job; empty: any
    retries: int = 0  # the number of failures of the kinds `retry_on` that another attempt may follow
    retry_on: frozenset[Reason] = frozenset()
    tags: Mapping[str, str] = NO_TAGS
    reason: Reason | None = None
    attempt: int = 0  # 0: never claimed; else the fence of the newest attempt
    round: int = 1
    retried: int = 0  # the number of retries that were begun
    parents: int = 0  # the number of jobs that it waits for, or waited for
    unended: int = 0  # the number of parents that have yet to end
    unmet: int = 0  # the number of parents whose end keeps it from starting
    due_ms: int | None = None  # the earliest start of a scheduled job, or of a held one after its release
    losses: int = 0
    releases: int = 0
    cancel_requested: bool = False
    worker: str = ""  # of the newest attempt; empty if `started_ms` is None
    started_ms: int | None = (
        None  # the begin of the newest attempt; None: that is among the earlier attempts now
    )
    ended_ms: int | None = None
    good: int | None = None  # the attempt that completed before a retry, until a newer one completes
    progress: Progress = Progress()

    @property
    def host(self) -> str:
        """The machine of the newest attempt's worker."""
        return worker_host(self.worker)

    @property
    def shown(self) -> int | None:
        """The attempt whose outcome is shown, if there is one."""
        ended_by_newest = self.state.is_final and self.started_ms is not None
        if self.state is JobState.DONE or (self.good is None and ended_by_newest):
            return self.attempt
        return self.good

    @property
    def retries_left(self) -> int:
        """The number of further failures that another attempt may follow."""
        return max(0, self.retries - self.retried)

    def is_retried(self, state: JobState, reason: Reason | None) -> bool:
        """Whether a retry follows an attempt that ended in this state, for this reason."""
        is_retriable = state is JobState.FAILED and reason in self.retry_on & RETRIABLE
        return is_retriable and self.retries_left > 0 and not self.cancel_requested


class IfExists(StrEnum):
    """The handling of a new job whose unique key a stored job has."""

    SKIP = "skip"  # accept the stored job in its place
    ERROR = "error"  # refuse the new job
    NEW = "new"  # store the new job, which has the key from then on


class NewJob(NamedTuple):
    """A checked job, ready to be stored."""

    id: str
    owner: str
    kind: str
    spec_json: str
    digest: str  # of the whole request: the store refuses another digest under the same id
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
    awaits_move: bool = False  # held in the local store until it is pushed to Redis or released
    begin_ms: int | None = None  # the earliest start
    unique: str = ""  # at most 64 characters; jobs with the same key are the same job; empty: none
    if_exists: IfExists = IfExists.SKIP
    max_fails: int = 0  # after this many failures the waiting jobs of its batch are cancelled; 0: never
    parents: tuple[Parent, ...] = ()  # each is stored already, or precedes it in the same call; none twice

    @classmethod
    def like(cls, job: Job, spec_json: str, digest: str) -> NewJob:
        """Repeat the request of a stored job: its id, without start time, parents, lane and unique key."""
        values = {field.name: getattr(job, field.name) for field in CLIENT_FIELDS}
        return cls(**values | {"spec_json": spec_json, "digest": digest, "lane": ""})

    @property
    def is_held(self) -> bool:
        """Whether it waits to be released, or pushed."""
        return self.held or self.awaits_move


def worker_host(worker: str) -> str:
    """Return the machine in a worker's id, `HOST-PID-HEX`."""
    return worker.rsplit("-", 2)[0]


def round_memory(memory_bytes: int) -> int:
    """Round a memory request up to a whole step, so that distinct requests stay few."""
    return max(1, -(-memory_bytes // MEMORY_STEP_BYTES)) * MEMORY_STEP_BYTES


def retry_pause_ms(job_id: str, retried: int) -> int:
    """Return the pause before the next attempt of a job after `retried` retries; the same at each call."""
    pause_ms = RETRY_PAUSES_MS[min(retried, len(RETRY_PAUSES_MS) - 1)]
    return pause_ms + pause_ms * int(job_id[:4], 16) // 16**4 // PAUSE_SPREAD


def reasons_text(reasons: frozenset[Reason]) -> str:
    """Write reasons to retry as one word, `crashed,timeout`, without those that are never retried."""
    return ",".join(sorted(reasons & RETRIABLE))


def reasons_of(text: str) -> frozenset[Reason]:
    """Read reasons to retry, as `reasons_text` writes them.

    Raises:
        ValueError: one of them is no reason.
    """
    return frozenset(map(Reason, text.split(","))) if text else frozenset()


Kind = Literal["id", "text", "whole", "integer", "number", "flag", "state", "reason", "reasons", "tags"]


class Field(NamedTuple):
    """The storage of one attribute of a job."""

    name: str  # of the attribute of `Job`, and of `NewJob` if a client sets it
    kind: Kind  # selects the functions that read and write its value; "whole": 0 or more
    redis: str  # its short name in the hash `job:<id>`, which omits defaults
    is_set_by_client: bool = False
    column: str = ""  # in the table `jobs` of the local store; empty: the name of the attribute
    shown_as: str = ""  # its name in JSON and tables, if its value is shown as it is
    since: int = 0  # the version of the local store that added its column; 0: `schema.sql` has it

    @property
    def sql(self) -> str:
        """The column of the local store."""
        return self.column or self.name


# The table of a job's attributes, by which both stores read and write jobs.  Its order is that of `Job`,
# which has their types and defaults.  A new attribute is a line in `Job`, a line in `NewJob` if clients set
# it, and a line here with `since`: the next version of the local store, which adds the column by itself.
FIELDS = (
    Field("id", "id", "id", is_set_by_client=True, shown_as="job_id"),
    Field("number", "whole", "n", shown_as="number"),
    Field("state", "state", "s", shown_as="raw_state"),
    Field("owner", "text", "o", is_set_by_client=True, shown_as="owner"),
    Field("kind", "text", "k", is_set_by_client=True, shown_as="calculation"),
    Field("created_ms", "whole", "c"),
    Field("name", "text", "nm", is_set_by_client=True, shown_as="name"),
    Field("batch", "text", "b", is_set_by_client=True),
    Field("formula", "text", "f", is_set_by_client=True, shown_as="formula"),
    Field("atoms", "whole", "a", is_set_by_client=True, shown_as="n_atoms"),
    Field("engine", "text", "e", is_set_by_client=True, shown_as="engine"),
    Field("priority", "integer", "p", is_set_by_client=True, shown_as="priority"),
    Field("cores", "whole", "co", is_set_by_client=True, shown_as="cores"),
    Field("memory_bytes", "whole", "m", is_set_by_client=True, shown_as="memory_bytes"),
    Field("time_limit_s", "whole", "tl", is_set_by_client=True),
    Field("lane", "text", "l", is_set_by_client=True),
    Field("retries", "whole", "rt", is_set_by_client=True, shown_as="retries"),
    Field("retry_on", "reasons", "ro", is_set_by_client=True),
    Field("tags", "tags", "t", is_set_by_client=True),
    Field("reason", "reason", "r", shown_as="reason"),
    Field("attempt", "whole", "at", shown_as="attempt"),
    Field("round", "whole", "rd", shown_as="round"),
    Field("retried", "whole", "rn"),
    Field("parents", "whole", "pn"),
    Field("unended", "whole", "wt"),
    Field("unmet", "whole", "um"),
    Field("due_ms", "whole", "du"),
    Field("losses", "whole", "lo", shown_as="losses"),
    Field("releases", "whole", "re"),
    Field("cancel_requested", "flag", "cr", shown_as="cancel_requested"),
    Field("worker", "text", "w"),
    Field("started_ms", "whole", "st"),
    Field("ended_ms", "whole", "en"),
    Field("good", "whole", "gd"),
)
# The same for `Progress`, which is stored in the record of its job.
PROGRESS_FIELDS = (
    Field("fraction", "number", "pf"),
    Field("phase", "text", "pp"),
    Field("step", "integer", "ps"),
    Field("energy_hartree", "number", "pe", column="energy"),
    Field("energy_change_hartree", "number", "pd", column="energy_change"),
    Field("gradient_norm_hartree_per_bohr", "number", "pg", column="gradient_norm"),
)
CLIENT_FIELDS = tuple(field for field in FIELDS if field.is_set_by_client)


def stored_job(values: dict[str, Any], progress: Progress) -> Job:
    """Make a job of the values that its record has.

    Args:
        values: by name of `FIELDS`; those with defaults may be missing.
        progress: of its newest attempt.

    Raises:
        KeyError, TypeError: a value without a default is missing.
    """
    state: JobState = values["state"]
    if state.is_waiting:
        values["started_ms"] = None  # older versions of nox kept it
    if values.get("started_ms") is None:
        values["worker"] = ""
    return Job(**values, progress=recorded_progress(progress, state, values.get("reason")))
