"""What each state of a job means, in words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANINGS: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.HELD: "kept from starting",
        JobState.SCHEDULED: "waits for a time",
        JobState.BLOCKED: "waits for another job",
        JobState.QUEUED: "waits for a worker",
        JobState.RUNNING: "a worker computes it",
        JobState.DONE: "ended with a result",
        JobState.FAILED: "ended without one; nox status JOB tells why",
        JobState.CANCELLED: "was stopped, or will never start",
    }
)
