"""`nox run FILE... | -`: store jobs as `submit` does, and run them in the foreground, without a worker."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli.commandline import groups, job_options
from nox_cli.commandline.arguments import Json, Quiet, form, takes
from nox_cli.commandline.context import session, settle
from nox_cli.commandline.profile_options import Inputs, with_profile
from nox_cli.config import settings
from nox_cli.hints import compute_elsewhere, go_on_with, is_here_a_login_node, is_shared
from nox_cli.inputs.files import read_stdin
from nox_cli.interrupts import Interrupts
from nox_cli.run.foreground import Running, refuse, start
from nox_cli.run.limits import AUTO, time_limit
from nox_cli.run.manifest import NOTHING_RUN
from nox_cli.session import Form, Session, Terminated
from nox_cli.submission.options import SubmitOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from workers.errors import InputRefused, UsageError
from workers.machine import LOGIN_NODE, allocation

if TYPE_CHECKING:
    from workers.runtime.slots import Plan


class RunOptions(NamedTuple):
    """The options of `nox run` about this machine."""

    slots: Annotated[
        int | None,
        groups.here(min=1, max=1_024, help="Number of jobs to run at once (default: the usable cores)."),
    ] = None
    directory: Annotated[
        str | None,
        groups.here(
            "-d",
            "--directory",
            metavar="DIR",
            help="Write results to DIR; a second run with this DIR continues.",
        ),
    ] = None
    time_limit: Annotated[
        str | None,
        groups.here(
            metavar="DURATION",
            help="Stop within DURATION; auto: before the allocation ends (default in one).",
        ),
    ] = None
    here: Annotated[bool, groups.here("--here", help="Run even on a login node.")] = False


@takes(SubmitOptions, declared=job_options.SUBMIT)
@takes(Inputs, "inputs")
@takes(RunOptions, "how")
def command(
    ctx: typer.Context,
    options: SubmitOptions,
    inputs: Inputs,
    how: RunOptions,
    quiet: Quiet = False,
    json: Json = False,
) -> Running:
    """Run calculations on this machine and wait for them."""
    call = session(ctx)
    call.form = form(Form.TABLE, json=json, quiet=quiet)
    call.interrupted = NOTHING_RUN
    if is_here_a_login_node() and not how.here:
        hint = compute_elsewhere(is_shared=is_shared(call.settings.store.redis_url))
        raise UsageError(LOGIN_NODE, did=NOTHING_RUN, hint=hint)
    options, chosen = with_profile(ctx, options, call.settings.profiles, inputs.profile)
    if call.settings.fallback == settings.Fallback.HOLD:  # nothing would run
        call.settings = call.settings._replace(fallback=settings.Fallback.NONE)
    plan = _plan(call, how)
    read = partial(read_stdin, call.streams.stdin)
    try:
        with call.progress() as progress:
            context = CallContext(call.settings.owner, read, lane=plan.worker, progress=progress)
            prepared = prepare(inputs.files or [], options, context)._replace(profile=chosen)
    except InputRefused as error:
        error.did = NOTHING_RUN
        raise
    return _start(call, prepared, plan, how.directory)


def _plan(call: Session, how: RunOptions) -> Plan:
    """Plan the pool of this process: it runs its own jobs only, and ends with them."""
    from workers import machine
    from workers.engine import registry
    from workers.runtime.slots import Plan, worker_id

    environ = settings.environment()
    cores = machine.usable_cores(environ)
    wanted = how.time_limit or (AUTO if allocation(environ) else None)
    limit = time_limit(wanted, None, environ, did=NOTHING_RUN)
    return Plan(
        worker=worker_id(),
        slots=how.slots or cores,
        cores=max(cores, how.slots or 0),
        memory_bytes=machine.usable_memory_bytes(environ),
        engines=registry.keys(),
        owner=call.settings.owner,
        home=call.settings.home,
        artifacts=call.settings.artifacts,
        name="run",
        lane_only=True,
        drain_timeout_s=0.0,
        deadline=None if limit is None else limit.deadline,
    )


def _start(call: Session, prepared: Prepared, plan: Plan, directory: str | None) -> Running:
    """Store the jobs; if that is interrupted or cut short, any worker may run those that are stored.

    Raises:
        InputRefused, UsageError, FileInTheWay: the jobs cannot run here, or their results not be written.
        KeyboardInterrupt: an interrupt came meanwhile.
        StoreError: not all of the jobs could be stored.
    """
    from workers.logs import Log, LogForm

    refuse(prepared.jobs, plan, directory)  # before the store is opened
    interrupts = Interrupts()
    with call.progress() as progress:
        running = start(call.store, prepared, plan, directory, interrupts.stopped, progress)
    if running.stored.requested:
        call.interrupted = f"{len(running.stored.jobs):,} jobs wait for a worker"
        call.resume = go_on_with(is_shared=call.store.is_shared)
    try:
        settle(interrupts, running.stored.cut)
    except BaseException:
        running.leave()
        raise
    running.line = call.progress()
    log_form = LogForm.PLAIN if call.streams.stderr.isatty() else LogForm.TEXT
    running.log = Log(call.streams.stderr, log_form, is_terse=True, before=running.line.clear)
    running.stopped = partial(_stopped, call, running)
    return running


def _stopped(call: Session, running: Running, number: int) -> None:
    """Note what is left after a signal.

    Raises:
        KeyboardInterrupt: always.
    """
    ended = f"{len(running.ended):,} of {running.count:,} jobs have ended"
    call.interrupted = f"{ended}, {running.left:,} wait for a worker"
    call.resume = running.again
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated if number == signal.SIGTERM else Terminated(signal.Signals(number).name)
