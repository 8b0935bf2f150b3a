"""JSON objects that commands write, as types: renderers return them, `nox schema` describes them.

What a job does not have is null, except for texts other than its batch: they are empty.  At run time only
`nox schema` and tests load this module.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from workers.job import JobState, PublicState, Reason  # noqa: TC001  pydantic reads them

Batch = Annotated[str | None, Field(min_length=1, description="null: the job is in no batch")]
Time = Annotated[str, Field(description="ISO 8601, UTC")]


Schema = Annotated[int, Field(json_schema_extra={"default": 1})]
_closed = with_config(ConfigDict(extra="forbid", allow_inf_nan=False))


@_closed
class Record(TypedDict):
    """A JSON object that a command writes; the version of its schema is added as it is written."""

    schema: NotRequired[Schema]


@_closed
class JobRecord(Record):
    """One job in `nox list`, `run`, `explain` and `status`; `status --raw` has `public_state` and more."""

    job_id: str
    number: int
    name: str
    state: PublicState
    raw_state: JobState
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


@_closed
class EventRecord(Record):
    """One line of `nox events`."""

    cursor: str
    at: Time
    job_id: str
    number: int
    batch: Batch
    state: PublicState
    raw_state: JobState
    reason: Reason | None
    attempt: int
    snapshot: bool


@_closed
class Skipped(TypedDict):
    """An input that `--skip-bad` left out; the message begins with file, line and column."""

    message: str
    hint: str | None


@_closed
class SkippedInputs(TypedDict):
    """The number of inputs that `--skip-bad` left out, and the first thousand of them."""

    count: int
    inputs: list[Skipped]


@_closed
class SubmittedJob(TypedDict):
    """One job of a submit; a dry run gives it neither id nor number."""

    job_id: str | None
    number: int | None
    name: str
    existing: bool


@_closed
class Submitted(Record):
    """The output of `nox submit --json`."""

    batch: Batch
    jobs: list[SubmittedJob]
    skipped: SkippedInputs
