"""What programs read of a job: the JSON that commands write, as models for `nox schema` and for tests.

What a job does not have is null, except for texts other than its batch: they are empty.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workers.documents import Strict
from workers.job import JobState, PublicState, Reason

Batch = Annotated[str | None, Field(min_length=1, description="null: the job is in no batch")]
Time = Annotated[str, Field(description="ISO 8601, UTC")]


class Record(Strict):
    """A JSON object that a command writes."""

    schema_version: Annotated[int, Field(alias="schema")] = 1


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
    retry_on: tuple[Reason, ...]
    retries_left: int
    due_at: Time | None
    result_attempt: int | None  # the newest attempt that completed


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


class Skipped(Strict):
    """An input that `--skip-bad` left out; the message begins with file, line and column."""

    message: str
    hint: str | None


class SkippedInputs(Strict):
    """How many inputs `--skip-bad` left out, and the first thousand of them."""

    count: int
    inputs: tuple[Skipped, ...]


class SubmittedJob(Strict):
    """One job of a submit; a dry run gives it neither id nor number."""

    job_id: str | None
    number: int | None
    name: str
    existing: bool


class Submitted(Record):
    """What `nox submit --json` writes."""

    batch: Batch
    jobs: tuple[SubmittedJob, ...]
    skipped: SkippedInputs
