"""JSON objects about changes of jobs, as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from nox_cli.results.json_objects import Record, StoreRecord, closed
from workers.job import PublicState  # noqa: TC001  pydantic reads it


@closed
class Cancelling(TypedDict):
    """The effect of a cancel on one job; a running one that was asked to stop is still running."""

    job_id: str
    before: PublicState
    state: PublicState
    refused: bool  # the job belongs to another user


@closed
class ChangedJob(Cancelling):
    """The effect of a hold, release, set or retry on one job."""

    changed: bool


@closed
class ChangesRecord(Record):
    """The output of `nox hold`, `release`, `set` and `retry` with `--json`."""

    store: StoreRecord
    jobs: list[ChangedJob]


@closed
class CancelRecord(Record):
    """The output of `nox cancel --json`."""

    store: StoreRecord
    jobs: list[Cancelling]


@closed
class CleanRecord(Record):
    """The output of `nox clean --json`: numbers of jobs and of files, and the places of files left behind."""

    store: StoreRecord
    dry_run: bool
    files_only: bool
    attempts_only: bool
    found: int
    removed: int
    needed: int  # kept, as other jobs wait for them
    unended: int  # kept, as they were named but have not ended
    files_removed: int
    files_left: list[str]  # host:path


@closed
class MovedJob(TypedDict):
    """One job that was moved to Redis, and its id and number there."""

    job_id: str
    number: int
    name: str
    job_id_there: str
    number_there: int


@closed
class StayingJob(TypedDict):
    """One job that stays in the local store, and why."""

    job_id: str
    number: int
    why: str


@closed
class PushRecord(Record):
    """The output of `nox push --json`."""

    store: StoreRecord
    to: StoreRecord
    jobs: list[MovedJob]
    left: list[StayingJob]


@closed
class RecallRecord(Record):
    """The output of `nox push --recall --json`: the number of jobs that are held here again."""

    store: StoreRecord
    recalled: int
