"""Pools of allocations as a store keeps them, and the contract of a store that does.

A pool describes allocations of a batch system, in each of which one worker runs.  An autoscaler requests
them; `workers.pools` decides how many.  What a request executes (words of sbatch, commands, paths) is never
in the store: it is in a file of the user, of which the store keeps the hash.

Only a store that other machines reach has pools.
"""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.store.values import Beat

# The lease of an autoscaler, which each of its writes prolongs.
AUTOSCALER_LEASE_S = 60.0
# Ended allocations are kept for this long, and of each pool this many at most.
KEPT_S, MOST_ENDED = 7 * 86_400, 1_000
MAX_POOLS = 100
MAX_TEXT = 4_000
# Names of pools, tokens of allocations and numbers of batch jobs go into commands: nothing else is used.
POOL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,31}", re.ASCII)
TOKEN = re.compile(r"[0-9a-f]{16}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)


class Budget(NamedTuple):
    """The core time that a pool may use in the last `days` days."""

    core_seconds: int
    days: int  # 1, 7 or 30


class PoolDefinition(NamedTuple):
    """The allocations of a pool, and how many there may be."""

    cores: int  # of one allocation, on one node
    memory_bytes: int  # likewise
    time_s: int  # likewise
    most: int = 10  # allocations that are pending or running
    pending: int = 2  # allocations that are pending
    budget: Budget | None = None
    idle_s: int = 120  # a worker without a job ends after this time
    engines: frozenset[str] = frozenset()  # engine keys that its workers are expected to have


class Pause(StrEnum):
    """The reason why a pool requests nothing until `nox alloc resume`."""

    USER = "user"
    STRIKES = "strikes"  # allocations ended without having been of use
    REFUSED = "refused"  # the batch system refused requests
    CHANGED = "changed"  # the file of the pool is not the one that `nox alloc set` wrote


class Pool(NamedTuple):
    """A pool as a store keeps it."""

    owner: str
    name: str
    definition: PoolDefinition
    digest: str  # SHA-256 of the file of the pool, 64 hexadecimal digits
    set_ms: int
    paused: Pause | None = None
    why: str = ""  # it is paused, with the last lines of a log or the words of the batch system; lines
    strikes: int = 0
    refusals: int = 0  # in a row
    refusal: str = ""  # the newest, in the words of the batch system
    next_ms: int = 0  # no request before
    wish: int = 0  # allocations that the last look would have liked to request
    wished_ms: int | None = None  # since when every look had a wish
    surplus_ms: int | None = None  # since when every look found more pending allocations than it needs
    looked_ms: int | None = None  # the last look
    answered_ms: int | None = None  # the last answer of the batch system on its jobs
    demand_jobs: int = 0  # ready jobs that count for this pool, by the last look
    demand_cores: int = 0  # the cores that these can use at once
    foreign: int = 0  # batch jobs with its name that this store did not request, by the last answer
    spent: Mapping[str, int] = MappingProxyType({})  # core seconds of ended allocations by day, 2026-11-30


class AllocationState(StrEnum):
    """The state of an allocation."""

    INTENDED = "intended"  # it is about to be requested, or was without an answer
    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


class AllocationEnd(StrEnum):
    """The end of an allocation."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"  # by a person
    UNWANTED = "unwanted"  # by nox, while it was pending
    PREEMPTED = "preempted"
    NODE_FAILED = "node_failed"
    OUT_OF_MEMORY = "out_of_memory"
    REFUSED = "refused"  # the batch system did not accept it
    DROPPED = "dropped"  # the batch system never got it
    GONE = "gone"  # the batch system no longer knows it


class Allocation(NamedTuple):
    """One allocation of a pool."""

    token: str  # 4 digits that tell stores apart and 12 random ones, hexadecimal
    owner: str
    pool: str
    state: AllocationState
    cores: int
    memory_bytes: int
    time_s: int
    intended_ms: int
    number: str = ""  # that the batch system gave it
    reason: str = ""  # why it is pending, in the word of the batch system
    starts_ms: int | None = None  # when the batch system expects it to start
    started_ms: int | None = None  # by the batch system or its worker, whichever was known first
    ended_ms: int | None = None
    ended_as: AllocationEnd | None = None
    log: str = ""  # the path of its log on the login node
    allocated_cores: int = 0  # by the batch system: those of a whole node, if it has one; 0: not known
    # Written by its worker only.
    worker: str = ""
    joined_ms: int | None = None
    left_ms: int | None = None
    jobs: int = 0  # attempts that its worker has ended

    @property
    def name(self) -> str:
        """The name of the batch job."""
        return f"nox.{self.pool}.{self.token}"

    @property
    def used_cores(self) -> int:
        """The cores that count against the budget of its pool."""
        return max(self.cores, self.allocated_cores)

    @property
    def is_live(self) -> bool:
        """Whether it counts against the limits of its pool."""
        return self.state is not AllocationState.ENDED


# The fields of an allocation that only its worker writes, by `join` and `part`.
OF_WORKER = frozenset({"worker", "joined_ms", "left_ms", "jobs"})


class AutoscalerLease(NamedTuple):
    """The right of one autoscaler to change the pools of an owner."""

    owner: str
    holder: str  # HOST-PID-HEX
    fence: int
    now_ms: int  # the store's clock when it was given


class ReadyShape(NamedTuple):
    """Ready jobs of one owner, without a lane, that need the same."""

    cores: int
    memory_bytes: int
    time_limit_s: int  # 0: none
    engine: str
    jobs: int
    samples: tuple[tuple[str, int], ...]  # kind and atoms of some of them, spread evenly over their order


class RunningJob(NamedTuple):
    """A running job, as far as the supply depends on it."""

    worker: str
    cores: int
    memory_bytes: int
    kind: str
    atoms: int
    engine: str
    started_ms: int
    is_ahead: bool = False  # it has yet to begin: its slot runs another job first


class Demand(NamedTuple):
    """The ready jobs of an owner and all running jobs and living workers, of one moment."""

    now_ms: int
    shapes: tuple[ReadyShape, ...]
    running: tuple[RunningJob, ...]
    workers: tuple[Beat, ...]  # that live
    is_cut: bool = False  # more jobs run than are listed: a store lists 4,000


class PoolStore(Protocol):
    """Keeps pools and their allocations.  Every method is one atomic step.

    Every method may raise StoreUnreachable, StoreRefused, StoreFull or StoreBusy; only further errors are
    listed below.  Damaged records are omitted.
    """

    @property
    def mark(self) -> str:
        """The first four digits of every token of this store: of the hash of its identity."""

    def define(self, owner: str, name: str, definition: PoolDefinition, digest: str) -> None:
        """Store a new pool, or change the definition and hash of one, which resumes it.

        A pool that its user paused stays so.

        Raises:
            InputRefused: the owner has `MAX_POOLS`, or the name is not one of a pool.
        """

    def pools(self, owner: str | None = None) -> list[Pool]:
        """List the pools of an owner or of all, by owner and name."""

    def allocations(
        self, owner: str | None = None, *, pool: str = "", ended: bool = False, since_ms: int = 0
    ) -> list[Allocation]:
        """List the allocations of an owner or all, of one pool or all, the oldest first.

        `ended`: also those whose end was recorded since `since_ms`; many are read in several steps.
        """

    def named(self, owner: str, tokens: Sequence[str]) -> list[Allocation]:
        """Read allocations of an owner by token, in any state; those that are not stored are omitted."""

    def pause(self, owner: str, name: str, cause: Pause, why: str = "") -> bool:
        """Pause a pool, unless its user has paused it before; false: there is none of that name."""

    def resume(self, owner: str, name: str, digest: str) -> bool:
        """Let a pool request again, without strikes, refusals or a wait; false: there is none.

        `digest`: of its file as it is now.
        """

    def remove(self, owner: str, name: str) -> bool:
        """Forget a pool and its allocations; false: there is none of that name."""

    def acquire(self, owner: str, holder: str, *, replaces: str = "") -> AutoscalerLease | str:
        """Take the lease of an owner's autoscaler; if another one holds it, return that holder.

        `replaces`: a holder that is known to be dead, whose lease ends now.  The same holder gets its lease
        again, with a new fence.
        """

    def release(self, lease: AutoscalerLease) -> None:
        """End a lease; one that was lost is ignored."""

    def record(
        self,
        lease: AutoscalerLease,
        pool: str,
        changes: Mapping[str, object],
        allocations: Sequence[tuple[str, Mapping[str, object]]] = (),
    ) -> None:
        """Change fields of a pool and of allocations in one step, and prolong the lease.

        A token that is not stored is a new allocation, whose changes must have all fields that have no
        default.  An event reports each new state of an allocation.  An allocation that ends adds nothing to
        `spent` by itself.

        What happened since the lease was given is newer than what its autoscaler has read, and stays: if the
        pool was resumed, its pause, strikes, refusals and wait; if a worker joined, state, start and end of
        its allocation.  So does the pause of its user.

        Args:
            lease: the lease of the autoscaler.
            pool: its name.
            changes: fields of `Pool` by name; those of its user (`definition`, `digest`, `set_ms`) are not
                among them.  Texts of more than `MAX_TEXT` characters are cut.
            allocations: token and fields of `Allocation` by name; those of its worker are not among them.

        Raises:
            LeaseLost: another autoscaler has the lease, it has run out, or the pool was removed; nothing was
                changed.
        """

    def join(self, token: str, worker: str) -> bool:
        """Note that the worker of an allocation has begun, which makes it RUNNING; false: it is not known.

        That holds for one that was taken for ended too.  A repetition changes nothing.
        """

    def part(self, token: str, worker: str, jobs: int) -> None:
        """Note that the worker of an allocation has ended in good order, and how many attempts it ended.

        One that could not join joins by this.  Another one than that which joined last is ignored.
        """

    def demand(self, owner: str) -> Demand:
        """Read ready shapes, running jobs and living workers.

        For 1,000 shapes and 1,000,000 ready jobs this takes a tenth of a second at most.
        """
