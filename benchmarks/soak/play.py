"""One soak from beginning to end."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.soak import gather
from benchmarks.soak.checker import check
from benchmarks.soak.faults import Driver
from benchmarks.soak.gather import Follower
from benchmarks.soak.history import History
from benchmarks.soak.report import Report
from benchmarks.soak.stage import Stage, insist
from benchmarks.soak.work import Crew
from workers.job import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.soak.references import Molecule
    from workers.store.base import Store

# So long no job ends, and nothing is done to the parts: whatever has not ended by then never will.
QUIET_S = 90.0
_PAUSE_S = 0.1


def soak(
    store: str, seconds: float, seed: int, molecules: Sequence[Molecule], *, harmless: bool, bundle: int
) -> Report:
    """Soak one store for so long, and hold what happened to the rules; the files stay if one was broken."""
    folder = Path(tempfile.mkdtemp(prefix="nox-soak-"))
    play = _Play(Stage(folder, redis=store == "redis", bundle=bundle), seed, molecules, harmless=harmless)
    play.run(seconds)
    report = Report(store, seed, seconds, folder, play.history, tuple(check(play.history)))
    if not report.violations:
        shutil.rmtree(folder, ignore_errors=True)
    return report


class _Play:
    def __init__(self, stage: Stage, seed: int, molecules: Sequence[Molecule], *, harmless: bool) -> None:
        self.stage = stage
        self.crew = Crew(stage, molecules, seed)
        self.driver = Driver(stage, Random(f"{seed} faults"), harmless=harmless)
        self.follower = Follower(stage)
        self.history: History

    def run(self, seconds: float) -> None:
        """Disturb, let everything come to its end, and gather what is known."""
        try:
            self.follower.start()
            self.crew.start()
            try:
                self.driver.run(seconds)
            finally:
                self.crew.stop()
            with closing(self.stage.open_store()) as store:
                self._let_end(store)
                self._end_workers()
                self.follower.stop()
                self.history = self._gather(store)
        finally:
            self.follower.stop()
            self.stage.close()

    def _let_end(self, store: Store) -> None:
        """Wait until every job has ended, or none does any more."""
        before, end = self._active(store), time.monotonic() + QUIET_S
        while before and time.monotonic() < end:
            self.driver.tend()
            time.sleep(_PAUSE_S)
            now = self._active(store)
            if now < before:
                before, end = now, time.monotonic() + QUIET_S

    def _active(self, store: Store) -> int:
        return sum(number for state, number in insist(store.counts).items() if state in ACTIVE)

    def _end_workers(self) -> None:
        """End every worker in good order; one more cleans up behind those that were killed."""
        for seat in self.stage.seats:
            self.driver.ask_to_end(seat)
        for seat in self.stage.seats:
            self.driver.note_end(seat)
        last = self.stage.seats[0]
        self.stage.seat(last, "--idle-timeout", "0.1")
        last.is_ending = True
        self.driver.note_end(last)

    def _gather(self, store: Store) -> History:
        records = gather.records(store)
        left = gather.left(self.stage, store, records)
        workers = [worker for seat in self.stage.seats for worker in seat.past]
        lines, odd = gather.read_logs(workers)
        return History(
            wanted=self.crew.wanted,
            submits=tuple(self.crew.submits),
            cancels=tuple(self.crew.cancels),
            faults=tuple(self.driver.faults),
            followed=tuple(self.follower.events),
            kept=gather.kept_events(store),
            lines=tuple(lines),
            records=records,
            counts=store.counts(),
            reached=tuple(self.driver.reached),
            is_torn=gather.is_torn(self.stage),
            left=tuple(left),
            unexpected=(
                *self.driver.unexpected,
                *self.crew.unexpected,
                *self.follower.unexpected,
                *odd,
            ),
        )
