"""One try at a job in one slot: from the keeper's start to the outcome, in the store's terms."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import zlib
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from workers.disk import is_full
from workers.engine.checkpoint_file import DRAINING_EVERY_S, EVERY_S, Courier, stored
from workers.errors import EngineInput, JobNotFound, LeaseLost, StoreBusy, StoreError, StoreUnreachable
from workers.job import MAX_LOSSES, JobState, Reason
from workers.keeper.keeper import Ended, Limits, Stop
from workers.result import SCHEMA, Failure
from workers.runtime.artifacts import ENGINE_LOG, OUTCOME
from workers.runtime.live_log import LiveLog
from workers.runtime.retry import retry_until
from workers.signals import HEEDED
from workers.store.geometry_handoff import awaited, complete, outcome_of
from workers.store.values import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from workers.engine.checkpoint_file import Packed
    from workers.job import Progress
    from workers.keeper.keeper import Keeper
    from workers.runtime.worker import Worker
    from workers.store.values import Claim

ECHO = "echo"
PROGRESS_EVERY_S = 0.25
# While the store is out of reach, a time limit is not run into for every step.
PROGRESS_PAUSE_S = 5.0


# How long the slot waits before it gives such a job back: until then the store has told all of them.
RUNS_AGAIN_PAUSE_S = 1.0
NO_ROOM_PAUSE_S = 1.0
# Whoever signals a whole tree of processes does so in any order: for so long after an engine, or its keeper,
# was killed the worker may be asked to end for the same reason.
TREE_S = 2.5
_FROM_OUTSIDE = frozenset({*HEEDED, signal.SIGKILL})


class _RunsAgain(Exception):
    """Raised when a job was handed out whose parent somebody let run again at that moment."""


class _Stopped(Exception):
    """Raised when a job is to be stopped that has not begun."""

    def __init__(self, why: Stop) -> None:
        super().__init__(why)
        self.why = why


class AttemptRunner:
    """Runs one attempt of a claimed job.  `stop`, `hear` and `save_log` may be called from any thread."""

    def __init__(self, worker: Worker, keeper: Keeper, claim: Claim) -> None:
        job = claim.job
        self.claim = claim
        self.log = worker.log.bind(job=job.id, number=job.number, attempt=claim.lease.fence)
        self.seconds = 0.0
        self.ended = _ended()
        self.why_given_back = "the worker was stopped"
        self._outcome: Outcome | None = None
        self._worker = worker
        self._keeper = keeper
        self._limits = Limits(memory_bytes=job.memory_bytes, time_s=job.time_limit_s)
        self._scratch: Path | None = None
        self._live: LiveLog | None = None
        self._guard = threading.Lock()
        self._runs = False
        self._has_computed = False
        self._asked_to_stop: Stop | None = None
        self._progress_due = 0.0
        self._newest: Progress | None = None
        self._courier: Courier | None = None
        self._carried: Packed | None = None  # what an engine of this attempt had reached when it was lost
        self._is_carried_kept = False
        self._checkpoint_at = monotonic()

    @property
    def has_computed(self) -> bool:
        """Whether an engine has been started."""
        return self._has_computed

    @property
    def has_result(self) -> bool:
        """Whether the job came to a good end, even if it was to be stopped."""
        return self.ended.result_json is not None and self.ended.failure is None

    def run(self) -> None:
        """Run the job under the keeper; whatever goes wrong here is how the job ended."""
        start = monotonic()
        self._progress_due = start + PROGRESS_EVERY_S
        self.log.info("started")
        try:
            self.ended = self._insist()
        except _RunsAgain as error:
            self.why_given_back = str(error)
            self._worker.stopping.wait(RUNS_AGAIN_PAUSE_S)
            self.ended = replace(_ended(), stopped=Stop.GIVE_BACK)
        except _Stopped as error:
            self.ended = replace(_ended(), stopped=error.why)
        except EngineInput as error:
            failure = Failure(reason=Reason.DEPENDENCY, message=error.what, hint=error.hint)
            self.ended = _ended(failure)
        except Exception as error:  # noqa: BLE001 - the job is told, the worker lives
            self.ended = _ended(_unexpected(error))
        self.seconds = monotonic() - start
        if self._live is not None:
            self._live.remove()

    def stop(self, why: Stop) -> None:
        """Stop the job if it is running now; callers repeat this until it has ended."""
        with self._guard:
            self._asked_to_stop = why
            if self._runs:
                self._keeper.stop(why)

    def hear(self, output: bytes) -> None:
        """Take what the engine printed."""
        if self._live is None:
            lease = self.claim.lease
            root = self._worker.shelf.root
            self._live = LiveLog(root, lease.job_id, lease.fence, self._limits.output_bytes)
        self._live.add(output)

    def save_log(self) -> None:
        """Bring what the engine printed to where `nox logs` finds it while the job runs."""
        if self._live is not None:
            with contextlib.suppress(OSError):  # the log proper is not touched by that
                self._live.save()

    def outcome(self) -> Outcome:
        """Say how the attempt ended, in the store's terms; its files are kept on the way."""
        ended, lease = self.ended, self.claim.lease
        kept = self._worker.shelf.keep(lease.job_id, lease.fence, self._scratch, ended.log)
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
        )
        return self._outcome

    def lose(self) -> None:
        """Remove what the attempt made, since another owns the job; keep it if the job itself is lost."""
        lease, shelf = self.claim.lease, self._worker.shelf
        if not self._is_forgotten():
            self.clear()
            with contextlib.suppress(StoreError):  # what is left the next attempt removes
                shelf.discard(lease.job_id, lease.fence, self._recorded)
            self.log.warning("lease lost, discarded")
            return
        try:
            kept = shelf.put_aside(lease.job_id, lease.fence, self._scratch, self._texts())
            self.log.warning("lease lost, the store has no such job any more: its files are kept", path=kept)
        except OSError as error:
            self.log.warning("lease lost, and its files cannot be kept", error=error.strerror)
        self.clear()

    def _is_forgotten(self) -> bool:
        """Whether the store lost the job: it was emptied, or is another one now."""
        try:
            self._worker.store.get(self.claim.lease.job_id)
        except JobNotFound:
            return True
        except StoreError:
            return False
        return False

    def _texts(self) -> dict[str, bytes]:
        """All that the attempt made and the store was to keep, by file name."""
        made = {ENGINE_LOG: self.ended.log, OUTCOME: self._record(self.ended.warnings).encode()}
        kept = self._outcome.artifacts if self._outcome else ()
        return made | {one.name: zlib.decompress(one.content) for one in kept if one.content}

    def clear(self) -> None:
        """Let go of the scratch folder and of what is in it; harmless to repeat."""
        if self._scratch is not None:
            self._worker.scratch.take_back(self._scratch)
            self._scratch = None

    def _insist(self) -> Ended:
        """Compute, again if the keeper is killed, the disk full or the scratch folder removed: no fault of
        the job, but if each time.

        A disk that is full without the job's own files counts for nothing.  What was reached is gone on from.

        Raises:
            _Stopped: the worker is to end, or the job.
        """
        failures = 0
        while True:
            if self._worker.stopping.is_set():
                raise _Stopped(Stop.GIVE_BACK)
            ended = self._compute()
            if self._ends_with_worker(ended):
                self.log.info("its engine was killed as the worker was asked to end")
                return replace(ended, failure=None, stopped=Stop.GIVE_BACK)
            is_without_scratch = self._is_without_scratch(ended)
            if not (ended.is_keeper_lost or ended.is_out_of_room or is_without_scratch):
                return ended
            self._carry()
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
            else:
                self._await_room()

    def _is_without_scratch(self, ended: Ended) -> bool:
        """Whether a job failed whose scratch folder was removed while it ran."""
        has_failed = ended.failure is not None and ended.stopped is None
        return has_failed and self._scratch is not None and not self._scratch.is_dir()

    def _ends_with_worker(self, ended: Ended) -> bool:
        """Whether an engine was killed, and the worker is asked to end: that is no failure of the job's."""
        if not (ended.killed_by or ended.is_keeper_lost) or ended.failure is None:
            return False
        if ended.killed_by in _FROM_OUTSIDE or ended.is_keeper_lost:
            self._worker.stopping.wait(TREE_S)
        return self._worker.stopping.is_set()

    def _carry(self) -> None:
        """Take along what a lost engine has reached, before its folder is removed.

        Raises:
            _Stopped: the attempt no longer owns the job.
        """
        taken = self._courier.take() if self._courier is not None else None
        if taken is None:
            return
        self._carried, self._is_carried_kept = taken, False
        try:
            self.save_checkpoint()
        except LeaseLost:
            raise _Stopped(Stop.LOST) from None

    def _await_room(self) -> None:
        """Wait until an engine's files may be written again.

        Raises:
            _Stopped: nobody may wait any longer.
        """
        folder = self._worker.scratch.path
        why = f"the disk is full, no room in {folder}: starting again once there is"
        self.log.warning(why)
        self._pause()
        while is_full(folder):
            self._pause()

    def _pause(self) -> None:
        """Wait a little for room.

        Raises:
            _Stopped: nobody may wait any longer.
        """
        if self._worker.stopping.wait(NO_ROOM_PAUSE_S):
            raise _Stopped(Stop.GIVE_BACK)
        if self._asked_to_stop is not None:
            raise _Stopped(self._asked_to_stop)

    def _compute(self) -> Ended:
        job = self.claim.job
        if self.claim.lease.fence > 1:
            self._clear_earlier()
        if job.kind != ECHO:
            self._scratch = self._make_scratch()
            self._courier = Courier(self._scratch)
            self._go_on(self._courier)
        spec_json = self._spec()
        with self._guard:
            self._runs = self._has_computed = True
        try:
            return self._keeper.run(
                spec_json,
                cores=job.cores,
                limits=self._limits,
                scratch=self._scratch,
                on_progress=self._report,
            )
        finally:
            with self._guard:
                self._runs = False

    def _clear_earlier(self) -> None:
        """Remove the files here that earlier attempts left without recording them."""
        lease = self.claim.lease
        with contextlib.suppress(StoreError):  # the attempt after this one tries again
            self._worker.shelf.clear_earlier(lease.job_id, lease.fence, self._recorded)

    def _recorded(self) -> set[str]:
        """Read the paths of the files that attempts of the job have recorded.

        Raises:
            StoreError: the store cannot be read.
        """
        return {made.path for made in self._worker.store.files(self.claim.lease.job_id)}

    def _make_scratch(self) -> Path:
        """Make the scratch folder as soon as that can be done: no fault of the job's, nor of all that follow.

        Raises:
            _Stopped: nobody may wait any longer.
        """
        is_told = False
        while True:
            try:
                return self._worker.scratch.attempt()
            except OSError as error:
                if not is_told:
                    why = f"cannot write {error.filename}: {error.strerror}; the job waits for that"
                    self.log.warning(why)
                is_told = True
            self._pause()

    def _go_on(self, courier: Courier) -> None:
        """Hand the engine what was reached before: by a lost engine of this attempt, or by earlier attempts.

        The one that has come further counts.
        """
        found, is_kept = self._carried, self._is_carried_kept
        kept = self._kept()
        if kept is not None and (found is None or found.progress < kept.progress):
            found, is_kept = kept, True
        if found is not None:
            try:
                courier.put(found, is_kept=is_kept)
            except OSError as error:
                self._note_useless(error)

    def _kept(self) -> Packed | None:
        """Read what the store has, if an earlier engine may have reached anything."""
        worker, lease = self._worker, self.claim.lease
        if lease.fence == 1 and not self._has_computed:
            return None
        content = retry_until(lambda: worker.store.checkpoint(lease.job_id), worker.abandoning, self.log)
        try:
            return None if content is None else stored(content)
        except ValueError as error:
            self._note_useless(error)
        return None

    def _note_useless(self, error: Exception) -> None:
        why = f"what was reached before is of no use, starting again: {error}"
        self.log.warning(why)

    def save_checkpoint(self, *, insists: bool = False) -> None:
        """Bring what the engine has reached to the store, unless that has it.

        Args:
            insists: wait until a store that does not answer does, or the worker may wait no longer.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """
        taken = self._courier.take() if self._courier is not None else None
        if taken is None and not self._is_carried_kept:
            taken = self._carried
        if taken is None or self._courier is None:
            return
        lease, store = self.claim.lease, self._worker.store
        keep = partial(store.keep_checkpoint, lease, taken.content, taken.progress)
        try:
            if insists:
                retry_until(keep, self._worker.abandoning, self.log, (StoreUnreachable, StoreBusy))
            else:
                keep()
        except StoreError as error:
            why = f"what was reached could not be kept: {error.message}"
            self.log.warning(why)
            return
        self._courier.kept(taken)
        self._is_carried_kept = True

    def show_progress(self) -> None:
        """Bring the newest progress to the store: what waits again shows how far it has come.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """
        if self._newest is not None:
            with contextlib.suppress(StoreError):
                self._worker.store.progress(self.claim.lease, self._newest)

    def _spec(self) -> str:
        """Say what to compute, with the geometry that another job hands on.

        Raises:
            EngineInput: there is no such geometry.
            _RunsAgain: there will be, once that job has ended again.
            StoreError: the store could not be reached until the worker had to stop.
        """
        worker, asked = self._worker, self.claim.spec_json
        if not self.claim.job.parents:
            return asked

        def ended(job_id: str) -> str | None:
            return retry_until(lambda: outcome_of(worker.store, job_id), worker.abandoning, self.log)

        try:
            return complete(asked, ended)
        except EngineInput:
            parent = retry_until(lambda: worker.store.get_many([awaited(asked)]), worker.abandoning, self.log)
        if parent and not parent[0].state.is_final:
            raise _RunsAgain(f"job {parent[0].number} runs again, whose result it needs")
        return complete(asked, ended)  # which may have ended in between

    def _report(self, progress: Progress) -> None:
        """Bring progress to the store, a few times a second at most."""
        self._newest = progress
        if monotonic() < self._progress_due:
            return
        pause_s = PROGRESS_EVERY_S
        self.save_log()
        try:
            self._worker.store.progress(self.claim.lease, progress)
            every_s = DRAINING_EVERY_S if self._worker.stopping.is_set() else EVERY_S
            if monotonic() >= self._checkpoint_at + every_s:
                self._checkpoint_at = monotonic()
                self.save_checkpoint()
        except LeaseLost:
            self.stop(Stop.LOST)
        except StoreError:
            pause_s = PROGRESS_PAUSE_S
        # From the answer on: a slow store must not be asked for every step, nor the steps pile up before it.
        self._progress_due = monotonic() + pause_s

    def _record(self, warnings: tuple[str, ...]) -> str:
        """Write the `workers.result.OutcomeRecord`; the result goes in as the JSON text it is."""
        failure = self.ended.failure
        fields = {
            "schema": SCHEMA,
            "attempt": self.claim.lease.fence,
            "worker": self._worker.id,
            "nox_version": self._worker.nox_version,
            "failure": None if failure is None else failure.model_dump(mode="json"),
            "warnings": warnings,
        }
        return f'{json.dumps(fields)[:-1]}, "result": {self.ended.result_json or "null"}}}'


def _ended(failure: Failure | None = None) -> Ended:
    return Ended(result_json=None, failure=failure, warnings=(), log=b"", stopped=None)


def _unexpected(error: Exception) -> Failure:
    return Failure(
        reason=Reason.INTERNAL,
        message=f"the worker could not run the job: {error}"[:2_000],
        evidence=(repr(error)[:500],),
    )
