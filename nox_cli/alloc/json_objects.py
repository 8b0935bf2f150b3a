"""JSON objects about pools and their allocations, as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from nox_cli.results.json_objects import Record, StoreRecord, Time, closed
from workers.pools.report import Basis  # noqa: TC001  pydantic reads them
from workers.store.pools import AllocationEnd, AllocationState, Pause  # noqa: TC001


@closed
class BudgetRecord(TypedDict):
    """The core hours that a pool may use in the last days."""

    core_hours: float
    days: int


@closed
class DefinitionRecord(TypedDict):
    """The allocations of a pool, and how many there may be."""

    cores: int
    memory_bytes: int
    time_s: int
    max: int
    pending: int
    budget: BudgetRecord | None
    idle_s: int
    engines: list[str]  # empty: any


@closed
class PoolRecord(TypedDict):
    """A pool as its store has it."""

    name: str
    owner: str
    paused: Pause | None  # null: it is not
    why: str
    definition: DefinitionRecord
    pending: int  # allocations, as those that are about to be requested
    running: int
    foreign: int  # batch jobs with its name that this store did not request; they count for --max
    demand_jobs: int  # ready jobs that count for it, by the last look
    demand_cores: int
    core_hours_today: float  # of allocations that have ended
    core_hours_used: float | None  # that count against the budget; null: there is none
    strikes: int
    refusals: int
    refusal: str
    set_at: Time
    looked_at: Time | None
    answered_at: Time | None
    no_request_before: Time | None
    file: str | None  # on this machine; null: it is elsewhere


@closed
class AllocationRecord(TypedDict):
    """An allocation of a pool."""

    pool: str
    token: str
    number: str  # of the batch job; empty: it has none
    state: AllocationState
    reason: str
    intended_at: Time
    starts_at: Time | None
    started_at: Time | None
    ended_at: Time | None
    ended_as: AllocationEnd | None
    worker: str
    jobs: int
    log: str


@closed
class PoolSetRecord(Record):
    """The output of `nox alloc set --json`."""

    store: StoreRecord
    pool: str
    file: str
    definition: DefinitionRecord
    is_new: bool
    changed: dict[str, list[str]]  # option -> the old and the new value
    test: str  # the answer of sbatch --test-only; empty: there is no sbatch here
    notes: list[str]


@closed
class PoolChangeRecord(Record):
    """The output of `nox alloc pause`, `resume` and `remove` with --json."""

    store: StoreRecord
    pool: str
    change: str  # paused, resumed, removed
    cancelled: list[str]  # numbers of batch jobs
    running: list[str]
    notes: list[str]


@closed
class PoolPageRecord(Record):
    """The output of `nox alloc show --json`."""

    pool: PoolRecord
    words: list[str] | None  # null: the file is on another machine
    before: str | None
    script: str | None
    allocations: list[AllocationRecord]  # the newest first
    log_lines: list[str]  # the last of the newest log
    advice: list[str]


@closed
class ShapeRecord(TypedDict):
    """Ready jobs that need the same."""

    cores: int
    memory_bytes: int
    time_limit_s: int | None
    engine: str
    ready: int
    pool: str | None  # null: none fits
    lack: str
    run_s: float
    basis: Basis
    left: int


@closed
class DecisionRecord(TypedDict):
    """The decision on a pool; in the dry run with the script and the answer of sbatch --test-only."""

    pool: str
    wanted: int
    pending: int
    running: int
    limits: dict[str, int]
    request: int
    cancel: list[str]
    why: str
    words: list[str] | None
    script: str | None
    test: str | None


@closed
class RequestedRecord(TypedDict):
    """The answer to a request."""

    pool: str
    token: str
    number: str
    words: str


@closed
class LookRecord(Record):
    """The output of `nox alloc run --once` and `--dry-run` with --json."""

    store: StoreRecord
    is_dry_run: bool
    shapes: list[ShapeRecord]
    decisions: list[DecisionRecord]
    requested: list[RequestedRecord]
    cancelled: list[AllocationRecord]
    ended: list[AllocationRecord]
    paused: list[str]
    silence: str
    notes: list[str]
