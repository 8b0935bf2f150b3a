"""Jobs that are watched: a stream of their changes, or a board with the content of a live view."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nox_cli import times
from nox_cli.watch.batch_progress import TimeLeft
from nox_cli.watch.estimate import GradientPace
from nox_cli.watch.follower import Change, Follower, Notification, verdict
from nox_cli.watch.ledger import Ledger
from nox_cli.watch.workforce import Absence, Workforce, read_workforce
from workers.errors import JobNotFound, StoreError
from workers.job import FREQUENCIES, OPTIMISATION, JobState, Progress, gradients_of_frequencies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nox_cli.exits import ExitCode
    from nox_cli.results.documents import Document
    from nox_cli.watch.batch_progress import BatchProgress
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Point

# The message while the store is unreachable.
AWAY = "the store does not answer; reconnecting..."
# Up to this many jobs have a line each.
FEW = 20
# How often the progress of running jobs is read, at most.
PROGRESS_EVERY_S = 0.25
# With nothing running, only the clock moves.
IDLE_EVERY_S = 1.0
WORKERS_EVERY_S = 2.0
# While none lives, the next may come at any time.
NO_WORKERS_EVERY_S = 1.0
_KEPT_STEPS = 10
_UNREAD = -1


class Contact(NamedTuple):
    """The store became unreachable, or answers again."""

    lost: bool


class Watching:
    """Jobs that are watched until all are final; `exit` is their verdict."""

    def __init__(
        self,
        store: Store,
        home: Path,
        job_ids: Sequence[str],
        *,
        since: str | None = None,
        compact: bool = False,
        as_json: bool = False,
    ) -> None:
        """Prepare to watch.

        Args:
            store: the store of the jobs.
            home: the directory of the local store.
            job_ids: the jobs.
            since: yield the changes after this cursor, not the states of the jobs.
            compact: show totals, also of few jobs.
            as_json: write changes as JSON, also to a terminal.
        """
        self.home = home
        self.owner: str | None = None  # of the pools that are named; None: those of all
        self.local = ""  # the option by which other commands find the jobs; empty: they need none
        self.follower = Follower(store, job_ids)
        self.notification = Notification()
        self.since = since
        self.as_json = as_json
        self.is_compact = compact or len(job_ids) > FEW

    @property
    def exit(self) -> ExitCode:
        """The exit code that the states of the jobs mean together."""
        return verdict(self.follower.tally)

    def stream(self) -> Iterator[Change | Contact | str]:
        """Yield the state of each job, then every change until all are final; a text is a remark.

        Raises:
            JobNotFound: a job does not exist, or no longer.
            UsageError: `since` is not a cursor of this store.
            StoreError: the store cannot be read, or was unreachable for long.
        """
        follower, lost = self.follower, False
        absence = Absence(follower.store, self.home, self.owner)
        for job in follower.begin(self.since):
            if self.since is None or follower.truncated:
                yield follower.as_found(job)
        while not follower.is_over:
            changes = follower.changes()
            if lost != follower.is_away:
                lost = not lost
                yield Contact(lost)
            yield from changes
            yield from absence.remarks(follower.tally)


class Board:
    """The content of a live view, kept up to date by `tick`."""

    def __init__(self, watching: Watching) -> None:
        self.watching = watching
        self.follower = watching.follower
        self.jobs: dict[str, Job] = {}  # all of few; of many the one that has run longest
        self.specs: dict[str, Document] = {}  # of few
        self.steps: deque[Progress] = deque(maxlen=_KEPT_STEPS)  # of one
        self.points: dict[str, tuple[Point, ...]] = {}  # of the few that optimise
        self.ledger = Ledger()
        self.warnings: tuple[str, ...] = ()  # about the result of one
        self.failed_only = False  # draw no other jobs
        self.last_failed: Change | None = None
        self.workforce = Workforce()
        self.batch = ""
        self._reached: Mapping[str, int | None] = {}  # the steps of these when their points were read
        self._gradients: dict[str, GradientPace] = {}
        self._workers_at = 0.0
        self._sought: frozenset[str] = frozenset()  # of these workers it was read whether they live
        self._drawn = 0.0
        self._changed: dict[str, None] = {}  # of these the newest record is still to be read

    @property
    def is_few(self) -> bool:
        """Whether each job has a line."""
        return not self.watching.is_compact

    @property
    def is_single(self) -> bool:
        """Whether one job is watched, step by step."""
        return self.is_few and self.follower.count == 1

    def progress(self) -> BatchProgress:
        """Return the progress of the jobs as it is now.

        Once only frequencies are left to compute, their own estimates say best how long that takes.
        """
        found = self.ledger.progress(self.follower.tally, times.now_ms())
        running = [job for job in self.jobs.values() if job.state is JobState.RUNNING]
        known = list(filter(None, map(self.left, running)))
        if not self.is_few or found.waiting or not known or len(known) < len(running):
            return found
        longest = max(one.likely_s for one in known), max(one.late_s for one in known)
        return found._replace(left=TimeLeft(*longest))

    def left(self, job: Job) -> TimeLeft | None:
        """Estimate the time until the gradients of a job are computed; None: too few were seen."""
        seen = self._gradients.get(job.id)
        return seen.left(time.monotonic(), gradients_of_frequencies(job.atoms)) if seen else None

    def begin(self) -> None:
        """Look every job up.

        Raises:
            JobNotFound, UsageError, StoreError: as `Watching.stream`.
        """
        batches: set[str] = set()
        for job in self.follower.begin():
            batches.add(job.batch)
            self.ledger.add(job)
            self._see(job)
        self.batch = batches.pop() if len(batches) == 1 else ""
        if self.is_few:
            self._read_specs()
            self._read_points()
            self._read_warnings()
        self._read_workers()
        self._drawn = time.monotonic()

    def tick(self) -> None:
        """Read changes until a drawing is due: soon after a change, or when the clock has moved.

        Raises:
            JobNotFound, StoreError: as `Watching.stream`.
        """
        earliest = self._drawn + PROGRESS_EVERY_S
        until = earliest if self.follower.tally[JobState.RUNNING] else self._drawn + IDLE_EVERY_S
        while not self.follower.is_over and (left := until - time.monotonic()) > 0:
            if self._take(left):
                until = earliest
        self._drawn = time.monotonic()
        self._read_jobs()
        self._read_workers()

    def _take(self, wait_s: float) -> bool:
        """Read the changes within `wait_s`; true if there were any."""
        changes = self.follower.changes(wait_s)
        for change in changes:
            if self.is_few or (change.state is JobState.DONE and self.ledger.are_comparable):
                self._changed[change.job_id] = None
            self.ledger.move(change)
            if change.state is JobState.FAILED:
                self.last_failed = change
        return bool(changes)

    def _read_jobs(self) -> None:
        """Read the records that are drawn and may have changed.

        Of few jobs these are the changed and the running ones; of many those that are done, for their
        energies, and the one that has run longest.
        """
        if self.is_few:
            running = [key for key, job in self.jobs.items() if job.state is JobState.RUNNING]
        else:
            running = self.ledger.pace.longest()
            self.jobs = {key: self.jobs[key] for key in running if key in self.jobs}
        wanted = dict.fromkeys([*running, *self._changed])
        for job in self.follower.look_up(wanted) if wanted else ():
            self._changed.pop(job.id, None)
            self.ledger.see(job)
            self._see(job)
        if self.is_few:
            self._read_points()
            self._read_warnings()

    def _see(self, job: Job) -> None:
        """Add the record of a job."""
        if self.is_few or job.state is JobState.RUNNING:
            self.jobs[job.id] = job
        else:
            self.jobs.pop(job.id, None)
        if job.state is JobState.FAILED and self.last_failed is None:
            self.last_failed = self.follower.as_found(job)
        progress, is_running = job.progress, job.state is JobState.RUNNING
        if progress.phase == FREQUENCIES and is_running and progress.step is not None:
            self._gradients.setdefault(job.id, GradientPace()).see(time.monotonic(), progress.step)
        elif self.is_single and progress.step is not None:
            self._see_step(progress)

    def _see_step(self, progress: Progress) -> None:
        """Keep a step of an optimisation, as it is known last."""
        last = self.steps[-1].step or 0 if self.steps else 0
        if progress.phase == OPTIMISATION and (progress.step or 0) < last:
            self.steps.clear()  # another attempt
        elif last == progress.step and self.steps:
            self.steps.pop()
        self.steps.append(progress)

    def _read_points(self) -> None:
        """Read the last steps of the jobs that optimise; those of an ended job stay as they were."""
        reached = {
            job.id: job.progress.step if job.progress.phase == OPTIMISATION else None
            for job in self.jobs.values()
            if job.state is JobState.RUNNING and job.progress.phase in {OPTIMISATION, FREQUENCIES}
        }
        wanted = [job_id for job_id in reached if self._reached.get(job_id, _UNREAD) != reached[job_id]]
        self._reached = reached
        if not wanted:
            return
        self.points |= self.follower.points(wanted)
        if self.is_single:
            self._add_steps(self.points.get(wanted[0], ()))

    def _add_steps(self, points: Sequence[Point]) -> None:
        """Add the steps between and before those that were seen."""
        steps = {step.step: step for step in self.steps}
        change: float | None = None
        for before, point in zip((None, *points), points, strict=False):
            energy = point.energy_hartree
            if before is not None and energy != before.energy_hartree:  # else the step was rejected
                change = energy - before.energy_hartree
            step = Progress(None, OPTIMISATION, point.step, energy, change, point.gradient_norm)
            steps.setdefault(point.step, step)
        self.steps.clear()
        self.steps.extend(sorted(steps.values(), key=lambda step: step.step or 0))

    def _read_warnings(self) -> None:
        """Read the warnings about the result of one job; none while the store is unreachable."""
        if not self.is_single or not self.follower.tally[JobState.DONE]:
            return
        from nox_cli.results.documents import outcome

        with suppress(StoreError), self.follower.at_rest:
            for text in self.follower.store.outcomes(list(self.jobs)).values():
                self.warnings = outcome(text).warnings

    def _read_specs(self) -> None:
        from nox_cli.results.documents import document

        for job_id in self.jobs:
            try:
                self.specs[job_id] = document(self.follower.store.spec(job_id))
            except JobNotFound:
                self.specs[job_id] = document(None)

    def _read_workers(self) -> None:
        """Read which workers live, if that is shown and was long ago, or a job runs under another one.

        Jobs without a living worker are read again: their worker may have ended them before it left.
        """
        tally = self.follower.tally
        if self.is_few and not (tally[JobState.QUEUED] or tally[JobState.RUNNING]):
            return
        while time.monotonic() >= self._workers_at or self._running_under() - self._sought:
            self._sought = self._running_under()
            try:
                with self.follower.at_rest:
                    self.workforce = read_workforce(
                        self.follower.store,
                        self.watching.home,
                        self.watching.owner,
                        is_room_wanted=self.is_few and tally[JobState.QUEUED] > 0,
                    )
            except StoreError:  # those of before, until it answers
                self._workers_at = time.monotonic() + NO_WORKERS_EVERY_S
                return
            every_s = WORKERS_EVERY_S if self.workforce.living else NO_WORKERS_EVERY_S
            self._workers_at = time.monotonic() + every_s
            if not self.workforce.living and self._sought:
                self._read_jobs()

    def _running_under(self) -> frozenset[str]:
        """Name the workers of the jobs that run."""
        return frozenset(job.worker for job in self.jobs.values() if job.state is JobState.RUNNING)
