"""The slots of `nox worker`: starts them, the bell and the lease thread, and ends them."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import queue
import secrets
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers import __version__, machine
from workers.errors import StoreError, StoreRefused, StoreUnreachable
from workers.fit import may_run
from workers.job import MAX_BUNDLED, JobState
from workers.runtime.artifacts import ArtifactStore
from workers.runtime.capacity import Room
from workers.runtime.directories import ABSENT_S, Ground
from workers.runtime.durations import Durations
from workers.runtime.leases import Leases
from workers.runtime.observer import Observer
from workers.runtime.scratch import Scratch, scratch_base
from workers.runtime.slot import Slot
from workers.runtime.worker import Worker
from workers.signals import Signals
from workers.store.values import Beat, Query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.batch.environment import Deadline
    from workers.bell.base import Bell
    from workers.logs import Log
    from workers.runtime.autostart import WorkerLock
    from workers.store.base import Store
    from workers.store.values import Claim

# The main thread checks its reasons to end at this interval; a signal or the last job wakes it at once.
LOOK_AROUND_S = 0.5
# A slot that is free after this time loads its engine ahead of its first job.
WARM_AFTER_S = 1.0
# The most files that a worker and each slot have open: the store, locks, bell and log; sockets and pipes to
# an engine, a connection, the files of an attempt.
_FILES, _FILES_A_SLOT = 32, 8
# The interval at which it checks whether running jobs have ended, and asks them to.
_PACE_S = 0.05
# A worker that ends when no job is left waits for jobs that fall due within this time: first retries do.
SOON_S = 15.0
# The most scheduled jobs that are looked at for that.
_LOOKED_AT = 1_000
# The time that stopped jobs have to be released; after it their keepers are ended.
GIVE_BACK_LIMIT_S = 10.0
# The time for which an unreachable store may delay the end of a worker.
ABANDON_AFTER_S = 3.0


def _ground(store: Store, plan: Plan) -> Ground:
    """Return what must stay: the state directory, if there is one, that of artifacts, the local store."""
    if store.kind != "local":
        return Ground([plan.home, plan.artifacts] if plan.home.is_dir() else [plan.artifacts], None)
    from workers.store.sqlite.store import FILE

    return Ground([plan.home, plan.artifacts], plan.home / FILE)


def worker_id() -> str:
    """Make the id of a worker in this process: `HOST-PID-HEX`."""
    return f"{machine.host()}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a worker: slots, capacity, engines, limits."""

    worker: str  # its id
    slots: int
    cores: int
    memory_bytes: int
    engines: frozenset[str]  # engine keys it offers
    owner: str | None  # of the jobs it takes; None: it takes those of all owners
    home: Path
    artifacts: Path
    name: str = ""
    lane_only: bool = False  # serve the jobs reserved for this worker and no others
    idle_timeout_s: float | None = None  # end after this time without a job
    is_burst: bool = False  # end when no job is left that could run here, now or soon
    max_jobs: int | None = None  # end after this number of jobs
    bundle: int = MAX_BUNDLED  # the most short jobs that a slot holds at once; 1: none but the one that runs
    deadline: Deadline | None = None  # end by then
    drain_timeout_s: float = 30.0
    is_patient: bool = False  # start even if the store does not answer
    starter: int | None = None  # a pipe: end when it closes
    allocation: str = ""  # the token of the allocation of a pool that it runs in; empty: none


class Slots:
    """Runs jobs in slots of this process, until a signal or a limit of its plan ends it."""

    def __init__(
        self,
        store: Store,
        bell: Bell,
        plan: Plan,
        log: Log,
        *,
        lock: WorkerLock | None = None,
        observer: Observer | None = None,
    ) -> None:
        observer = observer or Observer()
        self._store = store
        self._bell = bell
        self._plan = plan
        self._log = log.bind(worker=plan.worker)
        self._lock = lock
        self._until: Callable[[], bool] | None = None
        self._idle_timeout_s = 0.0 if plan.is_burst else plan.idle_timeout_s
        self._idle_since = time.monotonic()
        self._signals = Signals(plan.starter)
        self._ground = _ground(store, plan)
        self._lost = ""  # describes a directory or file that the worker needs and that is gone
        self._slots: list[Slot] = []
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()  # the last used is the warmest
        self._room = Room(plan.cores, plan.memory_bytes, plan.max_jobs)
        self._worker = Worker(
            id=plan.worker,
            store=store,
            leases=Leases(store, self._beat, self._log, bell.pass_on, observer),
            room=self._room,
            artifact_store=ArtifactStore(plan.artifacts, machine.host()),
            scratch=Scratch(scratch_base(plan.home / "scratch"), plan.worker),
            log=self._log,
            nox_version=__version__,
            engines=plan.engines,
            owner=plan.owner,
            lanes={plan.worker} if plan.lane_only else {"", plan.worker},
            ended=self._note_end,
            slots=plan.slots,
            durations=Durations(plan.bundle),
            deadline=plan.deadline,
            observer=observer,
        )

    @property
    def busy(self) -> int:
        """The number of slots that run a job now."""
        return self._room.busy

    def run(
        self, until: Callable[[], bool] | None = None, *, begun: Callable[[], None] | None = None
    ) -> tuple[int, ...]:
        """Run jobs until a signal, until it has been idle for too long, or until `until` is satisfied.

        Args:
            until: called on this thread whenever a job has ended, and twice a second; an error it raises ends
                the slots and is passed on.
            begun: called once the store knows this worker, before the first claim.

        Returns:
            The signals received, in order; the second cut the drain short.

        Raises:
            StoreError: the store or the artifacts directory cannot be used, or one of their directories was
                removed.
        """
        self._until = until
        with self._signals:
            try:
                self._start(begun)
                self._serve()
            except StoreError:
                if not self._is_lost(absent_s=0.0):
                    raise
            finally:
                stopped = self._wind_down()
                self._close()
            if self._lost:
                raise StoreUnreachable(
                    self._lost,
                    did=f"the worker stopped {stopped} running {'job' if stopped == 1 else 'jobs'} and ended",
                    hint="start another one: nox worker",
                )
            return tuple(self._signals.received)

    def open_up(self) -> None:
        """Take jobs that are reserved for no worker too."""
        self._worker.lanes.add("")

    def _start(self, begun: Callable[[], None] | None) -> None:
        """Prepare the parts of the worker, and let the slots claim.

        Raises:
            StoreError: the store or the artifacts directory cannot be used.
        """
        self._allow_files()
        try:
            with contextlib.suppress(FileNotFoundError):  # the artifacts directory may not be there yet
                self._ground.hold()
            self._worker.artifact_store.prepare()
            self._worker.scratch.open()
            self._ground.hold()
        except OSError as error:
            raise StoreRefused(
                f"cannot write {error.filename or self._plan.artifacts}: {error.strerror}",
                did="no worker was started",
                hint="set NOX_ARTIFACTS and TMPDIR to directories of your own",
            ) from None
        self._worker.leases.start(is_patient=self._plan.is_patient)
        if begun is not None:
            begun()
        if self._plan.deadline is not None:
            self._plan.deadline.follow(self._log, self._worker.stopping)
        self._slots = [Slot(self._worker, number) for number in range(self._plan.slots)]
        for slot in self._slots:
            self._free.put(slot)
        self._bell.start(self._plan.slots, self._drain, self._room.wait)

    def _allow_files(self) -> None:
        """Raise the limit of open files to what all slots need: a job would fail for want of one.

        Raises:
            StoreRefused: the limit is too low.
        """
        wanted = _FILES + _FILES_A_SLOT * self._plan.slots
        allowed = machine.allow_open_files(wanted)
        if allowed < wanted:
            raise StoreRefused(
                f"{self._plan.slots} slots have up to {wanted} files open, and {allowed} are allowed",
                did="no worker was started",
                hint="raise the hard limit (ulimit -Hn) where it starts, or take fewer --slots",
            )

    def _serve(self) -> None:
        """Wait for a reason to end."""
        gc.freeze()  # later searches for garbage pass over all that a worker has loaded
        warm_at = math.inf if self._plan.lane_only else time.monotonic() + WARM_AFTER_S
        while not self._signals.received:
            if self._is_lost() or self._worker.stopping.is_set():
                return
            if (self._until is not None and self._until()) or self._is_over():
                return
            for slot in self._slots:
                slot.save_log()
            self._signals.wait(LOOK_AROUND_S)
            if time.monotonic() >= warm_at:
                warm_at = math.inf
                self._warm()

    def _is_lost(self, absent_s: float = ABSENT_S) -> bool:
        """Whether a directory or file that the worker needs is gone, or the store refuses its version.

        Args:
            absent_s: the time for which the local store may be missing.
        """
        self._lost = self._lost or self._ground.lost(absent_s) or self._worker.leases.refused
        return bool(self._lost)

    def _is_over(self) -> bool:
        """Whether the time is up, or as many jobs as planned have run."""
        deadline = self._plan.deadline
        if deadline is not None and deadline.time_s <= 0:
            self._log.info("the time limit is near")
            return True
        if not self._room.is_spent:
            return False
        with self._room:  # held until the end of the last one is recorded
            return not self._room.busy

    def _warm(self) -> None:
        """Warm up the free slots now: later, the start of their engines would slow down running jobs."""
        idle = []
        with contextlib.suppress(queue.Empty):
            while True:
                idle.append(self._free.get_nowait())
        for slot in reversed(idle):
            slot.warm()
            self._free.put(slot)

    def _wind_down(self) -> int:
        """Stop claiming, let running jobs end for a while, then release them; return their number."""
        self._worker.stopping.set()
        self._release()
        for number in self._signals.received[:1]:
            self._log.detail(f"received {signal.Signals(number).name}")
        if self._room.busy:
            self._log.detail(f"draining: {self._room.busy} running, no new")
        end = self._drained_by()
        limit_s = max(0.0, end - time.monotonic())
        by = "".join(signal.Signals(number).name for number in self._signals.received[:1])
        self._worker.observer.stopping(self._room.busy, limit_s, by)
        while not (self._room.is_quiet or self._is_hurried or time.monotonic() >= end):
            self._signals.wait(_PACE_S)
        for number in self._signals.received[1:2]:
            self._log.detail(f"received {signal.Signals(number).name} too")
        stopped = self._room.busy
        if stopped:
            self._log.detail(f"giving back {stopped} running")
            self._worker.observer.releasing(stopped)
        if self._lost and self._store.kind == "local":
            self._worker.abandoning.set()  # such a store does not return
        start = time.monotonic()
        while not self._room.is_quiet and time.monotonic() - start < GIVE_BACK_LIMIT_S:
            for slot in self._slots:
                slot.give_back()
            if time.monotonic() - start > ABANDON_AFTER_S:
                self._worker.abandoning.set()
            self._signals.wait(_PACE_S)
        return stopped

    @property
    def _is_hurried(self) -> bool:
        """Whether running jobs are to be released at once."""
        return len(self._signals.received) > 1 or self._is_lost()

    def _drained_by(self) -> float:
        """Return the time at which jobs that still run are released."""
        deadline = self._plan.deadline
        if deadline is None:
            return time.monotonic() + self._plan.drain_timeout_s
        if not self._signals.received and deadline.time_s <= 0:
            return deadline.give_back_at
        return min(time.monotonic() + self._plan.drain_timeout_s, deadline.give_back_at)

    def _close(self) -> None:
        """Leave nothing behind: no thread, no child, no folder, no beat of this worker in the store."""
        self._worker.stopping.set()
        self._worker.abandoning.set()
        self._release()
        self._room.close()
        self._bell.stop(ABANDON_AFTER_S)
        while not self._free.empty():  # busy ones end with this process
            self._free.get().close()
        self._worker.leases.stop()
        with contextlib.suppress(StoreError):
            self._store.leave(self._plan.worker)
        # For jobs that it released, and for rings that it heard while it took no more jobs.
        self._bell.pass_on()
        self._worker.scratch.close()
        self._ground.close()

    def _drain(self) -> None:
        """Run jobs in a free slot until none is left for it; slot threads call this at each bell."""
        slot = self._free.get()
        try:
            claim = self._look(slot)
            if claim is not None:
                self._bell.pass_on()
            else:
                self._worker.leases.hurry()
            while claim is not None:
                claim = slot.run(claim)
                self._idle_since = time.monotonic()
                if claim is None and self._plan.is_burst:
                    claim = self._look(slot)
                if claim is not None and claim.job.parents:
                    self._bell.pass_on()  # the job that ended may have unblocked several
        except Exception as error:  # noqa: BLE001 - after any error the slot continues
            self._log.error(f"a slot had to be restarted: {error!r}")
            slot.replace_keeper()
        finally:
            self._free.put(slot)

    def _look(self, slot: Slot) -> Claim | None:
        """Claim the next job; end the worker if there is none and it has idled for long enough."""
        return self._last_look(slot) if self._has_idled() else slot.claim()

    def _has_idled(self) -> bool:
        if self._idle_timeout_s is None or self._room.busy:
            return False
        return time.monotonic() - self._idle_since >= self._idle_timeout_s and not self._is_awaited()

    def _last_look(self, slot: Slot) -> Claim | None:
        """Release the lock, claim once more, and end; or take the lock again, if there was a job."""
        self._release()
        ends = False
        try:
            claim = slot.claim()
            ends = claim is None and self._end_if_idle()
            return claim
        finally:
            if not ends and self._lock is not None and not self._lock.retake():
                self._idle_timeout_s = 0.0  # another worker took over: end as soon as this job has

    def _is_awaited(self) -> bool:
        """Whether jobs are scheduled that only this worker would run when they fall due."""
        if self._plan.is_burst:
            return self._is_due_soon()
        if self._lock is None or not self._lock.is_held:
            return False
        with contextlib.suppress(StoreError):
            return JobState.SCHEDULED in self._store.counts(owner=self._plan.owner)
        return False

    def _is_due_soon(self) -> bool:
        """Whether a job that could run here falls due within `SOON_S`."""
        by_ms = 1_000 * (time.time() + SOON_S)
        beat, query = self._beat(), Query(states=frozenset({JobState.SCHEDULED}), limit=_LOOKED_AT)
        with contextlib.suppress(StoreError):
            jobs = self._store.page(query).items
            return any(job.due_ms is not None and job.due_ms <= by_ms and may_run(beat, job) for job in jobs)
        return False

    def _end_if_idle(self) -> bool:
        """Stop claiming, unless another slot has found a job."""
        with self._room:
            if self._room.busy:
                return False
            self._worker.stopping.set()
        self._signals.wake()
        return True

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _note_end(self) -> None:
        if self._until is not None or self._room.is_spent:
            self._signals.wake()

    def _beat(self) -> Beat:
        plan = self._plan
        return Beat(
            worker=plan.worker,
            pid=os.getpid(),
            slots=plan.slots,
            cores=plan.cores,
            memory_bytes=plan.memory_bytes,
            engines=plan.engines,
            owner=plan.owner,
            name=plan.name,
            busy=self._room.busy,
            nox_version=__version__,
            lane_only=plan.lane_only,
            time_s=None if plan.deadline is None else max(0, plan.deadline.time_s),
            allocation=plan.allocation,
        )
