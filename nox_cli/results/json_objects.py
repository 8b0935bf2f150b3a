"""JSON objects about jobs and results, as types: commands write them, `nox schema` describes them.

The modules of the same name in `changes`, `watch` and `doctor` have those of these domains.  What a job does
not have is null, except for texts other than its batch: they are empty.  At run time only `nox schema`,
programs that check what they are given, and tests load these modules.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from workers.job import JobState, PublicState, Reason  # noqa: TC001  pydantic reads them

Batch = Annotated[str | None, Field(min_length=1, description="null: the job is in no batch")]
Time = Annotated[str, Field(description="ISO 8601, UTC")]


T = TypeVar("T")

Schema = Annotated[int, Field(json_schema_extra={"default": 1})]
closed = with_config(ConfigDict(extra="forbid", allow_inf_nan=False))


@closed
class Record(TypedDict):
    """A JSON object that a command writes; the version of its schema is added as it is written."""

    schema: NotRequired[Schema]


@closed
class Page(Record, Generic[T]):
    """A list, or one page of it: `cursor` leads to the next page, and is null on the last."""

    items: list[T]
    cursor: str | None


@closed
class StoreRecord(TypedDict):
    """The store that a command has used: its kind, and its place without a password."""

    kind: str  # "redis" or "local"
    where: str


@closed
class PointRecord(TypedDict):
    """One step of an optimisation."""

    step: int
    energy_hartree: float
    gradient_norm_hartree_per_bohr: float


@closed
class ConvergenceRecord(Record):
    """The course of an optimisation: of the attempt that runs, or of the one whose result is shown.

    The thresholds are null, and `points` is empty, where the job has no optimisation.
    """

    job_id: str
    attempt: int | None  # whose points these are; null: there are none
    running: bool
    energy_change_threshold_hartree: float | None
    gradient_norm_threshold_hartree_per_bohr: float | None
    points: list[PointRecord]  # oldest first; while it runs the last 128


@closed
class PublicJob(Record):
    """One job in `nox status --json`: its state in public words, progress, and what it does in a sentence."""

    job_id: str
    state: PublicState
    progress: float | None  # 0 to 1
    message: str
    points: NotRequired[list[PointRecord]]  # of one job whose geometry is being optimised: its last 128 steps


class _JobFields(Record):
    """The attributes of a job that its short and its whole record have."""

    job_id: str
    number: int
    name: str
    reason: Reason | None  # why it failed, was cancelled or waits again
    progress: float | None  # 0 to 1
    message: str
    owner: str
    batch: Batch
    calculation: str
    formula: str
    n_atoms: int
    engine: str
    priority: int
    cores: int
    memory_bytes: int
    time_limit_s: int | None
    attempt: int  # 0: none has begun
    round: int
    losses: int
    cancel_requested: bool
    host: str
    energy_hartree: float | None  # of `step`; of `result_attempt`, where that is an earlier attempt
    step: int | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    wall_s: float | None
    tags: dict[str, str]
    retries: int
    retry_on: list[Reason]
    retries_left: int
    due_at: Time | None
    result_attempt: int | None  # the newest attempt that completed


@closed
class JobRecord(_JobFields):
    """One job in `nox list`, `run`, `explain` and `status`; `status --raw` has `public_state` and more."""

    state: PublicState
    raw_state: JobState


@closed
class RunJob(JobRecord):
    """One job in `nox run --json`, with the files of its results."""

    files: list[str]


@closed
class RunRecord(Record):
    """The output of `nox run --json`."""

    batch: Batch
    items: list[RunJob]
    skipped: SkippedInputs


@closed
class AttemptRecord(TypedDict):
    """One attempt of a job; one that runs has neither `ended_at` nor `ended_as`."""

    attempt: int
    round: int
    worker: str
    started_at: Time | None
    ended_at: Time | None
    ended_as: str | None  # a state, or the reason why it ended without a result
    message: str


@closed
class ArtifactRecord(TypedDict):
    """One file that an attempt left; `host` and `path` are null where the store keeps it."""

    name: str
    size_bytes: int
    sha256: str
    mime: str
    host: str | None
    path: str | None
    kept: bool  # false: it is of an earlier attempt, and was too large to be kept


@closed
class ListedArtifact(ArtifactRecord):
    """One file in `nox fetch --ls --json`, with its job and attempt."""

    job_id: str
    attempt: int


@closed
class FetchedFile(TypedDict):
    """One artifact that `nox fetch` wrote to a file."""

    job_id: str
    name: str
    file: str
    attempt: int


@closed
class FetchRecord(Record):
    """The output of `nox fetch --json`; each line of `missing` names an artifact that was not there.

    `existing` are the files that `--skip-existing` left as they were.
    """

    items: list[FetchedFile]
    existing: list[FetchedFile]
    missing: list[str]


@closed
class OpenRecord(Record):
    """The output of `nox open --json`: the file, and the program with its arguments before the file."""

    job_ids: list[str]
    file: str
    viewer: list[str]


@closed
class WholeJob(_JobFields):
    """One job in `nox status --raw`, with all that the store has of it.

    `spec` and `outcome` are what `nox schema job` and `nox schema outcome` describe; those of another
    version of nox may differ.
    """

    state: JobState
    public_state: PublicState
    attempts: list[AttemptRecord]
    parents: list[str]  # ids
    worker: str
    spec: dict[str, Any]
    outcome: dict[str, Any] | None
    artifacts: list[ArtifactRecord]


@with_config(ConfigDict(extra="allow", allow_inf_nan=False))
class ResultRow(Record, total=False):
    """One row of `nox results`.

    The columns after `spin_polarised` are there where energies are compared, and `payload` for echo jobs.
    With `--columns` only those are there that were chosen.  With `--unit` the names of energies end in that
    unit in place of `_hartree` and `_kcal_per_mol`.
    """

    number: int
    job_id: str
    batch: Batch
    name: str | None
    source_file: str | None
    input_sha256: str | None
    formula: str | None
    n_atoms: int | None
    charge: int | None
    unpaired_electrons: int | None
    charge_origin: str | None
    calculation: str
    opt_level: str | None
    method: str | None
    electronic_temperature_k: float | None
    state: PublicState | None
    reason: str | None
    warnings: list[str]
    energy_hartree: float | None
    gradient_norm_hartree_per_bohr: float | None
    gap_ev: float | None
    homo_ev: float | None
    lumo_ev: float | None
    dipole_debye: float | None
    converged: bool | None
    steps: int | None
    engine: str | None
    engine_version: str | None
    nox_version: str | None
    host: str | None
    attempt: int | None
    wall_s: float | None
    finished_at: Time | None
    verdicts: list[str]
    bonds_changed: list[str] | None
    imaginary_modes: int | None
    lowest_mode_cm1: float | None
    zpe_hartree: float | None
    enthalpy_hartree: float | None
    entropy_hartree_per_k: float | None
    gibbs_hartree: float | None
    gibbs_rrho_hartree: float | None
    temperature_k: float | None
    pressure_pa: float | None
    symmetry_number: int | None
    solvation: str | None
    solvent: str | None
    spin_polarised: bool | None
    relative_kcal_per_mol: float | None
    compared_by: str | None  # "energy" or "gibbs"
    boltzmann_weight: float | None  # 0 to 1
    same_conformer_as: int | None  # the number of the job that has the weight of this conformer
    degeneracy: int | None  # 2: counted with its mirror image
    reference: int | None  # the number of the job from which the energy is counted
    not_compared: Literal["no_energy", "not_converged", "bonds_changed", "not_stationary", "alone"] | None
    payload: Any


@closed
class EventRecord(Record):
    """One line of `nox events` on a job."""

    cursor: str
    at: Time
    job_id: str
    number: int
    batch: Batch
    state: PublicState
    raw_state: JobState
    reason: Reason | None
    attempt: int
    token: str | None
    snapshot: bool


@closed
class AllocationEventRecord(Record):
    """One line of `nox events` on a new state of an allocation of a pool."""

    cursor: str
    at: Time
    owner: str
    pool: str
    allocation: str  # its token
    number: str | None  # of the batch job
    state: str  # "intended", "pending", "running" or "ended"
    reason: str | None  # why it is pending, in the word of the batch system
    ended_as: str | None  # "completed", "failed", "timeout", ...


@closed
class Skipped(TypedDict):
    """An input that `--skip-bad` left out; the message begins with file, line and column."""

    message: str
    hint: str | None


@closed
class SkippedInputs(TypedDict):
    """The number of inputs that `--skip-bad` left out, and the first thousand of them."""

    count: int
    inputs: list[Skipped]


@closed
class SubmittedJob(TypedDict):
    """One job of a submit; a dry run gives it neither id nor number."""

    job_id: str | None
    number: int | None
    name: str
    existing: bool


@closed
class ProfileRecord(TypedDict):
    """The profile that a submit took options from, as the settings file has them."""

    name: str
    options: dict[str, str | int | float | bool | list[str]]


@closed
class Submitted(Record):
    """The output of `nox submit --json`."""

    batch: Batch
    jobs: list[SubmittedJob]
    skipped: SkippedInputs
    profile: ProfileRecord | None  # null: without --profile


@closed
class RestartedJob(TypedDict):
    """A new job that continues another, `retry_of`, from its last geometry."""

    job_id: str
    number: int | None  # null: the store did not answer when asked for it
    name: str
    existing: bool
    retry_of: str


@closed
class RestartRecord(Record):
    """The output of `nox retry --from-last-geometry --json`."""

    store: StoreRecord
    jobs: list[RestartedJob]


@closed
class ReferenceRecord(TypedDict):
    """A paper or a program, by the number that the sentences have for it."""

    number: int
    text: str
    doi: str | None


@closed
class CitationRecord(Record):
    """The output of `nox cite --json`."""

    jobs: int
    sentences: list[str]
    references: list[ReferenceRecord]
