"""Running jobs in this process: the jobs are reserved for it, its slots run them, and results are written."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.hints import go_on_with
from nox_cli.progress import SILENT, Progress
from nox_cli.results.artifacts import RESULT_JSON, find_artifacts
from nox_cli.results.documents import outcome
from nox_cli.results.files import copy, planned
from nox_cli.run.manifest import NOTHING_RUN, Manifest, earlier, published, refuse_equal_names, refuse_files
from nox_cli.submission.handover import Stored, hand_over
from nox_cli.watch.follower import Follower, Patience, verdict
from nox_cli.watch.ledger import Ledger
from workers.errors import InputRefused, StoreError
from workers.job import FINAL, JobState
from workers.names import OPT_XYZ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.exits import ExitCode
    from nox_cli.submission.prepare import Prepared
    from nox_cli.watch.batch_progress import BatchProgress
    from workers.job import Job, NewJob
    from workers.logs import Log
    from workers.runtime.slots import Plan, Slots
    from workers.store.base import Store

TEMPLATE = "{name}-{file}"


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A job that has ended, the files that were written for it, and the warnings of its result."""

    job: Job
    files: tuple[Path, ...]
    warnings: tuple[str, ...]


class Running:
    """Runs stored jobs in this process, and follows them."""

    def __init__(
        self, store: Store, plan: Plan, job_ids: Sequence[str], prepared: Prepared, directory: str | None
    ) -> None:
        """Prepare to run.

        Args:
            store: the store of the jobs.
            plan: the resources of this process; its worker is the lane that the jobs are reserved for.
            job_ids: the jobs; those that have ended already are only written.
            prepared: the request; its warnings are shown, and the inputs that it left out are reported.
            directory: the directory of the results; None: they are not written.
        """
        self.batch = prepared.batch
        self.profile = prepared.profile
        self.warnings = prepared.warnings
        self.refusals = prepared.refusals
        self.count = len(job_ids)
        self.ended: list[JobEnd] = []
        self.published: Counter[JobState] = Counter()  # results that runs with other stores have written
        self.stored = Stored((), 0)  # the jobs that are new in the store
        self.log: Log | None = None  # of the slots; None: nothing is logged
        self.line = SILENT  # shows a person how far the run is
        self.looked: Callable[[], None] = _nothing  # called after each look at the jobs
        # Called with the number of the signal that ended the run before all jobs have ended.
        self.stopped: Callable[[int], None] = lambda _number: None
        self._store = store
        self._plan = plan
        self._directory = directory
        self._follower = Follower(store, job_ids)
        self._ledger = Ledger()  # is kept where there is a terminal for the line
        self._changed: dict[str, None] = {}  # jobs whose newest record is still to be read
        self._patience = Patience()  # with reads of results
        self._untold: deque[Job] = deque()  # jobs that have ended and whose results are still to be written

    @property
    def runs_here(self) -> bool:
        """Whether the jobs run on this machine: always."""
        return True

    @property
    def left(self) -> int:
        """The number of jobs that have not ended: the time was up."""
        return self.count - len(self.ended)

    @property
    def again(self) -> str:
        """The command that continues with them."""
        return (
            "the same command" if self._directory is not None else go_on_with(is_shared=self._store.is_shared)
        )

    @property
    def exit(self) -> ExitCode:
        """The verdict on the states of all jobs."""
        return verdict(self.published + Counter(self._follower.tally))

    def progress(self) -> BatchProgress:
        """Return how far the run is, with rate and estimate; only for a `line` on a terminal."""
        return self._ledger.progress(self._follower.tally, times.now_ms())

    def leave(self) -> None:
        """Let any worker run the jobs that were reserved for this process."""
        self._store.leave(self._plan.worker)

    def go(self, tell: Callable[[JobEnd], None]) -> None:
        """Run the jobs until all are final or the time is up; call `tell` for each as it ends.

        Raises:
            OutputLost, ArtifactNotFound, StoreDamaged: a result could not be written.
            StoreError: the store cannot be used, or was unreachable for too long.
        """
        from workers.bell.pipe import LocalBell
        from workers.runtime.slots import Slots

        jobs = list(self._follower.begin())
        for job in jobs if self.line.is_live else ():
            self._ledger.add(job)
        self._take(jobs, tell, is_patient=False)
        if self._follower.is_over:
            return
        assert self.log is not None
        slots = Slots(self._store, LocalBell(None), self._plan, self.log)
        if any(self._is_astray(job) for job in jobs):
            slots.open_up()
        received = slots.run(lambda: self._follow(slots, tell))
        if not self._follow(slots, tell, is_patient=bool(received)) and received:
            self.stopped(received[0])

    def _follow(self, slots: Slots, tell: Callable[[JobEnd], None], *, is_patient: bool = True) -> bool:
        """Process what has happened; return whether all jobs are final and `tell` was called for each.

        `is_patient`: results that an unreachable store does not return now are written by the next call.
        """
        changes = self._follower.changes(0.0)
        self._changed |= dict.fromkeys(one.job_id for one in changes if one.state is not JobState.RUNNING)
        for change in changes if self.line.is_live else ():
            self._ledger.move(change)
        jobs = self._follower.look_up(self._changed) if self._changed else []
        for job in jobs:
            self._changed.pop(job.id, None)
        self._take(jobs, tell, is_patient=is_patient)
        if any(self._is_astray(job) for job in jobs):
            slots.open_up()
        self.looked()
        return self._follower.is_over and not (self._changed or self._untold)

    def _is_astray(self, job: Job) -> bool:
        """Whether a job waits in another lane: it was released or requeued."""
        return job.state not in FINAL and job.lane != self._plan.worker

    def _take(self, jobs: Sequence[Job], tell: Callable[[JobEnd], None], *, is_patient: bool) -> None:
        self._untold += (job for job in jobs if job.state in FINAL)
        while self._untold:
            job = self._untold[0]
            try:
                files = self._write(job) if self._directory is not None else ()
                text = self._store.outcomes([job.id]).get(job.id) if job.state is JobState.DONE else None
            except StoreError as error:
                if not is_patient:
                    raise
                self._patience.check(error)
                return
            self._patience.reset()
            self._untold.popleft()
            end = JobEnd(job, files, outcome(text).warnings)
            self.ended.append(end)
            tell(end)

    def _write(self, job: Job) -> tuple[Path, ...]:
        """Write a job's record and final geometry."""
        items, _ = find_artifacts(self._store, [job], (RESULT_JSON, OPT_XYZ))
        items = planned(items, Path(self._directory or "."), TEMPLATE, force=True)
        for item in items:
            copy(self._store, item, force=True)
        return tuple(item.target for item in items)


def start(
    store: Store,
    prepared: Prepared,
    plan: Plan,
    directory: str | None,
    stop: Callable[[], bool] = bool,
    progress: Progress = SILENT,
) -> Running:
    """Store jobs, reserved for this process, but those that an earlier run in the same directory stored.

    If storing is cut short, `Running.stored` has the error.

    Args:
        store: the store of the jobs.
        prepared: the jobs, of `prepare` with the plan's worker as lane.
        plan: the resources of this process.
        directory: the directory of the results; None: they are not written.
        stop: is called between chunks of jobs; no more are stored once it returns true.
        progress: counts the jobs that were stored.

    Raises:
        UsageError: two results would get the same name.
        FileInTheWay: a file that is not of an earlier run has the name of a result.
        InputRefused: a job can never run here.
        StoreError: nothing was stored, or that is unknown.
    """
    jobs = fresh = prepared.jobs
    refuse(jobs, plan, directory)
    job_ids = [job.id for job in jobs]
    there: dict[str, JobState] = {}
    if directory is not None:
        folder = Path(directory)
        manifest = Manifest(folder, store.where)
        known = earlier(store, jobs, manifest)
        there = published(jobs, manifest, folder)
        fresh = [job for job in jobs if job.id not in known and job.id not in there]
        refuse_files(fresh, folder)
        manifest.remember(fresh)
        job_ids = [known.get(job.id, job.id) for job in jobs if job.id not in there]
    running = Running(store, plan, job_ids, prepared, directory)
    running.published.update(there.values())
    try:
        running.stored = hand_over(store, fresh, stop=stop, progress=progress)
    except StoreError:
        running.leave()
        raise
    return running


def refuse(jobs: Sequence[NewJob], plan: Plan, directory: str | None) -> None:
    """Check that each job can run with the resources and engines of a plan; this needs no store.

    Raises:
        InputRefused: a job needs what this machine does not have.
        UsageError: two results would get the same name in the directory.
    """
    for job in jobs:
        hint = ""
        if job.cores > plan.cores:
            lack = f"{job.cores} cores, and {plan.cores} can be used here"
        elif job.memory_bytes > plan.memory_bytes:
            lack = f"{job.memory_bytes >> 20} MiB of memory, and {plan.memory_bytes >> 20} can be used here"
            hint = "say how much it needs: --memory SIZE"
        elif job.engine not in plan.engines:
            lack = f"the engine {job.engine}, which is not installed here"
        else:
            continue
        raise InputRefused(f"{job.name or 'the job'} needs {lack}", did=NOTHING_RUN, hint=hint)
    if directory is not None:
        refuse_equal_names(jobs)
