"""The interface through which a worker reports to its metrics, and to a person at its terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.job import Job

GIVEN_BACK, LOST = "given_back", "lost"


class Observer:
    """Receives each attempt that ended here, and each requeue of lost jobs; it is quick, and never raises.

    Slots call it from threads of their own.
    """

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Receive the end of an attempt.

        Args:
            job: as it was when the attempt began; state, reason and progress are those that were recorded.
            how: the state that was recorded, `GIVEN_BACK`, or `LOST`.
            seconds: how long it ran.
        """

    def stopping(self, running: int, limit_s: float, by: str) -> None:
        """Receive that no further job is claimed.

        Args:
            running: the number of jobs that still run.
            limit_s: the time until these are released.
            by: the name of the signal that ends the worker, of which a second one would release them at once;
                empty: there was none.
        """

    def releasing(self, running: int) -> None:
        """Receive that running jobs are stopped and released, and how many."""

    def took_back(self, count: int) -> None:
        """Receive how many jobs of lost workers this worker's tick has requeued."""


class Observers(Observer):
    """Passes on what it receives to several observers."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Pass on the end of an attempt."""
        for one in self._observers:
            one.ended(job, how, seconds)

    def took_back(self, count: int) -> None:
        """Pass on the number of requeued jobs."""
        for one in self._observers:
            one.took_back(count)

    def stopping(self, running: int, limit_s: float, by: str) -> None:
        """Pass on that no further job is claimed."""
        for one in self._observers:
            one.stopping(running, limit_s, by)

    def releasing(self, running: int) -> None:
        """Pass on how many jobs are released."""
        for one in self._observers:
            one.releasing(running)
