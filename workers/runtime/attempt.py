"""One attempt at a job in one slot: from the start of its engine to its outcome."""

from __future__ import annotations

import contextlib
import signal
import threading
import zlib
from collections import deque
from dataclasses import replace
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from workers.engine.checkpoint_file import DRAINING_EVERY_S, EVERY_S
from workers.engine.registry import needs
from workers.errors import EngineInput, JobNotFound, LeaseLost, StoreError
from workers.files import is_full
from workers.job import MAX_LOSSES, OPTIMISATION, JobState, Reason
from workers.keeper.keeper import Ended, Limits, Stop, Task
from workers.result import Failure, OutcomeRecord
from workers.runtime.artifacts import ENGINE_LOG, OUTCOME
from workers.runtime.checkpoints import Checkpoints
from workers.runtime.live_log import LiveLog
from workers.runtime.scratch import remove
from workers.signals import HEEDED
from workers.store.geometry_handoff import awaited, complete, outcome_of
from workers.store.values import POINTS_KEPT, Outcome, Point

if TYPE_CHECKING:
    from pathlib import Path

    from workers.job import Progress
    from workers.keeper.keeper import Keeper, Run
    from workers.logs import Log
    from workers.runtime.worker import Worker
    from workers.store.values import Claim

ECHO = "echo"
PROGRESS_EVERY_S = 0.25
# While the store is unreachable, progress is reported less often: each report would wait for its time limit.
PROGRESS_PAUSE_S = 5.0
# How long the slot waits before it releases a job whose parent runs again: by then the store has blocked all
# such jobs.
RUNS_AGAIN_PAUSE_S = 1.0
NO_ROOM_PAUSE_S = 1.0
# A signal to a whole tree of processes reaches them in any order: for so long after an engine, or its keeper,
# was killed the worker may receive it too.
TREE_S = 2.5
_FROM_OUTSIDE = frozenset({*HEEDED, signal.SIGKILL})


class AttemptRunner:
    """Runs one attempt of a claimed job.  `stop`, `hear` and `save_log` may be called from any thread."""

    def __init__(self, worker: Worker, keeper: Keeper, claim: Claim, place: int = 0) -> None:
        """Prepare an attempt.

        Args:
            worker: the worker.
            keeper: the keeper of the slot.
            claim: the claim of the job.
            place: the place of the slot that claimed it.
        """
        job = claim.job
        self.claim = claim
        self.place = place
        self.seconds = 0.0
        self.ended = Ended()
        self.has_computed = False  # an engine was started
        self.why_given_back = "the worker was stopped"
        self._outcome: Outcome | None = None
        self._ran_ms: int | None = None  # known of a job that waited behind others
        self._worker = worker
        self._keeper = keeper
        self._limits = Limits(memory_bytes=job.memory_bytes, time_s=job.time_limit_s)
        self._scratch: Path | None = None
        self._live: LiveLog | None = None
        self._guard = threading.Lock()
        self._run: Run | None = None  # while the keeper has it
        self._asked_to_stop: Stop | None = None
        self._progress_due = 0.0
        self._newest: Progress | None = None
        self._checkpoint_at = monotonic()

    @cached_property
    def log(self) -> Log:
        """The log, whose lines name the attempt."""
        lease = self.claim.lease
        return self._worker.log.bind(job=lease.job_id, number=self.claim.job.number, attempt=lease.fence)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """Its checkpoints, which jobs of milliseconds have none of."""
        return Checkpoints(self._worker, self.claim.lease, self.log)

    @cached_property
    def _points(self) -> deque[Point]:
        """The points that were passed since the last report to the store."""
        return deque(maxlen=POINTS_KEPT)

    @property
    def has_result(self) -> bool:
        """Whether the job completed, even if it was to be stopped."""
        return self.ended.result is not None and self.ended.failure is None

    def run(self) -> None:
        """Run the job under the keeper; an error on the way fails the job, and the worker continues."""
        start = monotonic()
        self._progress_due = start + PROGRESS_EVERY_S
        self.log.detail("started")
        try:
            self.ended = self._compute_until_it_counts()
        except EngineInput as error:
            failure = Failure(reason=Reason.DEPENDENCY, message=error.what, hint=error.hint)
            self.ended = Ended(failure=failure)
        except Exception as error:  # noqa: BLE001 - it is recorded as how the job ended
            self.ended = Ended(failure=_unexpected(error))
        self.seconds = monotonic() - start
        if self._live is not None:
            self._live.remove()

    @property
    def is_finished(self) -> bool:
        """Whether there is an outcome to record."""
        stopped = self.ended.stopped
        return stopped is not Stop.LOST and (stopped is not Stop.GIVE_BACK or self.has_result)

    def join(self) -> Run | None:
        """Hand a job that has never run to the keeper, behind those that it has; None: it cannot run now."""
        self.log.detail("started")
        if self.claim.job.kind != ECHO:
            try:
                self._scratch = self._worker.scratch.attempt()
            except OSError as error:
                self.why_given_back = f"cannot write {error.filename}: {error.strerror}"
                self.withdraw()
                return None
        self._progress_due = monotonic() + PROGRESS_EVERY_S
        return self._hand_over(self.claim.spec_json)

    def withdraw(self) -> None:
        """End an attempt that has not begun: its job is to be released."""
        self.ended = Ended(stopped=Stop.GIVE_BACK, is_withdrawn=True)

    def settle(self) -> None:
        """Take over how the keeper ended a job that has joined.

        Where an attempt by itself would start again, the machine being at fault and not the job, it is
        released: the next attempt runs alone.
        """
        with self._guard:
            run, self._run = self._run, None
        assert run is not None
        self.ended, self.seconds = run.ended, run.ended.seconds
        self._ran_ms = max(1, round(self.seconds * 1_000)) if self.seconds else None
        self.has_computed = not self.ended.is_withdrawn
        if self._live is not None:
            self._live.remove()
        if self.ended.is_withdrawn:
            if self._asked_to_stop is None:
                self.why_given_back = "the job before it took longer than expected"
        elif why := self._fault(self.ended):
            self.why_given_back = why
            self.ended = replace(self.ended, failure=None, stopped=Stop.GIVE_BACK)

    def _fault(self, ended: Ended) -> str:
        """Name what failed in place of the job; empty: nothing did."""
        if ended.is_keeper_lost:
            return "the keeper of the engine was killed"
        if ended.is_out_of_room:
            return f"the disk is full, no room in {self._worker.scratch.path}"
        if self._is_without_scratch(ended):
            return "the engine's scratch folder was removed"
        return self.why_given_back if self._ends_with_worker(ended) else ""

    def stop(self, why: Stop) -> None:
        """Stop the job if it is running now; callers repeat this until it has ended."""
        with self._guard:
            self._asked_to_stop = why
            if self._run is not None:
                self._run.stop(why)

    def hear(self, output: bytes) -> None:
        """Add what the engine printed to the live log."""
        if self._live is None:
            lease = self.claim.lease
            root = self._worker.artifact_store.root
            self._live = LiveLog(root, lease.job_id, lease.fence, self._limits.output_bytes)
        self._live.add(output)

    def save_log(self) -> None:
        """Write what the engine printed to the file that `nox logs` reads while the job runs."""
        if self._live is not None:
            with contextlib.suppress(OSError):  # the log that becomes an artifact is not affected
                self._live.save()

    def outcome(self) -> Outcome:
        """Keep the files of the attempt and return its outcome for the store."""
        ended, lease = self.ended, self.claim.lease
        if not (self._scratch is None or ended.is_withdrawn) and self._worker.scratch.reclaim(self._scratch):
            self._scratch = None
        kept = self._worker.artifact_store.keep(lease.job_id, lease.fence, self._scratch, ended.log)
        self.clear()
        if ended.stopped is Stop.CANCEL and not self.has_result:
            state, reason = JobState.CANCELLED, Reason.USER
        elif ended.failure is not None:
            state, reason = JobState.FAILED, ended.failure.reason
        else:
            state, reason = JobState.DONE, None
        self._outcome = Outcome(
            state=state,
            reason=reason,
            outcome_json=self._record((*ended.warnings, *kept.warnings)),
            artifacts=kept.artifacts,
            progress=ended.progress,
            message=ended.failure.message if ended.failure else "",
            ran_ms=self._ran_ms,
        )
        return self._outcome

    def lose(self) -> None:
        """Remove the files of the attempt, whose job another owns; keep them if the store lost the job."""
        lease, artifact_store = self.claim.lease, self._worker.artifact_store
        if not self._is_forgotten():
            self.clear()
            with contextlib.suppress(StoreError):  # the next attempt removes what is left
                artifact_store.discard(lease.job_id, lease.fence, self._recorded)
            self.log.warning("lease lost, discarded")
            return
        try:
            kept = artifact_store.put_aside(lease.job_id, lease.fence, self._scratch, self._texts())
            self.log.warning("lease lost, the store has no such job any more: its files are kept", path=kept)
        except OSError as error:
            self.log.warning("lease lost, and its files cannot be kept", error=error.strerror)
        self.clear()

    def _is_forgotten(self) -> bool:
        """Whether the store lost the job: it was emptied, or replaced by another one."""
        try:
            self._worker.store.get(self.claim.lease.job_id)
        except JobNotFound:
            return True
        except StoreError:
            return False
        return False

    def _texts(self) -> dict[str, bytes]:
        """Return what the store was to keep of the attempt, by file name."""
        made = {ENGINE_LOG: self.ended.log, OUTCOME: self._record(self.ended.warnings).encode()}
        kept = self._outcome.artifacts if self._outcome else ()
        return made | {one.name: zlib.decompress(one.content) for one in kept if one.content}

    def clear(self) -> None:
        """Release the scratch folder and what is in it; harmless to repeat."""
        if self._scratch is not None:
            if self.ended.is_withdrawn:
                remove(self._scratch)  # the engine process may still come to it
            else:
                self._worker.scratch.take_back(self._scratch)
            self._scratch = None

    def show_progress(self) -> None:
        """Write the newest progress to the store, so that a job that waits again shows it.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """
        if self._newest is not None:
            with contextlib.suppress(StoreError):
                self._worker.store.progress(self.claim.lease, self._newest)

    # -- the run ---------------------------------------------------------------------------------------

    def _compute_until_it_counts(self) -> Ended:
        """Compute, again from the last checkpoint if the machine was at fault and not the job.

        That is the case if the keeper was killed, the disk was full or the scratch folder was removed, up to
        `MAX_LOSSES` times.  A disk that is full without the job's own files does not count.
        """
        failures = 0
        while not self._worker.stopping.is_set():
            ended = self._compute()
            if self._ends_with_worker(ended):
                self.log.detail("its engine was killed as the worker was asked to end")
                return replace(ended, failure=None, stopped=Stop.GIVE_BACK)
            is_without_scratch = self._is_without_scratch(ended)
            if not (ended.is_keeper_lost or ended.is_out_of_room or is_without_scratch):
                return ended
            if not self.checkpoints.carry():
                return Ended(stopped=Stop.LOST)
            if ended.is_out_of_room:
                self.clear()
            is_counted = ended.is_keeper_lost or is_without_scratch
            failures += is_counted or not is_full(self._worker.scratch.path)
            if failures == MAX_LOSSES:
                return ended
            self.clear()
            if ended.is_keeper_lost:
                self.log.warning("the keeper of the engine was killed, starting again")
            elif is_without_scratch:
                self.log.warning("the engine's scratch folder was removed, starting again")
            elif why := self._await_room():
                return Ended(stopped=why)
        return Ended(stopped=Stop.GIVE_BACK)

    def _is_without_scratch(self, ended: Ended) -> bool:
        """Whether a job failed whose scratch folder was removed while it ran."""
        has_failed = ended.failure is not None and ended.stopped is None
        return has_failed and self._scratch is not None and not self._scratch.is_dir()

    def _ends_with_worker(self, ended: Ended) -> bool:
        """Whether an engine was killed as the worker is asked to end: then the job has not failed."""
        if not (ended.killed_by or ended.is_keeper_lost) or ended.failure is None:
            return False
        if ended.killed_by in _FROM_OUTSIDE or ended.is_keeper_lost:
            self._worker.stopping.wait(TREE_S)
        return self._worker.stopping.is_set()

    def _await_room(self) -> Stop | None:
        """Wait until the disk has room for an engine's files; return why the attempt is to stop instead."""
        folder = self._worker.scratch.path
        why = f"the disk is full, no room in {folder}: starting again once there is"
        self.log.warning(why)
        stop = self._pause()
        while stop is None and is_full(folder):
            stop = self._pause()
        return stop

    def _pause(self) -> Stop | None:
        """Wait for a moment; return why the attempt is to stop; None: it continues."""
        if self._worker.stopping.wait(NO_ROOM_PAUSE_S):
            return Stop.GIVE_BACK
        return self._asked_to_stop

    def _compute(self) -> Ended:
        """Run one engine on the job.

        Raises:
            EngineInput: there is no geometry to start from.
            StoreError: the store could not be reached until the worker had to stop.
        """
        job = self.claim.job
        if self.claim.lease.fence > 1:
            self._clear_earlier()
        if job.kind != ECHO:
            if why := self._make_scratch():
                return Ended(stopped=why)
            assert self._scratch is not None
            self.checkpoints.hand_over(self._scratch)
        spec_json = self._spec()
        if spec_json is None:
            self._worker.stopping.wait(RUNS_AGAIN_PAUSE_S)
            return Ended(stopped=Stop.GIVE_BACK)
        run = self._hand_over(spec_json)
        self.has_computed = True
        try:
            self._keeper.wait()
            return run.ended
        finally:
            with self._guard:
                self._run = None

    def _hand_over(self, spec_json: str) -> Run:
        """Hand the job to the keeper, behind those that it has."""
        job = self.claim.job
        task = Task(
            spec_json.encode(errors="surrogatepass"),
            self._limits,
            self._scratch,
            on_progress=self._report,
            on_output=self.hear,
            cores=job.cores,
            loads=needs(job.engine),
        )
        with self._guard:
            self._run = self._keeper.start(task)
            return self._run

    def _clear_earlier(self) -> None:
        """Remove the files here that earlier attempts left without recording them."""
        lease = self.claim.lease
        with contextlib.suppress(StoreError):  # the attempt after this one tries again
            self._worker.artifact_store.clear_earlier(lease.job_id, lease.fence, self._recorded)

    def _recorded(self) -> set[str]:
        """Read the paths of the files that attempts of the job have recorded.

        Raises:
            StoreError: the store cannot be read.
        """
        return {made.path for made in self._worker.store.files(self.claim.lease.job_id)}

    def _make_scratch(self) -> Stop | None:
        """Make the scratch folder, as soon as the disk allows: its state is no fault of the job.

        Returns:
            Why the attempt is to stop instead; None: the folder is there.
        """
        is_logged = False
        while True:
            try:
                self._scratch = self._worker.scratch.attempt()
            except OSError as error:
                if not is_logged:
                    why = f"cannot write {error.filename}: {error.strerror}; the job waits for that"
                    self.log.warning(why)
                is_logged = True
                if stop := self._pause():
                    return stop
            else:
                return None

    def _spec(self) -> str | None:
        """Return the specification, completed by the final geometry of another job if it starts from one.

        Returns:
            A `workers.spec.JobSpec` as JSON; None: the other job runs again, and so this one has to wait.

        Raises:
            EngineInput: there is no such geometry.
            StoreError: the store could not be reached until the worker had to stop.
        """
        worker, asked = self._worker, self.claim.spec_json
        if not self.claim.job.parents:
            return asked

        def ended(job_id: str) -> str | None:
            return worker.retry(lambda: outcome_of(worker.store, job_id), self.log)

        try:
            return complete(asked, ended)
        except EngineInput:
            parent = worker.retry(lambda: worker.store.get_many([awaited(asked)]), self.log)
        if parent and not parent[0].state.is_final:
            self.why_given_back = f"job {parent[0].number} runs again, whose result it needs"
            return None
        return complete(asked, ended)  # which may have ended in between

    def _report(self, progress: Progress) -> None:
        """Write progress to the store, a few times a second at most, and now and then a checkpoint."""
        self._newest = progress
        self._pass(progress)
        if monotonic() < self._progress_due:
            return
        pause_s = PROGRESS_EVERY_S
        self.save_log()
        try:
            self._worker.store.progress(self.claim.lease, progress, tuple(self._points))
            self._points.clear()
            every_s = DRAINING_EVERY_S if self._worker.stopping.is_set() else EVERY_S
            if monotonic() >= self._checkpoint_at + every_s:
                self._checkpoint_at = monotonic()
                self.checkpoints.save()
        except LeaseLost:
            self.stop(Stop.LOST)
        except StoreError:
            pause_s = PROGRESS_PAUSE_S
        # From the answer on: a slow store must not be asked for every step, nor the steps pile up before it.
        self._progress_due = monotonic() + pause_s

    def _pass(self, progress: Progress) -> None:
        """Note the point of an optimisation; one that is passed again replaces those that followed it."""
        step, energy = progress.step, progress.energy_hartree
        norm = progress.gradient_norm_hartree_per_bohr
        if progress.phase != OPTIMISATION or step is None or energy is None or norm is None:
            return
        while self._points and self._points[-1].step >= step:
            self._points.pop()
        self._points.append(Point(step, energy, norm))

    def _record(self, warnings: tuple[str, ...]) -> str:
        """Write the record of the attempt for the store."""
        return OutcomeRecord(
            attempt=self.claim.lease.fence,
            worker=self._worker.id,
            nox_version=self._worker.nox_version,
            result=self.ended.result_json,
            failure=self.ended.failure,
            warnings=warnings,
        ).written()


def _unexpected(error: Exception) -> Failure:
    return Failure(
        reason=Reason.INTERNAL,
        message=f"the worker could not run the job: {error}"[:2_000],
        evidence=(repr(error)[:500],),
    )
