"""`nox run FILE... | -`: the jobs, record and verdicts of `submit`, in the foreground, with no worker."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline import groups, job_options
from nox_cli.commandline.arguments import Json, Quiet, form
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.config import settings
from nox_cli.hints import COMPUTE_ELSEWHERE, go_on_with, is_here_a_login_node
from nox_cli.interrupts import Interrupts
from nox_cli.names import name_from
from nox_cli.results.artifacts import OPT_XYZ, RESULT_JSON
from nox_cli.run.deadline import AUTO, time_limit
from nox_cli.run.foreground import Running
from nox_cli.run.manifest import Manifest
from nox_cli.session import Fallback, Form, Session
from nox_cli.submission.handover import hand_over
from nox_cli.submission.options import SubmitOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from workers.errors import FileInTheWay, InputRefused, UsageError
from workers.job import JobState
from workers.machine import LOGIN_NODE, allocation

if TYPE_CHECKING:
    from workers.job import NewJob
    from workers.runtime.pool import Plan
    from workers.store.base import Store

NOTHING_RUN = "nothing was run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `nox run` that say how jobs are run here."""

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
            metavar="auto|DURATION",
            help="Stop within DURATION; auto: before the allocation ends (default in one).",
        ),
    ] = None
    here: Annotated[bool, groups.here("--here", help="Run even on a login node.")] = False


def run(call: Session, prepared: Prepared, how: RunOptions, plan: Plan) -> Running:
    """Store jobs that were asked for, reserved for this process; those an earlier run stored are found again.

    Raises:
        UsageError: two results would get the same name.
        FileInTheWay: a file that is none of an earlier run has the name of a result.
        InputRefused: a job can never run here.
        KeyboardInterrupt: an interrupt came meanwhile.
        StoreError: not all of the jobs could be stored.
    """
    _refuse_unfit(prepared.jobs, plan)
    job_ids = [job.id for job in prepared.jobs]
    fresh = prepared.jobs
    published: dict[str, JobState] = {}
    if how.directory is not None:
        directory = Path(how.directory)
        _refuse_equal_names(prepared.jobs)
        manifest = Manifest(directory, call.store.where)
        earlier = _earlier(call.store, prepared.jobs, manifest)
        published = _published(prepared.jobs, manifest, directory)
        fresh = [job for job in prepared.jobs if job.id not in earlier and job.id not in published]
        _refuse_files(fresh, directory)
        manifest.remember(fresh)
        job_ids = [earlier.get(job.id, job.id) for job in prepared.jobs if job.id not in published]
    _store(call, fresh, plan)
    running = Running(call, plan, job_ids, prepared=prepared, directory=how.directory)
    running.published.update(published.values())
    return running


@takes(SubmitOptions, declared=job_options.SUBMIT)
@takes(RunOptions, "how")
def command(
    ctx: typer.Context,
    options: SubmitOptions,
    how: RunOptions,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Structures: xyz, mol, sdf, pdb, coord, gen, POSCAR, smi, JSON, .gz; -: standard input.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> Running:
    """Run calculations on this machine and wait for them."""
    call = session(ctx)
    call.form = form(Form.TABLE, json=json, quiet=quiet)
    call.interrupted = NOTHING_RUN
    _refuse_login_node(how)
    if call.settings.fallback == Fallback.HOLD:  # nothing would run
        call.settings = call.settings._replace(fallback=Fallback.NONE)
    plan = _plan(call, how)
    context = CallContext(call.settings.owner, call.streams.stdin, lambda: (), lane=plan.worker)
    try:
        prepared = prepare(files or [], options, context)
    except InputRefused as error:
        error.did = NOTHING_RUN
        raise
    return run(call, prepared, how, plan)


def _refuse_login_node(how: RunOptions) -> None:
    """Leave login nodes alone, unless somebody insists.

    Raises:
        UsageError: this is one.
    """
    if is_here_a_login_node() and not how.here:
        raise UsageError(LOGIN_NODE, did=NOTHING_RUN, hint=COMPUTE_ELSEWHERE)


def _plan(call: Session, how: RunOptions) -> Plan:
    """Settle how this process works: for its own jobs only, and without lingering."""
    from workers import machine
    from workers.engine import registry
    from workers.runtime.pool import Plan, worker_id

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


def _refuse_unfit(jobs: Sequence[NewJob], plan: Plan) -> None:
    """Refuse what would wait for ever.

    Raises:
        InputRefused: a job needs what this machine does not have.
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


def _refuse_equal_names(jobs: Sequence[NewJob]) -> None:
    """Refuse to write two results into one file.

    Raises:
        UsageError: two jobs have one name.
    """
    seen: set[str] = set()
    for job in jobs:
        name = _result_name(job)
        if name in seen:
            raise UsageError(
                f"two results would be called {name}", did=NOTHING_RUN, hint="run them into two directories"
            )
        seen.add(name)


def _refuse_files(jobs: Sequence[NewJob], directory: Path) -> None:
    """Refuse to write over files of somebody else's making.

    Raises:
        FileInTheWay: a result's file is there.
    """
    for job in jobs:
        for name in (RESULT_JSON, OPT_XYZ):
            target = directory / f"{_result_name(job)}-{name}"
            if job.name and os.path.lexists(target):
                raise FileInTheWay(
                    f"{target} is there already, and not from an earlier run of the same",
                    did=NOTHING_RUN,
                    hint="another place: -d DIR",
                )


def _result_name(job: NewJob) -> str:
    """Name a job's results; those without a name are told apart by their numbers later."""
    return name_from(job.name) if job.name else job.id


def _earlier(store: Store, jobs: Sequence[NewJob], manifest: Manifest) -> dict[str, str]:
    """Find jobs an earlier run stored, by the id asked for now; cancelled ones are run anew."""
    known = {job.id: job_id for job in jobs if (job_id := manifest.known(job)) is not None}
    stored = {job.id for job in store.get_many(list(known.values())) if job.state is not JobState.CANCELLED}
    return {new: old for new, old in known.items() if old in stored}


def _published(jobs: Sequence[NewJob], manifest: Manifest, directory: Path) -> dict[str, JobState]:
    """Find jobs whose results runs in other stores have written, as on another node; how they ended."""
    found = {}
    for job in jobs:
        if job.name and manifest.is_known_elsewhere(job):
            with suppress(OSError, ValueError, AttributeError):
                text = (directory / f"{_result_name(job)}-{RESULT_JSON}").read_text(encoding="utf-8")
                is_failed = json.loads(text).get("failure") is not None
                found[job.id] = JobState.FAILED if is_failed else JobState.DONE
    return found


def _store(call: Session, jobs: Sequence[NewJob], plan: Plan) -> None:
    """Hand jobs over into the lane of this process; if that is cut, the lane is opened again.

    Raises:
        KeyboardInterrupt: an interrupt came meanwhile.
        StoreError: not all of them could be stored.
    """
    if not jobs:
        return
    interrupts = Interrupts()
    try:
        stored = hand_over(call.store, jobs, interrupts)
        call.interrupted, call.resume = f"{len(stored.jobs):,} jobs wait for a worker", go_on_with()
        interrupts.let_go()
    except BaseException:
        call.store.leave(plan.worker)
        raise
    if stored.cut is not None:
        call.store.leave(plan.worker)
        raise stored.cut
