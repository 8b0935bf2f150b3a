"""Slots: from the claim of a job to its recorded end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.registry import likely_needs
from workers.keeper.keeper import Keeper, Stop
from workers.runtime.attempt import AttemptRunner
from workers.runtime.bundle import Bundle
from workers.runtime.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workers.runtime.worker import Worker
    from workers.store.values import Claim


class Slot:
    """Runs one job at a time under its keeper; of short ones it holds several."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker = worker
        self._recorder = Recorder(worker, number)
        self._attempts: Callable[[], Sequence[AttemptRunner]] = tuple  # lists those that have not ended
        self._keeper = Keeper()

    def claim(self) -> Claim | None:
        """Claim the next job for this slot, unless the worker is stopping or the store refuses."""
        return self._recorder.claim()

    def run(self, claim: Claim) -> Claim | None:
        """Run a job to its end, and other short ones with it; return the next one, which was claimed then."""
        try:
            if self._worker.durations.pace(claim.job) is None:
                return self._run_alone(claim)
            bundle = Bundle(self._worker, self._keeper, self._recorder)
            self._attempts = bundle.attempts
            return bundle.run(claim)
        finally:
            self._attempts = tuple

    def _run_alone(self, claim: Claim) -> Claim | None:
        worker = self._worker
        attempt = AttemptRunner(worker, self._keeper, claim)
        self._attempts = lambda: (attempt,)
        worker.leases.hold(claim.lease, attempt.stop)
        try:
            attempt.run()
            if attempt.has_result:
                worker.durations.note(claim.job, attempt.ended.seconds)
            return self._recorder.conclude(attempt)
        finally:
            worker.leases.drop(claim.lease)
            attempt.clear()
            with worker.room:
                worker.room.put_back(claim.lease)

    def give_back(self) -> None:
        """Stop the jobs of this slot, so that they are released; callers repeat this."""
        for attempt in self._attempts():
            attempt.stop(Stop.GIVE_BACK)

    def save_log(self) -> None:
        """Write what the engine of the running job printed to the file that `nox logs` reads."""
        for attempt in self._attempts():
            attempt.save_log()

    def warm(self) -> None:
        """Let an engine process load what most jobs need, before the first job; not while a job runs."""
        self._keeper.warm(likely_needs(self._worker.engines))

    def replace_keeper(self) -> None:
        """Continue with a new keeper, after an unexpected error."""
        self._keeper.close()
        self._keeper = Keeper()

    def close(self) -> None:
        """End the keeper and all that it started."""
        self._keeper.close()
