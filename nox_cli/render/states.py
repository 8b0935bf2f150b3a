"""What each state of a job means, in words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANINGS: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.HELD: "does not start until nox release",
        JobState.SCHEDULED: "waits until its start time",
        JobState.BLOCKED: "waits for another job",
        JobState.QUEUED: "waits for a worker",
        JobState.RUNNING: "a worker is running it",
        JobState.DONE: "finished with a result",
        JobState.FAILED: "finished without a result; nox explain JOB shows why",
        JobState.CANCELLED: "was stopped, or cannot start any more",
    }
)
