"""The contract of a batch system to which an autoscaler sends requests: four verbs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# The start of the name of every batch job that an autoscaler requests.
JOB_PREFIX = "nox."


class BatchState(StrEnum):
    """The state of a batch job."""

    PENDING = "pending"  # also if it was requeued or is held
    RUNNING = "running"  # also while it is suspended or completing
    COMPLETED = "completed"  # with code 0
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    NODE_FAILED = "node_failed"
    OUT_OF_MEMORY = "out_of_memory"
    UNKNOWN = "unknown"  # a word that nox does not know

    @property
    def is_final(self) -> bool:
        """Whether the batch job has ended."""
        return self not in {BatchState.PENDING, BatchState.RUNNING, BatchState.UNKNOWN}


class BatchJob(NamedTuple):
    """A batch job as the batch system reports it."""

    number: str  # digits
    name: str
    state: BatchState
    reason: str = ""  # why it is pending, or why it ended; a word of the batch system
    starts_ms: int | None = None  # when it began, or is expected to begin; None: not known
    ended_ms: int | None = None
    cores: int = 0  # 0: not known


class BatchJobs(NamedTuple):
    """The batch jobs of this user whose names begin with `JOB_PREFIX`."""

    by_name: Mapping[str, BatchJob]
    is_complete: bool  # False: there are accounts, which could not be read: others may have ended
    doubles: tuple[BatchJob, ...] = ()  # that have not ended, and have the name of one in `by_name`


class NoAnswer(Exception):
    """Raised if a batch system does not answer: a request may have arrived, or not."""


class RequestRefused(Exception):
    """Raised if a batch system refuses a request.

    `is_limit`: it may accept the same request later: a limit of the site, or a controller that is busy.
    """

    def __init__(self, words: str, *, is_limit: bool) -> None:
        super().__init__(words)
        self.words = words
        self.is_limit = is_limit


class BatchSystem(Protocol):
    """Requests, lists and cancels batch jobs of this user."""

    @property
    def name(self) -> str:
        """Its name and version, as `Slurm 24.11.5`; empty: it does not answer."""

    def submit(self, script: str, words: Sequence[str], name: str) -> str:
        """Request a batch job and return its number.

        Args:
            script: the batch script, whose options come first.
            words: further words of the command, which the user chose.
            name: the name of the batch job, which `words` cannot change.

        Raises:
            RequestRefused: it will not run.
            NoAnswer: nothing is known about it.
        """

    def look(self, names: Collection[str] = ()) -> BatchJobs:
        """List the batch jobs of this user, also those that ended a short time ago.

        Args:
            names: those that are looked up in the accounts, if there are any, unless they are listed.

        Raises:
            NoAnswer: it cannot list them now.
        """

    def cancel_pending(self, jobs: Sequence[BatchJob]) -> None:
        """Cancel those of these batch jobs that are pending; one that runs is left alone.

        Raises:
            NoAnswer: some may not be cancelled.
        """

    def test(self, script: str, words: Sequence[str]) -> str:
        """Return the answer to a request that is not made: its start, or why it would be refused."""
