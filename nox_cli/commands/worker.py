"""`nox worker`: run jobs here until stopped; `nox worker list`: who does."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.exits import ExitCode
from nox_cli.hints import is_here_a_login_node, start_one
from nox_cli.names import printable
from nox_cli.run.deadline import NO_WORKER, time_limit
from nox_cli.run.shares import share
from nox_cli.session import Form
from nox_cli.times import seconds_of
from nox_cli.values import memory_bytes
from workers.errors import StoreBusy, StoreRefused, StoreUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nox_cli.run.deadline import TimeLimit
    from nox_cli.run.shares import Share
    from nox_cli.session import Session
    from workers.logs import Log
    from workers.metrics.metrics import WorkerMetrics
    from workers.runtime.autostart import WorkerLock
    from workers.runtime.pool import Plan
    from workers.store.base import Store
    from workers.store.values import StoreHealth, WorkerSeen

    T = TypeVar("T")

# How often a store is tried that could not be reached at the start.
_RETRY_EVERY_S = 0.5
DRAIN_TIMEOUT_S = 30.0
# A batch system that wants its nodes back kills soon after it has asked: PBS after 10 s, Slurm after 30.
ALLOCATED_DRAIN_TIMEOUT_S = 5.0

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Run jobs here until stopped: with Redis those of every machine, else those of the local store.",
)


class ForWhom(StrEnum):
    """Whose jobs a worker takes."""

    ME = "me"
    ALL = "all"


class LogStyle(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """The options of `nox worker`.  None: a default that suits this machine."""

    slots: Annotated[
        int | None,
        groups.resources(min=1, max=1_024, help="Number of jobs to run at once (default: the usable cores)."),
    ] = None
    cores: Annotated[
        int | None,
        groups.resources(min=1, max=4_096, help="Cores for all jobs together (default: the usable cores)."),
    ] = None
    memory: Annotated[
        int | None,
        groups.resources(
            parser=memory_bytes, metavar="SIZE", help="Memory for all jobs together (default: all)."
        ),
    ] = None
    idle_timeout: Annotated[
        float | None,
        groups.end(parser=seconds_of, metavar="DURATION", help="Stop after DURATION without a job."),
    ] = None
    burst: Annotated[bool, groups.end("--burst", help="Stop when no job is left that could run here.")] = (
        False
    )
    max_jobs: Annotated[int | None, groups.end(min=1, help="Stop after N jobs.")] = None
    time_limit: Annotated[
        str | None,
        groups.end(
            metavar="auto|DURATION",
            help="Stop within DURATION; auto: before the allocation ends (Slurm, PBS).",
        ),
    ] = None
    drain_before: Annotated[
        float | None,
        groups.end(
            parser=seconds_of,
            metavar="DURATION",
            help="Start no new job this long before --time-limit (default: a tenth of it, at most 60 s).",
        ),
    ] = None
    drain_timeout: Annotated[
        float | None,
        groups.end(
            parser=seconds_of,
            metavar="DURATION",
            help="Time that running jobs get to finish (default 30 s; in an allocation 5 s).",
        ),
    ] = None
    connect_timeout: Annotated[
        float | None,
        groups.store(
            parser=seconds_of,
            metavar="DURATION",
            help="Keep trying to reach the store for DURATION (default 0).",
        ),
    ] = None
    require_auth: Annotated[
        bool, groups.store("--require-auth", help="Refuse a Redis that asks for no password.")
    ] = False
    for_: Annotated[
        ForWhom, groups.selection("--for", help="Whose jobs to run: your own (me) or those of all users.")
    ] = ForWhom.ME
    name: Annotated[str, groups.output(help="Name of this worker.")] = ""
    metrics: Annotated[
        str | None,
        groups.output(
            metavar="[HOST:]PORT|FILE",
            help="Serve Prometheus metrics (HOST: loopback), or write them to FILE (with a / or .prom).",
        ),
    ] = None
    log_format: Annotated[LogStyle, groups.output(help="Format of the log lines.")] = LogStyle.TEXT
    export: Annotated[
        str | None,
        groups.output(metavar="DIR", help="Write the results of this worker's jobs to DIR when it stops."),
    ] = None
    lock_fd: Annotated[int | None, typer.Option(hidden=True, min=3)] = None


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """The exit code of a worker that has ended."""

    exit: ExitCode


@dataclass(frozen=True, slots=True)
class Seen:
    """The workers the store has heard of lately."""

    workers: tuple[WorkerSeen, ...]


def run(call: Session, options: WorkerOptions, environ: Mapping[str, str]) -> WorkerEnded:
    """Run jobs until a signal comes, or until there was nothing to do for too long.

    Raises:
        UsageError: what is asked for contradicts itself.
        StoreError: the store cannot be used, or would lose jobs.
    """
    from workers.bell.base import open_bell
    from workers.logs import Log, LogForm
    from workers.runtime.pool import Pool

    log = Log(call.streams.stderr, LogForm(options.log_format))
    if options.burst and options.idle_timeout is not None:
        raise UsageError("--burst and --idle-timeout contradict each other", did=NO_WORKER)
    printable(options.name, "worker's name", did=NO_WORKER)
    limit = time_limit(options.time_limit, options.drain_before, environ)
    store, health = _reach(lambda: _accepted(call.named_store, options), options.connect_timeout or 0.0)
    have = share(environ, options.cores, options.memory)
    plan = _plan(call, options, have, environ, limit)
    began_ms = time.time_ns() // 1_000_000
    with _metrics(options, store, plan, log) as metrics:
        lock = _lock(call, store, options)
        bell = open_bell(store, call.settings.home, log, idle_timeout_s=options.idle_timeout)
        pool = Pool(store, bell, plan, log, lock=lock, observer=metrics)
        if metrics is not None:
            metrics.count_busy(lambda: pool.busy)
        received = pool.run(begun=lambda: _announce(health, plan, have, limit, log))
    log.info("ended", worker=plan.worker)
    _export(call, store, plan, began_ms, Path(options.export) if options.export else None, log)
    return WorkerEnded(_exit(received))


@contextmanager
def _metrics(options: WorkerOptions, store: Store, plan: Plan, log: Log) -> Iterator[WorkerMetrics | None]:
    """Show metrics where they are asked for.

    Raises:
        UsageError: nobody can listen there, or the file cannot be written.
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


@app.callback()
@takes(WorkerOptions)
def command(ctx: typer.Context, options: WorkerOptions) -> WorkerEnded | None:
    """Run jobs here until stopped."""
    if ctx.invoked_subcommand is not None:
        return None
    from nox_cli.config.settings import environment

    return run(session(ctx), options, environment())


@app.command("list")
def list_command(ctx: typer.Context, json: Json = False) -> Seen:
    """Show the workers that are running, and where."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return Seen(tuple(worker for worker in call.store.workers() if worker.alive))


def _export(call: Session, store: Store, plan: Plan, began_ms: int, wanted: Path | None, log: Log) -> None:
    """Write results to where they are seen, if that was asked for or the store stays behind on this node.

    Raises:
        OutputLost: they cannot be written.
        StoreError: they cannot be read.
    """
    from nox_cli.config.settings import environment
    from nox_cli.run.export import destination, export

    directory = wanted or destination(store, call.settings.home, environment())
    if directory is None:
        return
    exported = export(store, plan.worker, began_ms, directory)
    log.info("results written", jobs=exported.jobs, path=str(directory))
    if wanted is None and exported.waiting:
        log.warning("jobs wait in the store of this node", jobs=exported.waiting, store=store.where)


def _reach(open_it: Callable[[], T], limit_s: float) -> T:
    """Open the store, trying again for a while if it cannot be reached or is held by another process.

    Raises:
        StoreError: it cannot be used.
    """
    end = time.monotonic() + limit_s
    while True:
        try:
            return open_it()
        except (StoreUnreachable, StoreBusy):
            if time.monotonic() >= end:
                raise
            time.sleep(_RETRY_EVERY_S)


def _accepted(store: Store, options: WorkerOptions) -> tuple[Store, StoreHealth]:
    """Hand a store on, with what it says of itself, unless it is not to be served.

    One that drops jobs when it is full is not, nor one that can only be read, nor one that is open to all if
    that was asked for.

    Raises:
        StoreRefused: it does.
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


def _lock(call: Session, store: Store, options: WorkerOptions) -> WorkerLock | None:
    """Hold the lock that says that a local worker lives, unless another holds it.

    Raises:
        StoreRefused: something else lies there.
    """
    if store.kind != "local":
        return None
    from workers.files import NO_LOCKS
    from workers.runtime.autostart import WorkerLock
    from workers.store.sqlite.home import unlockable

    if options.lock_fd is not None:
        return WorkerLock.adopt(call.settings.home, options.lock_fd)
    try:
        return WorkerLock.take(call.settings.home)
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise unlockable(call.settings.home, error.errno, did=NO_WORKER) from None
        raise StoreRefused(
            f"cannot lock {error.filename}: {error.strerror}",
            did=NO_WORKER,
            hint=f"move {error.filename} away",
        ) from None


def _plan(
    call: Session, options: WorkerOptions, have: Share, environ: Mapping[str, str], limit: TimeLimit | None
) -> Plan:
    """Settle how the worker runs."""
    from workers.engine import registry
    from workers.runtime.pool import Plan, worker_id

    return Plan(
        worker=worker_id(),
        slots=options.slots or have.cores.amount,
        cores=have.cores.amount,
        memory_bytes=have.memory.amount,
        engines=registry.keys(),
        owner=None if options.for_ is ForWhom.ALL else call.settings.owner,
        home=call.settings.home,
        artifacts=call.settings.artifacts,
        name=options.name,
        idle_timeout_s=options.idle_timeout,
        is_burst=options.burst,
        max_jobs=options.max_jobs,
        deadline=None if limit is None else limit.deadline,
        drain_timeout_s=_usual_drain_s(environ) if options.drain_timeout is None else options.drain_timeout,
        is_patient=bool(options.connect_timeout),
    )


def _usual_drain_s(environ: Mapping[str, str]) -> float:
    from workers.machine import allocation

    return ALLOCATED_DRAIN_TIMEOUT_S if allocation(environ) else DRAIN_TIMEOUT_S


def _announce(health: StoreHealth, plan: Plan, have: Share, limit: TimeLimit | None, log: Log) -> None:
    """Say which store, how many slots, which engines, how much of this machine and until when."""
    from workers.engine import registry

    here = log.bind(worker=plan.worker)
    engines = ", ".join(f"{name} {version}".strip() for name, version in sorted(registry.available().items()))
    slots = f"{plan.slots} slot{'s' if plan.slots > 1 else ''}"
    said = engines or "none, echo jobs only"
    here.info(f"{health.kind} store at {health.where}, {slots}, {plan.cores} cores, engines: {said}")
    here.info(have.said)
    on_login_node = (start_one(),) if is_here_a_login_node() else ()
    for warning in (*have.warnings, *on_login_node):
        here.warning(warning)
    if limit is not None:
        (here.info if limit.deadline else here.warning)(limit.said)
    for warning in dict.fromkeys((*health.warnings, health.exposed)):
        if warning:
            here.warning(warning)


def _exit(received: tuple[int, ...]) -> ExitCode:
    """Say how a worker ended: in good order, or hurried by a second signal."""
    if len(received) < 2:  # noqa: PLR2004
        return ExitCode.DONE
    return ExitCode.INTERRUPTED if received[1] == signal.SIGINT else ExitCode.TERMINATED
