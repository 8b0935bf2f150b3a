"""The interface through which a worker reports to its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.job import Job


class Observer:
    """Receives each attempt that ended here, and each requeue of lost jobs; it is quick, and never raises."""

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Receive the end of an attempt.

        Args:
            job: as it was when the attempt began.
            how: the state that was recorded, `given_back`, or `lost`.
            seconds: how long it ran.
        """

    def took_back(self, count: int) -> None:
        """Receive how many jobs of lost workers this worker's tick has requeued."""
