"""The work of `nox worker`: opens and checks the store, runs jobs until it is stopped, exports results."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.exits import ExitCode
from nox_cli.hints import is_here_a_login_node, start_one
from nox_cli.names import printable
from nox_cli.run.limits import NO_WORKER, share, time_limit
from workers.errors import Retry, StoreBusy, StoreError, StoreRefused, StoreUnreachable, UsageError
from workers.job import MAX_BUNDLED
from workers.runtime.observer import Observer, Observers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nox_cli.config.settings import Settings
    from nox_cli.run.limits import Share, TimeLimit
    from workers.job import Job
    from workers.logs import Log
    from workers.metrics.metrics import WorkerMetrics
    from workers.runtime.autostart import WorkerLock
    from workers.runtime.slots import Plan
    from workers.store.base import Store
    from workers.store.pools import PoolStore
    from workers.store.values import StoreHealth

# The pause between attempts to open a store that is unreachable at the start.
_RETRY_EVERY_S = 0.5
# The pause between attempts to report that the worker of an allocation has begun.
JOIN_EVERY_S = 5.0
DRAIN_TIMEOUT_S = 30.0
# A batch system that needs its nodes kills soon after it has asked: PBS after 10 s, Slurm after 30.
ALLOCATED_DRAIN_TIMEOUT_S = 5.0


class ForWhom(StrEnum):
    """The users whose jobs a worker runs."""

    ME = "me"
    ALL = "all"


class LogStyle(StrEnum):
    """The format of log lines."""

    TEXT = "text"
    JSON = "json"


class WorkerOptions(NamedTuple):
    """The options of `nox worker`.  None: a default that suits this machine."""

    slots: int | None = None
    cores: int | None = None
    memory: int | None = None  # bytes
    bundle: int = MAX_BUNDLED  # the most short jobs that a slot holds at once
    idle_timeout: float | None = None  # seconds, as all times here
    burst: bool = False
    max_jobs: int | None = None
    time_limit: str | None = None
    drain_before: float | None = None
    drain_timeout: float | None = None
    connect_timeout: float | None = None
    require_auth: bool = False
    for_: ForWhom = ForWhom.ME
    name: str = ""
    metrics: str | None = None
    log_format: LogStyle | None = None  # None: text, or lines for a person if there is a terminal
    export: str | None = None
    lock_fd: int | None = None  # the descriptor of a lock that the starting process holds
    ends_with_stdin: bool = False  # drain when the process at the other end of standard input ends


class WorkerEnded(NamedTuple):
    """The exit code of a worker that has ended."""

    exit: ExitCode


class Begun(NamedTuple):
    """Describes a worker that is ready."""

    kind: str  # of the store
    where: str
    slots: int
    engines: str  # with versions
    share: str  # of this machine, in words
    drain_timeout_s: float


class AllocatedWorker(Observer):
    """Reports to the pool of an allocation when its worker has begun and has ended, and counts its attempts.

    A store that does not answer then costs a line of the log.  The begin is reported later: an allocation
    without a worker counts as one that has yet to start, and its end as a strike.
    """

    def __init__(self, pools: PoolStore, token: str, worker: str, log: Log) -> None:
        self._pools, self._token, self._worker = pools, token, worker
        self._log = log.bind(worker=worker, allocation=token)
        self._ended = count()
        self._is_over = Event()
        self._joining: Thread | None = None

    def ended(self, job: Job, how: str, seconds: float) -> None:  # noqa: ARG002
        """Count an attempt that has ended."""
        next(self._ended)

    def join(self) -> None:
        """Report that the worker has begun, by a thread as soon as the store answers if it does not now."""
        try:
            self._join()
        except StoreError as error:
            self._log.warning(f"the allocation could not be joined: {error}")
            if error.retry is Retry.LATER:
                self._joining = Thread(target=self._join_later, name="joining", daemon=True)
                self._joining.start()

    def _join(self) -> bool:
        is_known = self._pools.join(self._token, self._worker)
        if not is_known:
            self._log.warning("the store does not know the allocation of NOX_ALLOCATION")
        return is_known

    def _join_later(self) -> None:
        while not self._is_over.wait(JOIN_EVERY_S):
            try:
                if self._join():
                    self._log.info("the allocation is joined")
            except StoreError as error:
                if error.retry is Retry.LATER:
                    continue
                self._log.warning(f"the allocation could not be joined: {error}")
            return

    def part(self) -> None:
        """Report that the worker has ended in good order."""
        self._is_over.set()
        if self._joining is not None:
            self._joining.join()  # one that joins after its end would count as one that runs
        try:
            self._pools.part(self._token, self._worker, next(self._ended))
        except StoreError as error:
            self._log.warning(f"the allocation could not be left: {error}")


class WorkerView(Observer):
    """Shows a person what a worker does."""

    def begun(self, begun: Begun) -> None:
        """Show that the worker is ready."""

    def close(self) -> None:
        """Show that the worker has ended."""


@dataclass(slots=True)
class Working:
    """A worker that is about to run."""

    run: Callable[[WorkerView | None], WorkerEnded]
    log: Log
    is_shown: bool = False  # to a person, line by line; otherwise there is a log
    is_colored: bool = False
    exit: ExitCode = ExitCode.DONE


def run_worker(
    options: WorkerOptions,
    settings: Settings,
    open_store: Callable[[], Store],
    environ: Mapping[str, str],
    log: Log,
    view: WorkerView | None = None,
) -> WorkerEnded:
    """Run jobs until a signal or one of the limits ends the worker.

    Args:
        options: the options of the command.
        settings: the settings.
        open_store: opens the store of the settings.
        environ: the environment.
        log: receives the lines of the log.
        view: shows a person what happens; None: the log does.

    Raises:
        UsageError: options contradict each other, or the metrics cannot be served or written.
        StoreError: the store cannot be used, or would lose jobs.
        OutputLost: results cannot be exported.
    """
    from workers.bell.base import open_bell
    from workers.runtime.slots import Slots

    if options.burst and options.idle_timeout is not None:
        raise UsageError("--burst and --idle-timeout contradict each other", did=NO_WORKER)
    printable(options.name, "worker's name", did=NO_WORKER)
    limit = time_limit(options.time_limit, options.drain_before, environ)
    store, health = _reach(open_store, options)
    have = share(environ, options.cores, options.memory)
    if is_here_a_login_node():
        have = replace(have, warnings=(*have.warnings, start_one(is_shared=store.is_shared)))
    plan = replace(_plan(settings, options, have, environ, limit), allocation=_allocation(environ, log))
    allocated = _allocated(store, plan, log)
    began_ms = time.time_ns() // 1_000_000
    with _metrics(options, store, plan, log) as metrics:
        lock = _lock(settings.home, store, options)
        bell = open_bell(store, settings.home, log, idle_timeout_s=options.idle_timeout)
        view = view or WorkerView()
        others = [one for one in (metrics, allocated) if one is not None]
        slots = Slots(
            store, bell, plan, log, lock=lock, observer=Observers(view, *others) if others else view
        )
        if metrics is not None:
            metrics.count_busy(lambda: slots.busy)

        def begun() -> None:
            _announce(health, plan, have, limit, (log, view))
            if allocated is not None:
                allocated.join()

        try:
            received = slots.run(begun=begun)
        finally:
            view.close()
    if allocated is not None:
        allocated.part()
    log.detail("ended", worker=plan.worker)
    from nox_cli.run.export import destination, export

    directory = Path(options.export) if options.export else destination(store, settings.home, environ)
    if directory is not None:
        exported = export(store, plan.worker, began_ms, directory)
        log.info("results written", jobs=exported.jobs, path=str(directory))
        if not options.export and exported.waiting:
            log.warning("jobs wait in the store of this node", jobs=exported.waiting, store=store.where)
    if len(received) < 2:  # noqa: PLR2004  one signal lets it end in good order, a second one hurries it
        return WorkerEnded(ExitCode.DONE)
    return WorkerEnded(ExitCode.INTERRUPTED if received[1] == signal.SIGINT else ExitCode.TERMINATED)


def _reach(open_store: Callable[[], Store], options: WorkerOptions) -> tuple[Store, StoreHealth]:
    """Open and check the store; retry for a while if it is unreachable or held by another process.

    Raises:
        StoreError: it cannot be used.
    """
    end = time.monotonic() + (options.connect_timeout or 0.0)
    while True:
        try:
            return _accepted(open_store(), options)
        except (StoreUnreachable, StoreBusy):
            if time.monotonic() >= end:
                raise
            time.sleep(_RETRY_EVERY_S)


def _accepted(store: Store, options: WorkerOptions) -> tuple[Store, StoreHealth]:
    """Check that a worker can use a store: it keeps all jobs, can be written, and has the required password.

    Raises:
        StoreRefused: it does not.
        StoreError: it does not answer.
    """
    health = store.health()
    if health.evicts:
        raise StoreRefused(
            f"redis at {store.where} has maxmemory-policy {health.evicts} and would lose jobs",
            did=NO_WORKER,
            hint="set maxmemory-policy to noeviction there",
        )
    if health.read_only:
        raise StoreRefused(health.read_only, did=NO_WORKER, hint="a worker needs a store that it can write")
    if options.require_auth and health.exposed:
        raise StoreRefused(
            health.exposed,
            did=NO_WORKER,
            hint="set requirepass there, and the password in the Redis URL or a password file",
        )
    return store, health


def _plan(
    settings: Settings,
    options: WorkerOptions,
    have: Share,
    environ: Mapping[str, str],
    limit: TimeLimit | None,
) -> Plan:
    """Decide how the worker runs."""
    from workers.engine import registry
    from workers.machine import allocation
    from workers.runtime.slots import Plan, worker_id

    usual_drain_s = ALLOCATED_DRAIN_TIMEOUT_S if allocation(environ) else DRAIN_TIMEOUT_S
    return Plan(
        worker=worker_id(),
        slots=options.slots or have.cores.amount,
        cores=have.cores.amount,
        memory_bytes=have.memory.amount,
        engines=registry.keys(),
        owner=None if options.for_ is ForWhom.ALL else settings.owner,
        home=settings.home,
        artifacts=settings.artifacts,
        name=options.name,
        idle_timeout_s=options.idle_timeout,
        is_burst=options.burst,
        max_jobs=options.max_jobs,
        bundle=options.bundle,
        deadline=None if limit is None else limit.deadline,
        drain_timeout_s=usual_drain_s if options.drain_timeout is None else options.drain_timeout,
        is_patient=bool(options.connect_timeout),
        starter=0 if options.ends_with_stdin else None,
    )


def _allocation(environ: Mapping[str, str], log: Log) -> str:
    """Return the token of the allocation of a pool that this worker runs in; empty: it is in none."""
    from workers.store.pools import TOKEN

    token = environ.get("NOX_ALLOCATION", "")
    if token and not TOKEN.fullmatch(token):
        log.warning("NOX_ALLOCATION is ignored: it is not 16 hexadecimal digits")
        return ""
    return token


def _allocated(store: Store, plan: Plan, log: Log) -> AllocatedWorker | None:
    """Return the part of the worker of an allocation that its pool sees; None: there is none."""
    if not plan.allocation or store.pools is None:
        return None
    return AllocatedWorker(store.pools, plan.allocation, plan.worker, log)


@contextmanager
def _metrics(options: WorkerOptions, store: Store, plan: Plan, log: Log) -> Iterator[WorkerMetrics | None]:
    """Serve or write metrics, if the options ask for them.

    Raises:
        UsageError: the address cannot be used, or the file cannot be written.
    """
    if options.metrics is None:
        yield None
        return
    from workers.metrics.exporter import expose, place
    from workers.metrics.metrics import WorkerMetrics

    metrics = WorkerMetrics(store, plan.worker, plan.slots)
    stop = expose(place(options.metrics), metrics.registry, log.bind(worker=plan.worker))
    try:
        yield metrics
    finally:
        stop()


def _lock(home: Path, store: Store, options: WorkerOptions) -> WorkerLock | None:
    """Take the lock by which others see that a local worker is alive; None: another worker holds it.

    Raises:
        StoreRefused: it cannot be taken.
    """
    if store.kind != "local":
        return None
    from workers.files import NO_LOCKS
    from workers.runtime.autostart import WorkerLock
    from workers.store.sqlite.home import unlockable

    if options.lock_fd is not None:
        return WorkerLock.adopt(home, options.lock_fd)
    try:
        return WorkerLock.take(home)
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise unlockable(home, error.errno, did=NO_WORKER) from None
        raise StoreRefused(
            f"cannot lock {error.filename}: {error.strerror}",
            did=NO_WORKER,
            hint=f"move {error.filename} away",
        ) from None


def _announce(
    health: StoreHealth, plan: Plan, have: Share, limit: TimeLimit | None, to: tuple[Log, WorkerView]
) -> None:
    """Report the store, the slots, the engines, the share of this machine, the deadline, and warnings."""
    from workers.engine import registry

    log, view = to
    here = log.bind(worker=plan.worker)
    engines = ", ".join(f"{name} {version}".strip() for name, version in sorted(registry.available().items()))
    slots = f"{plan.slots} slot{'s' if plan.slots > 1 else ''}"
    shown = engines or "none, echo jobs only"
    here.detail(f"{health.kind} store at {health.where}, {slots}, {plan.cores} cores, engines: {shown}")
    here.detail(have.said)
    view.begun(Begun(health.kind, health.where, plan.slots, shown, have.said, plan.drain_timeout_s))
    for warning in have.warnings:
        here.warning(warning)
    if limit is not None:
        (here.info if limit.deadline else here.warning)(limit.said)
    for warning in dict.fromkeys((*health.warnings, health.exposed)):
        if warning:
            here.warning(warning)
