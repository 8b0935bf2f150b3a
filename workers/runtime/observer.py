"""Who is told what a worker does, beside its log; by default nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.job import Job


class Observer:
    """Hears of each attempt that ended here, and of jobs taken back; it must be quick, and never raises."""

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Hear of an attempt's end.

        Args:
            job: as it was when the attempt began.
            how: the state that was recorded, `given_back`, or `lost`.
            seconds: how long it ran.
        """

    def took_back(self, count: int) -> None:
        """Hear that this worker's tick took jobs from workers that were lost."""
