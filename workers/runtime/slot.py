"""Slots: from the claim of a job to its recorded end, one job at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.registry import likely_needs
from workers.errors import LeaseLost, StoreError, StoreUnreachable
from workers.job import LEAST_TRY_S
from workers.keeper.keeper import Keeper, Stop
from workers.runtime.attempt import AttemptRunner
from workers.runtime.observer import GIVEN_BACK, LOST
from workers.store.values import Claim, Claimant, Outcome

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from workers.logs import Log
    from workers.runtime.worker import Worker


# Logged by a worker that could not bring the end of a job to the store.
NOT_KNOWN = "the store does not say whether the job ended"


class Slot:
    """Runs one job at a time, each under the same keeper."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker = worker
        self._number = number
        self._sequence = 1
        self._attempt: AttemptRunner | None = None
        self._refusal = ""
        self._keeper = Keeper(on_output=self._hear)

    def claim(self) -> Claim | None:
        """Claim the next job for this slot, unless the worker is stopping or the store refuses."""
        worker, refusal = self._worker, ""
        with worker.room:
            if not worker.takes_jobs:
                return None
            try:
                return self._take(worker.store.claim, worker.log, worker.stopping, StoreUnreachable)
            except StoreUnreachable:
                return None  # until the worker had to stop
            except StoreError as error:  # nothing was granted, and other slots need the lock meanwhile
                refusal = error.message
                return None
            finally:
                self._note(refusal)

    def run(self, claim: Claim) -> Claim | None:
        """Run a job to its end; return the next one, claimed in the step that recorded that end."""
        worker = self._worker
        attempt = self._attempt = AttemptRunner(worker, self._keeper, claim)
        worker.leases.hold(claim.lease, attempt.stop)
        try:
            attempt.run()
            return self._conclude(attempt)
        finally:
            self._attempt = None
            worker.leases.drop(claim.lease)
            attempt.clear()
            with worker.room:
                worker.room.put_back(claim.lease)

    def give_back(self) -> None:
        """Stop the running job, if there is one, so that it is released; callers repeat this."""
        if attempt := self._attempt:
            attempt.stop(Stop.GIVE_BACK)

    def save_log(self) -> None:
        """Write what the engine of the running job printed to the file that `nox logs` reads."""
        if attempt := self._attempt:
            attempt.save_log()

    def warm(self) -> None:
        """Let an engine process load what most jobs need, before the first job; not while a job runs."""
        self._keeper.warm(likely_needs(self._worker.engines))

    def replace_keeper(self) -> None:
        """Continue with a new keeper, after an unexpected error."""
        self._keeper.close()
        self._keeper = Keeper(on_output=self._hear)

    def close(self) -> None:
        """End the keeper and all that it started."""
        self._keeper.close()

    def _note(self, refusal: str) -> None:
        """Log once why no job can be claimed."""
        if refusal and refusal != self._refusal:
            what = f"no job can be taken: {refusal}"
            self._worker.log.warning(what)
        self._refusal = refusal

    def _hear(self, output: bytes) -> None:
        if attempt := self._attempt:
            attempt.hear(output)

    def _conclude(self, attempt: AttemptRunner) -> Claim | None:
        """Record how an attempt ended, if it still owns the job, and claim the next job."""
        stopped = attempt.ended.stopped
        try:
            if stopped is not Stop.LOST and (stopped is not Stop.GIVE_BACK or attempt.has_result):
                return self._finish(attempt)
            if stopped is Stop.GIVE_BACK:
                self._give_back(attempt)
            else:
                self._lose(attempt)
        except LeaseLost:
            self._lose(attempt)
        except StoreError as error:
            # Its files stay: the end may have been recorded, and only the answer was lost.
            why = f"{NOT_KNOWN}, it may run again: {error.message}"
            attempt.log.warning(why)
        with self._worker.room:
            self._worker.room.put_back(attempt.claim.lease)
        return self.claim()

    def _give_back(self, attempt: AttemptRunner) -> None:
        worker, lease = self._worker, attempt.claim.lease
        attempt.show_progress()
        attempt.checkpoints.save(waits=True)
        had_time = attempt.seconds >= LEAST_TRY_S
        worker.retry(
            lambda: worker.store.give_back(
                lease, attempt.why_given_back, had_time=had_time, ran=attempt.has_computed
            ),
            attempt.log,
        )
        attempt.log.detail("given back")
        worker.observer.ended(attempt.claim.job, GIVEN_BACK, attempt.seconds)

    def _lose(self, attempt: AttemptRunner) -> None:
        attempt.lose()
        self._worker.observer.ended(attempt.claim.job, LOST, attempt.seconds)

    def _finish(self, attempt: AttemptRunner) -> Claim | None:
        """Record the outcome and claim the next job in one step; it may use the capacity this one leaves.

        Raises:
            LeaseLost: another attempt owns the job.
            StoreError: the store could not be reached until the worker had to stop.
        """
        worker, outcome = self._worker, attempt.outcome()
        with worker.room:
            worker.room.put_back(attempt.claim.lease)
            following = self._record(attempt, outcome)
        verdict = f"{outcome.state}: {outcome.reason}" if outcome.reason else str(outcome.state)
        attempt.log.detail(verdict, seconds=round(attempt.seconds, 3))
        job = attempt.claim.job
        job = job._replace(
            state=outcome.state, reason=outcome.reason, progress=outcome.progress or job.progress
        )
        worker.observer.ended(job, outcome.state, attempt.seconds)
        worker.ended()
        return following

    def _record(self, attempt: AttemptRunner, outcome: Outcome) -> Claim | None:
        store, lease = self._worker.store, attempt.claim.lease
        if not self._worker.takes_jobs:
            self._worker.retry(lambda: store.finish(lease, outcome), attempt.log)
            return None
        return self._take(lambda claimant: store.finish(lease, outcome, claimant), attempt.log)

    def _take(
        self,
        call: Callable[[Claimant], Claim | None],
        log: Log,
        give_up: threading.Event | None = None,
        borne: type[StoreError] = StoreError,
    ) -> Claim | None:
        """Claim with the next sequence number of this slot, until the store answers; the room's lock is held.

        The lock stays held meanwhile, and the number grows only with the answer: a claim whose reply was lost
        may have been granted, and is granted again when it is repeated.

        Raises:
            LeaseLost, StoreError: what the call raises.
        """
        worker = self._worker
        claimant = Claimant(
            worker=worker.id,
            slot=self._number,
            sequence=self._sequence,
            cores=worker.room.cores,
            memory_bytes=worker.room.memory_bytes,
            engines=worker.engines,
            owner=worker.owner,
            lanes=frozenset(worker.lanes),
            all_cores=worker.room.all_cores,
            all_memory_bytes=worker.room.all_memory_bytes,
            time_s=None if worker.deadline is None else max(0, worker.deadline.time_s),
        )
        claim = worker.retry(lambda: call(claimant), log, borne=borne, give_up=give_up)
        self._sequence += 1
        if claim is None:
            return None
        if worker.room.has(claim.lease):
            # A power cut of the store undid the claim, and it is granted again: the job runs here already.
            worker.log.warning("the store forgot that this runs here", job=claim.lease.job_id)
            return None
        worker.room.take(claim.lease, claim.job)
        return claim
