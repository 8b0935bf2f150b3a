"""The calls of a slot to the store: it claims jobs, and records how attempts ended."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from workers.errors import LeaseLost, StoreError, StoreUnreachable
from workers.job import LEAST_TRY_S
from workers.keeper.keeper import Stop
from workers.runtime.observer import GIVEN_BACK, LOST
from workers.store.values import AttemptEnd, Claimant

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from workers.job import Lease
    from workers.logs import Log
    from workers.runtime.attempt import AttemptRunner
    from workers.runtime.worker import Worker
    from workers.store.values import Ahead, Claim, Outcome

# Logged by a worker that could not bring the end of a job to the store.
NOT_KNOWN = "the store does not say whether the job ended"
# What a slot calls itself in a claim: its number, and this much more for each further place that it has.
_PLACES_APART = 10_000


class Recorder:
    """Claims jobs for one slot, records the ends of their attempts, and keeps count of the room they take.

    A slot that holds several jobs has a place for each, with claims of its own.
    """

    def __init__(self, worker: Worker, slot: int) -> None:
        self._worker = worker
        self._slot = slot
        self._sequences: defaultdict[int, int] = defaultdict(lambda: 1)  # of the next claim, by place
        self._refusal = ""

    def claim(self) -> Claim | None:
        """Claim the next job for a free slot, unless the worker is stopping or the store refuses."""
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

    def claim_ahead(self, places: Sequence[int], aheads: Sequence[Ahead]) -> list[tuple[int, Claim]]:
        """Claim jobs for free places of a slot that holds others; return those places that got one."""
        worker = self._worker
        with worker.room:
            claimants = self._claimants(places, aheads)
            try:
                answers = worker.store.claim_several(claimants) if claimants else []
            except StoreError:
                return []  # the next end of a job is recorded as soon as the store answers
            return self._granted(claimants, answers)

    def begin(self, lease: Lease) -> None:
        """Note that a job which was claimed ahead has begun, if the store answers."""
        with contextlib.suppress(LeaseLost, StoreError):  # the thread that renews leases hears of a lost one
            self._worker.store.begin(lease)

    def conclude(self, attempt: AttemptRunner) -> Claim | None:
        """Record how an attempt ended, if it still owns the job, and claim the next job."""
        if attempt.is_finished:
            try:
                return self._finish(attempt)
            except LeaseLost:
                self._lose(attempt)
            except StoreError as error:
                _is_not_known(attempt, error)
        else:
            self._let_go(attempt)
        with self._worker.room:
            self._worker.room.put_back(attempt.claim.lease)
        return self.claim()

    def conclude_all(
        self, attempts: Sequence[AttemptRunner], aheads: Sequence[Ahead], begun: Lease | None
    ) -> list[tuple[int, Claim]]:
        """Record how attempts ended in one call, and claim as many jobs as there are `aheads`.

        Args:
            attempts: what has ended.
            aheads: what is claimed in the places of the first of them.
            begun: the attempt that runs now, if it was claimed ahead.

        Returns:
            The places that got a job.
        """
        finished = [attempt for attempt in attempts if attempt.is_finished]
        granted = self._finish_all(finished, aheads, begun) if finished else []
        if begun is not None and not finished:
            self.begin(begun)
        for attempt in attempts:
            if not attempt.is_finished:
                self._let_go(attempt)
        with self._worker.room:
            self._worker.room.put_back(*(attempt.claim.lease for attempt in attempts))
        return granted

    # -- the ends of attempts -----------------------------------------------------------------------------

    def _finish(self, attempt: AttemptRunner) -> Claim | None:
        """Record the outcome and claim the next job in one step; it may use the capacity this one leaves.

        Raises:
            LeaseLost: another attempt owns the job.
            StoreError: the store could not be reached until the worker had to stop.
        """
        worker, outcome = self._worker, attempt.outcome()
        store, lease = worker.store, attempt.claim.lease
        following: Claim | None = None
        with worker.room:
            worker.room.put_back(lease)
            if worker.takes_jobs:
                following = self._take(lambda claimant: store.finish(lease, outcome, claimant), attempt.log)
            else:
                worker.retry(lambda: store.finish(lease, outcome), attempt.log)
        self._tell(attempt, outcome)
        return following

    def _finish_all(
        self, attempts: Sequence[AttemptRunner], aheads: Sequence[Ahead], begun: Lease | None
    ) -> list[tuple[int, Claim]]:
        worker = self._worker
        outcomes = [attempt.outcome() for attempt in attempts]
        with worker.room:
            worker.room.put_back(*(attempt.claim.lease for attempt in attempts))
            claimants = self._claimants([attempt.place for attempt in attempts], aheads)
            padded: list[Claimant | None] = [*claimants, *[None] * (len(attempts) - len(claimants))]
            endings = [
                AttemptEnd(attempt.claim.lease, outcome, claimant)
                for attempt, outcome, claimant in zip(attempts, outcomes, padded, strict=True)
            ]
            try:
                answers = worker.retry(lambda: worker.store.finish_several(endings, begun), worker.log)
            except StoreError as error:
                for attempt in attempts:
                    _is_not_known(attempt, error)
                return []
            claims = [None if isinstance(answer, LeaseLost) else answer for answer in answers]
            granted = self._granted(claimants, claims[: len(claimants)])
        with worker.log.group():
            for attempt, outcome, answer in zip(attempts, outcomes, answers, strict=True):
                if isinstance(answer, LeaseLost):
                    self._lose(attempt)
                else:
                    self._tell(attempt, outcome)
        return granted

    def _tell(self, attempt: AttemptRunner, outcome: Outcome) -> None:
        """Report an end that was recorded."""
        verdict = f"{outcome.state}: {outcome.reason}" if outcome.reason else str(outcome.state)
        attempt.log.detail(verdict, seconds=round(attempt.seconds, 3))
        job = attempt.claim.job
        job = job._replace(
            state=outcome.state, reason=outcome.reason, progress=outcome.progress or job.progress
        )
        self._worker.observer.ended(job, outcome.state, attempt.seconds)
        self._worker.ended()

    def _let_go(self, attempt: AttemptRunner) -> None:
        """Release the job of an attempt that was stopped, or leave it to its new owner."""
        if attempt.ended.stopped is not Stop.GIVE_BACK:
            self._lose(attempt)
            return
        try:
            self._give_back(attempt)
        except LeaseLost:
            self._lose(attempt)
        except StoreError as error:
            _is_not_known(attempt, error)

    def _give_back(self, attempt: AttemptRunner) -> None:
        """Release a job.

        Raises:
            LeaseLost: another attempt owns the job.
            StoreError: the store could not be reached until the worker had to stop.
        """
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

    # -- claims -------------------------------------------------------------------------------------------

    def _claimants(self, places: Sequence[int], aheads: Sequence[Ahead]) -> list[Claimant]:
        """Describe the places that may still get a job, if any may; the room's lock is held."""
        wanted = self._worker.room.jobs_left(len(aheads)) if self._worker.takes_jobs else 0
        return [self._claimant(*one) for one in zip(places, aheads[:wanted], strict=False)]

    def _claimant(self, place: int = 0, ahead: Ahead | None = None) -> Claimant:
        """Describe the slot in a claim; the room's lock is held.

        The number of a claim grows with the answer: a claim whose reply was lost may have been granted, and
        is granted again when it is repeated.
        """
        worker = self._worker
        cores, memory_bytes = worker.room.left(self._slot)
        return Claimant(
            worker=worker.id,
            slot=self._slot + place * _PLACES_APART,
            sequence=self._sequences[place],
            cores=cores,
            memory_bytes=memory_bytes,
            engines=worker.engines,
            owner=worker.owner,
            lanes=frozenset(worker.lanes),
            all_cores=worker.room.all_cores,
            all_memory_bytes=worker.room.all_memory_bytes,
            time_s=None if worker.deadline is None else max(0, worker.deadline.time_s),
            slots=worker.slots,
            ahead=ahead,
        )

    def _take(
        self,
        call: Callable[[Claimant], Claim | None],
        log: Log,
        give_up: threading.Event | None = None,
        borne: type[StoreError] = StoreError,
    ) -> Claim | None:
        """Claim for the first place, until the store answers; the room's lock is held.

        Raises:
            LeaseLost, StoreError: what the call raises.
        """
        claimant = self._claimant()
        claim = self._worker.retry(lambda: call(claimant), log, borne=borne, give_up=give_up)
        return next((claim for _, claim in self._granted([claimant], [claim])), None)

    def _granted(
        self, claimants: Sequence[Claimant], claims: Iterable[Claim | None]
    ) -> list[tuple[int, Claim]]:
        """Take the room of granted jobs; return them by place."""
        granted: list[tuple[int, Claim]] = []
        room = self._worker.room
        for claimant, claim in zip(claimants, claims, strict=True):
            place = claimant.slot // _PLACES_APART
            self._sequences[place] += 1
            if claim is None:
                continue
            if room.has(claim.lease):
                # A power cut of the store undid the claim, and it is granted again: the job runs here.
                self._worker.log.warning("the store forgot that this runs here", job=claim.lease.job_id)
                continue
            room.take(claim.lease, claim.job, self._slot)
            granted.append((place, claim))
        return granted

    def _note(self, refusal: str) -> None:
        """Log once why no job can be claimed."""
        if refusal and refusal != self._refusal:
            what = f"no job can be taken: {refusal}"
            self._worker.log.warning(what)
        self._refusal = refusal


def _is_not_known(attempt: AttemptRunner, error: StoreError) -> None:
    """Log that an end could not be recorded.  Its files stay: perhaps only the answer was lost."""
    why = f"{NOT_KNOWN}, it may run again: {error.message}"
    attempt.log.warning(why)
