"""Running jobs in this process: a pool that serves them, and what is told and written as each one ends."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.hints import go_on_with
from nox_cli.results.artifacts import OPT_XYZ, RESULT_JSON, copy, find_artifacts, planned
from nox_cli.results.documents import outcome
from nox_cli.session import Terminated
from nox_cli.watch.follower import Follower, verdict
from workers.job import FINAL, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.exits import ExitCode
    from nox_cli.session import Session
    from nox_cli.submission.prepare import Prepared
    from workers.job import Job
    from workers.runtime.pool import Plan, Pool

TEMPLATE = "{name}-{file}"


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A job that has ended, the files that were written of it, and the warnings of its result."""

    job: Job
    files: tuple[Path, ...]
    warnings: tuple[str, ...]


class Running:
    """Jobs on their way through this process."""

    def __init__(
        self, call: Session, plan: Plan, job_ids: Sequence[str], *, prepared: Prepared, directory: str | None
    ) -> None:
        """Prepare to run.

        Args:
            call: the call of nox; what an interrupt leaves behind is noted there.
            plan: how the pool is to run; its worker is the lane the jobs are reserved for.
            job_ids: which jobs; those that have ended already are only written.
            prepared: what was asked for; its warnings are shown, and what it left out is reported.
            directory: where results go; None: nowhere.
        """
        self.call = call
        self.batch = prepared.batch
        self.warnings = prepared.warnings
        self.refusals = prepared.refusals
        self.count = len(job_ids)
        self.ended: list[JobEnd] = []
        self.published: Counter[JobState] = Counter()  # results that were there, of runs in other stores
        self._plan = plan
        self._directory = directory
        self._follower = Follower(call.store, job_ids)
        self._changed: dict[str, None] = {}  # of these the newest record is still to be read

    @property
    def runs_here(self) -> bool:
        """Whether the jobs run on this machine: always."""
        return True

    @property
    def left(self) -> int:
        """How many jobs have not ended: the time was up."""
        return self.count - len(self.ended)

    @property
    def again(self) -> str:
        """The command that goes on with them."""
        return "the same command" if self._directory is not None else go_on_with()

    @property
    def exit(self) -> ExitCode:
        """What the jobs' states mean together."""
        return verdict(self.published + Counter(self._follower.tally))

    def go(self, tell: Callable[[JobEnd], None]) -> None:
        """Run the jobs until all are final or the time is up, telling of each as it ends.

        Raises:
            KeyboardInterrupt: a signal came; what ran was given back, what is left waits.
            OutputLost, ArtifactNotFound, StoreDamaged: a result could not be written.
            StoreError: the store cannot be used, or was away for too long.
        """
        from workers.bell.pipe import LocalBell
        from workers.logs import Log
        from workers.runtime.pool import Pool

        jobs = list(self._follower.begin())
        self._take([job for job in jobs if job.state in FINAL], tell)
        if self._follower.is_over:
            return
        log = Log(self.call.streams.stderr, is_terse=True)
        pool = Pool(self.call.store, LocalBell(None), self._plan, log)
        if any(self._is_astray(job) for job in jobs):
            pool.open_up()
        received = pool.run(lambda: self._follow(pool, tell))
        if not self._follow(pool, tell) and received:
            self._interrupted(received[0])

    def _follow(self, pool: Pool, tell: Callable[[JobEnd], None]) -> bool:
        """Take in what has happened; true once all jobs are final and were told of."""
        changes = self._follower.changes(0.0)
        self._changed |= dict.fromkeys(one.job_id for one in changes if one.state is not JobState.RUNNING)
        jobs = self._follower.look_up(self._changed) if self._changed else []
        for job in jobs:
            self._changed.pop(job.id, None)
        self._take([job for job in jobs if job.state in FINAL], tell)
        if any(self._is_astray(job) for job in jobs):
            pool.open_up()
        return self._follower.is_over and not self._changed

    def _is_astray(self, job: Job) -> bool:
        """Whether a job waits where this process does not look: it was given back, or taken back."""
        return job.state not in FINAL and job.lane != self._plan.worker

    def _take(self, jobs: Sequence[Job], tell: Callable[[JobEnd], None]) -> None:
        for job in jobs:
            files = self._write(job) if self._directory is not None else ()
            text = self.call.store.outcomes([job.id]).get(job.id) if job.state is JobState.DONE else None
            end = JobEnd(job, files, outcome(text).warnings)
            self.ended.append(end)
            tell(end)

    def _write(self, job: Job) -> tuple[Path, ...]:
        """Write a job's record and final geometry."""
        items, _ = find_artifacts(self.call.store, [job], (RESULT_JSON, OPT_XYZ))
        items = planned(items, Path(self._directory or "."), TEMPLATE, force=True)
        for item in items:
            copy(self.call.store, item, force=True)
        return tuple(item.target for item in items)

    def _interrupted(self, number: int) -> None:
        """Say what is left.

        Raises:
            KeyboardInterrupt: always.
        """
        ended = f"{len(self.ended):,} of {self.count:,} jobs have ended"
        self.call.interrupted = f"{ended}, {self.left:,} wait for a worker"
        self.call.resume = self.again
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Terminated if number == signal.SIGTERM else Terminated(signal.Signals(number).name)
