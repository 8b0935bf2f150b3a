"""JSON objects about jobs as they change, why they wait, and workers, as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from nox_cli.results.json_objects import JobRecord, Record, Time, closed
from workers.fit import Resource  # noqa: TC001  pydantic reads them
from workers.job import JobState, PublicState, Reason  # noqa: TC001  likewise


@closed
class ChangeRecord(Record):
    """One line of `nox watch --json`: a new state of a job; the stream continues at `cursor`."""

    cursor: str
    at: Time
    job_id: str
    number: int
    name: str
    state: PublicState
    raw_state: JobState
    reason: Reason | None
    attempt: int


@closed
class WaitRecord(Record):
    """The output of `nox wait --json`: jobs by state, the exit code that they mean, and the time waited."""

    counts: dict[PublicState, int]
    exit: int
    waited_s: float
    all_read: bool  # false: the time was up before every job was read


@closed
class Explanation(JobRecord):
    """The output of `nox explain --json` for one job: why it is in its state, and what would change that."""

    why: str
    facts: list[str]
    commands: list[str]
    short_of: list[Resource]  # what a ready job waits for while workers live
    expected_start_at: Time | None


@closed
class GroupRecord(TypedDict):
    """Jobs in one state for one reason; `job_ids` are the first few."""

    state: PublicState
    raw_state: JobState
    reason: Reason | None
    count: int
    job_ids: list[str]
    command: str  # what to do next


@closed
class GroupRecords(Record):
    """The output of `nox explain --json` for several jobs, the largest group first."""

    groups: list[GroupRecord]


@closed
class WorkerRecord(Record):
    """One worker in `nox worker list` and `nox status`."""

    worker: str
    name: str
    host: str
    pid: int
    slots: int
    busy: int
    cores: int
    memory_bytes: int
    engines: list[str]  # `xtb@22.1`
    owner: str | None  # the user whose jobs it runs; null: all users'
    allocation: str | None  # the token of the allocation of a pool that it runs in
    nox_version: str
    last_seen_at: Time


@closed
class RunningRecord(JobRecord):
    """A running job, and the course of its optimisation."""

    phase: str  # `opt`, `freq`, ...; empty: not known
    steps: str  # of the phase: `22`; of frequencies out of all: `36/120`
    gradient_norm_hartree_per_bohr: float | None
    gradient_norms: list[float]  # of the last steps of an optimisation, in hartree/bohr, the oldest first


@closed
class RunningJob(TypedDict):
    """A job that runs on a worker."""

    job_id: str
    number: int
    name: str
    cores: int
    memory_bytes: int
    started_at: Time | None
    doing: str  # `opt step 22, -96.14208102 Eh`


@closed
class SeenWorker(WorkerRecord):
    """A worker that was seen within a day, and the jobs that run on it, the longest-running first."""

    alive: bool
    first_seen_at: Time
    time_s: int | None  # the longest time for a job that begins now; null: no limit
    running: list[RunningJob]


@closed
class WorkforceRecord(Record):
    """The workers, the most recently heard first."""

    starting: bool  # none lives, and one was started on this machine that the store has not heard of
    workers: list[SeenWorker]


@closed
class StoreHealthRecord(TypedDict):
    """The state and promises of a store."""

    kind: str  # "redis" or "local"
    where: str
    version: str
    durable: str  # what survives a power cut, in one sentence
    warnings: list[str]


@closed
class LeftRecord(TypedDict):
    """An estimate of the seconds until all jobs have ended."""

    likely_s: float  # the median
    late_s: float  # the 90th percentile


@closed
class SampledJob(TypedDict):
    """A job of a group."""

    job_id: str
    number: int
    name: str


@closed
class FailureRecord(TypedDict):
    """The failed jobs of one reason; `sample` has the newest."""

    reason: Reason
    count: int
    sample: list[SampledJob]


@closed
class OutstandingJob(SampledJob):
    """A job that stands out in a batch, with the numbers of its newest step."""

    step: int | None
    energy_hartree: float | None
    wall_s: float | None


@closed
class BatchProgressRecord(TypedDict):
    """The progress of some jobs; what is unknown is null."""

    counts: dict[PublicState, int]
    raw_counts: dict[JobState, int]
    total: int
    elapsed_s: float | None
    rate_per_s: float | None  # of the jobs that end, lately
    left: LeftRecord | None
    failures: list[FailureRecord]
    failures_grouped: int  # the failed jobs in `failures`: of very many only the newest
    newest_done: OutstandingJob | None
    lowest: OutstandingJob | None
    longest_running: OutstandingJob | None
    ends_per_slice: list[int]  # the jobs that ended in each slice of time, the oldest first
    slice_s: float


@closed
class OverviewRecord(Record):
    """The output of `nox status --json` without jobs: the store, its workers, and one person's jobs."""

    store: StoreHealthRecord
    owner: str
    counts: dict[PublicState, int]
    raw_counts: dict[JobState, int]
    workers: list[WorkerRecord]
    active: list[JobRecord]
    progress: BatchProgressRecord
