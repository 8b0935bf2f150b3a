"""Bundles: the short jobs that a slot holds at once.

The engine process has the frames of all of them, so that it need not wait for the worker in between.  The
worker hears its answers in groups, and records a group in one call to the store.  Each job has its own claim,
lease and fence.  A job that waits here begins within `BUNDLE_S`, by what was measured.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from workers.job import MAX_BUNDLED
from workers.runtime.attempt import AttemptRunner
from workers.store.values import Ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Job, Lease
    from workers.keeper.keeper import Keeper, Run
    from workers.runtime.recorder import Recorder
    from workers.runtime.worker import Worker
    from workers.store.values import Claim


class Bundle:
    """Runs the short jobs of a slot until none is left for it."""

    def __init__(self, worker: Worker, keeper: Keeper, recorder: Recorder) -> None:
        self._worker = worker
        self._keeper = keeper
        self._recorder = recorder
        self._owned: dict[AttemptRunner, None] = {}  # from the claim until the end is recorded
        self._held: dict[Run, AttemptRunner] = {}  # in the order in which they run
        self._waiting: set[AttemptRunner] = set()  # those that the store does not know to have begun
        self._following: Claim | None = None  # a job that has to run alone
        self._is_plenty = False  # all that was asked for in the last claim was granted

    def attempts(self) -> Sequence[AttemptRunner]:
        """List the attempts that have not ended; from any thread."""
        return list(self._held.values())

    def run(self, claim: Claim) -> Claim | None:
        """Run a job, and others like it as they are claimed; return the next one if it must run alone."""
        try:
            self._add_all([(0, claim)])
            while self._held:
                runs = self._keeper.wait(self._pause_s())
                self._conclude([self._settled(run) for run in runs])
                self._grow()
        except BaseException:
            self._abandon()
            raise
        return self._following

    def _add_all(self, claims: Sequence[tuple[int, Claim]]) -> None:
        """Begin attempts at claimed jobs, by place, behind those that are held."""
        attempts = [AttemptRunner(self._worker, self._keeper, claim, place) for place, claim in claims]
        self._owned.update(dict.fromkeys(attempts))
        self._waiting.update(attempts if self._held else attempts[1:])  # the first begins at once
        with self._worker.log.group():
            for attempt in attempts:
                self._add(attempt)

    def _add(self, attempt: AttemptRunner) -> None:
        """Hand a job to the engine process, behind those that it has; release it if that cannot be done."""
        self._worker.leases.hold(attempt.claim.lease, attempt.stop)
        run = attempt.join()
        if run is None:
            self._record([attempt], [], None)
        else:
            self._held[run] = attempt

    def _settled(self, run: Run) -> AttemptRunner:
        attempt = self._held.pop(run)
        self._waiting.discard(attempt)
        attempt.settle()
        if attempt.has_result:
            self._worker.durations.note(attempt.claim.job, attempt.seconds)
        return attempt

    def _conclude(self, ended: Sequence[AttemptRunner]) -> None:
        """Record how attempts ended, and take other jobs in their places."""
        if len(ended) == 1 and not self._held:
            following = self._recorder.conclude(ended[0])
            self._drop(ended)
        else:
            aheads = self._aheads(ended[-1].claim.job, len(ended))
            first = next(iter(self._held.values()), None)
            begun = first.claim.lease if first in self._waiting else None
            granted = self._record(ended, aheads, begun)
            if first is not None:
                self._waiting.discard(first)
            following = None if granted or self._held else self._recorder.claim()
        if following is not None:
            self._follow(following)

    def _record(self, ended: Sequence[AttemptRunner], aheads: Sequence[Ahead], begun: Lease | None) -> bool:
        """Record how attempts ended, and begin what was claimed in their places; return whether any was."""
        granted = self._recorder.conclude_all(ended, aheads, begun)
        self._drop(ended)
        self._is_plenty = len(granted) == len(aheads) > 0
        self._add_all(granted)
        return bool(granted)

    def _follow(self, claim: Claim) -> None:
        """Add a job that was claimed when no other was left, or end the bundle, if it has to run alone."""
        if self._worker.durations.pace(claim.job) is None:
            self._following = claim
        else:
            self._add_all([(0, claim)])
            self._is_plenty = True

    def _grow(self) -> None:
        """Hold twice as many jobs, if there are enough."""
        first = next(iter(self._held.values()), None)
        if first is None or not self._is_plenty:
            return
        aheads = self._aheads(first.claim.job, len(self._held))
        if not aheads:
            return
        used = {attempt.place for attempt in self._held.values()}
        places = [place for place in range(MAX_BUNDLED) if place not in used][: len(aheads)]
        self._add_all(self._recorder.claim_ahead(places, aheads))

    def _aheads(self, job: Job, most: int) -> list[Ahead]:
        """Describe the jobs that may be claimed besides those that are held: like `job`, `most` at most."""
        pace = self._worker.durations.pace(job)
        if pace is None:
            return []
        held = len(self._held)
        wanted = min(most, pace.jobs - held)
        return [Ahead(held + more, job.engine, job.kind, pace.atoms) for more in range(wanted)]

    def _pause_s(self) -> float:
        """Return how long the engine process needs for half of the jobs.

        In the time of the other half, a group is recorded and others are claimed: 10 to 30 ms, in
        which the process must not run out of jobs.
        """
        if len(self._held) == 1:
            return 0.0
        job = next(iter(self._held.values())).claim.job
        pace = self._worker.durations.pace(job)
        if pace is None:
            return 0.0
        return pace.seconds * len(self._held) / 2

    def _drop(self, attempts: Sequence[AttemptRunner]) -> None:
        for attempt in attempts:
            self._worker.leases.drop(attempt.claim.lease)
            self._owned.pop(attempt, None)
            attempt.clear()

    def _abandon(self) -> None:
        """Release all jobs after an unexpected error."""
        attempts, self._held = list(self._owned), {}
        for attempt in attempts:
            attempt.withdraw()
            with contextlib.suppress(Exception):
                self._recorder.conclude_all([attempt], [], None)
        with self._worker.room:
            self._worker.room.put_back(*(attempt.claim.lease for attempt in attempts))
        self._drop(attempts)
