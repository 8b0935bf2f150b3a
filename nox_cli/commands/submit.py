"""`nox submit FILE... | -`: hand calculations over, print their ids, return at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from nox_cli.commandline import groups, job_options
from nox_cli.commandline.arguments import Json, Quiet, form
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.config import settings
from nox_cli.exits import ExitCode
from nox_cli.hints import is_here_a_login_node
from nox_cli.interrupts import Interrupts
from nox_cli.session import Fallback, Form, Session
from nox_cli.submission.dependencies import StartOptions, parents, with_dependencies
from nox_cli.submission.handover import Stored, hand_over, not_submitted
from nox_cli.submission.local_worker import wake
from nox_cli.submission.options import SubmitOptions
from nox_cli.submission.prepare import CallContext, GeometrySources, Prepared, prepare
from nox_cli.submission.refusals import NOT_SUBMITTED
from nox_cli.submission.requirements import Required, chosen_fallback, refuse_other_store
from nox_cli.submission.unfit import Unfit, serving, unfit
from nox_cli.submission.uniqueness import UniqueOptions, with_unique_keys
from nox_cli.times import seconds_of
from nox_cli.watch.board import Watching
from nox_cli.watch.follower import Follower, Until, Waiting
from nox_cli.watch.workforce import Absence
from workers.errors import StoreError, StoreUnreachable, UsageError
from workers.job import JobState, NewJob
from workers.runtime.autostart import Wake, Woken
from workers.store.base import Store
from workers.store.values import WorkerSeen

FILES = "Structures: xyz, mol, sdf, pdb, coord, gen, POSCAR, smi, JSON, .gz; -: standard input."


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What to do once the inputs are checked."""

    dry_run: Annotated[
        bool, groups.afterwards("--dry-run", help="Check the input and show the jobs; submit nothing.")
    ] = False
    wait: Annotated[
        bool,
        groups.afterwards(
            "--wait", help="Wait until the jobs have finished; the exit code reports the outcome."
        ),
    ] = False
    watch: Annotated[
        bool, groups.afterwards("--watch", help="Watch the jobs run; in a pipe, the same as --wait.")
    ] = False
    timeout: Annotated[
        float | None,
        groups.afterwards(
            parser=seconds_of, metavar="DURATION", help="With --wait: stop waiting after DURATION."
        ),
    ] = None
    no_start: Annotated[
        bool, groups.afterwards("--no-start", help="Do not start a worker on this machine.")
    ] = False
    quiet: Quiet = False
    json: Json = False


@dataclass(frozen=True, slots=True)
class Submission:
    """The result of a submit.  Interrupts are held until its `exit` is read."""

    prepared: Prepared
    is_drawn: bool  # for a person at a terminal
    stored: Stored | None = None  # None: a dry run
    where: str = ""  # the store
    local: str = ""  # the option by which other commands find the jobs; empty: they need none
    woken: Woken | None = None  # None: not the local store
    slots: int = 0  # of a worker that was started
    workers: tuple[WorkerSeen, ...] = ()
    risks: tuple[str, ...] = ()  # by which the store may lose them
    unfit: tuple[Unfit, ...] = ()  # which of them no worker could run
    interrupts: Interrupts | None = None
    waiting: Waiting | None = None
    watching: Watching | None = None
    retried: int = 0  # of those that were there already, and had failed

    @property
    def runs_here(self) -> bool:
        """Whether a worker of this machine looks at them now."""
        is_tended = self.woken is not None and self.woken.wake is not Wake.LEFT
        return is_tended and not all(job.is_held for job in self.prepared.jobs)

    def settle(self) -> None:
        """Obey an interrupt that was held back; to be called once the ids are printed.

        Raises:
            KeyboardInterrupt: there was one.
            StoreError: why some of the jobs are not stored.
        """
        if self.interrupts is not None:
            self.interrupts.let_go()
        if self.stored is not None and self.stored.cut is not None:
            raise self.stored.cut

    @property
    def exit(self) -> ExitCode:
        """Say how the wait went, if one was asked for.

        Raises:
            KeyboardInterrupt: there was an interrupt.
            StoreError: why some of the jobs are not stored, or that they cannot be followed.
        """
        self.settle()
        if self.watching is not None:
            return self.watching.exit
        return ExitCode.DONE if self.waiting is None else self.waiting.ended.exit


def run(
    call: Session, prepared: Prepared, after: After, *, durable: bool = False, retries_failed: bool = False
) -> Submission:
    """Store jobs that were asked for, and see to it that a worker looks at them.

    Args:
        call: the call of nox.
        prepared: the jobs.
        after: what to do then.
        durable: a power cut must not undo what is said to be stored.
        retries_failed: those that are there already, and have failed, run again.

    Raises:
        KeyboardInterrupt: before anything was stored.
        StoreError: nothing was stored, or it is not known whether.
    """
    is_drawn = _is_drawn(call)
    store = _open(call, len(prepared.jobs))
    if call.fell_back is not None and call.settings.fallback == Fallback.HOLD:
        prepared = replace(prepared, jobs=[job._replace(awaits_move=not job.held) for job in prepared.jobs])
    interrupts = Interrupts()
    stored = hand_over(store, prepared.jobs, interrupts, durable=durable)
    local = " --local" if call.fell_back is not None else ""
    call.interrupted, call.resume = _left_behind(stored), f"nox watch @last{local}"
    # A store that has just failed is asked for no more: each answer may take a second.
    is_asked = stored.cut is None
    retried = _retry_failed(store, stored, call.settings.owner) if retries_failed and is_asked else 0
    is_local, home = store.kind == "local", call.settings.home
    woken = wake(call, start=not (after.no_start or all(job.is_held for job in prepared.jobs)))
    job_ids = [job.job_id for job in stored.jobs]
    fresh = _fresh(prepared.jobs, stored) if is_asked else []
    lacking = unfit(store, fresh, woken, settings.environment())
    hopeless = _hopeless(prepared.jobs, stored, store, woken, lacking)
    is_watched = after.watch and is_drawn and not hopeless.issuperset(job_ids)
    is_awaited = (after.watch or after.wait) and not is_watched
    watching = Watching(store, home, job_ids) if is_watched else None
    if watching is not None:
        watching.local = local
    until = Until(after.timeout, hopeless=hopeless, later=f"nox wait @last{local}")
    return Submission(
        prepared=prepared,
        is_drawn=is_drawn,
        stored=stored,
        local=local,
        where=store.where,
        woken=woken,
        slots=_slots() if woken is not None and woken.wake is Wake.STARTED else 0,
        workers=_living(store) if is_asked and is_drawn and not is_local else (),
        risks=_risks(store) if is_asked and not is_local else (),
        unfit=lacking,
        interrupts=interrupts,
        waiting=Waiting(Follower(store, job_ids), until, Absence(store, home)) if is_awaited else None,
        watching=watching,
        retried=retried,
    )


@takes(SubmitOptions, declared=job_options.SUBMIT)
@takes(StartOptions, "start", job_options.START)
@takes(UniqueOptions, "unique", job_options.UNIQUE)
@takes(Required, "required", job_options.REQUIRED)
@takes(After, "after")
def command(
    ctx: typer.Context,
    options: SubmitOptions,
    start: StartOptions,
    unique: UniqueOptions,
    required: Required,
    after: After,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help=FILES, show_default=False)
    ] = None,
) -> Submission:
    """Submit calculations and return at once; workers run them."""
    call = session(ctx)
    call.form = form(Form.TABLE, json=after.json, quiet=after.quiet)
    call.interrupted = NOT_SUBMITTED
    if after.timeout is not None and not after.wait:
        raise UsageError("--timeout limits a wait, and none is asked for", hint="add --wait")
    refuse_other_store(required, call.settings)
    call.settings = call.settings._replace(fallback=chosen_fallback(required, call.settings))
    offered = _nobody if after.dry_run else lambda: _offered(call)
    begin_ms, family = start.begin_ms(), parents(call, start)
    context = CallContext(
        call.settings.owner, call.streams.stdin, offered, sources=_sources(call, start, options, files or [])
    )
    prepared = prepare(files or [], options, context)
    prepared = replace(
        prepared, jobs=with_unique_keys(with_dependencies(prepared.jobs, start, begin_ms, family), unique)
    )
    if after.dry_run or not prepared.jobs:
        return Submission(prepared, is_drawn=_is_drawn(call), stored=None if after.dry_run else Stored((), 0))
    return run(call, prepared, after, durable=required.require_durable, retries_failed=unique.retries_failed)


def _sources(
    call: Session, start: StartOptions, options: SubmitOptions, files: list[str]
) -> GeometrySources | None:
    """Find the jobs whose geometries are taken, if that is asked for."""
    if not start.from_:
        return None
    from nox_cli.submission.geometry_sources import (
        common_batch,
        read_sources,
        refuse_other_inputs,
        source_ids,
    )

    refuse_other_inputs(options, files)
    _open(call, 0)
    job_ids = source_ids(call, start.from_, allow_none=options.allow_empty)
    return GeometrySources(read_sources(call.store, job_ids), common_batch(call.store, job_ids))


def _retry_failed(store: Store, stored: Stored, owner: str) -> int:
    """Run those of the jobs again that were there already and have failed; how many.

    Raises:
        StoreError: the store cannot be read or written.
    """
    there = [job.job_id for job in stored.jobs if job.existing]
    wanted = [job.id for job in store.get_many(there) if job.state is JobState.FAILED]
    return sum(change.changed for change in store.retry(wanted, owner=owner)) if wanted else 0


def _is_drawn(call: Session) -> bool:
    return call.form is Form.TABLE and call.is_terminal


def _open(call: Session, count: int) -> Store:
    """Open the store; if that fails, say that nothing was stored."""
    try:
        return call.store
    except StoreError as error:
        error.did = not_submitted(count)
        if isinstance(error, StoreUnreachable):
            error.hint = _without_redis()
        raise


def _without_redis() -> str:
    """Say what to do where redis does not answer: on a login node no job runs."""
    if is_here_a_login_node():
        return "start redis, or keep the jobs here for nox push: --fallback hold"
    return "start redis, or run here with --local"


def _offered(call: Session) -> Iterable[frozenset[str]]:
    return [worker.beat.engines for worker in _open(call, 0).workers() if worker.alive]


def _nobody() -> Iterable[frozenset[str]]:
    return ()


def _left_behind(stored: Stored) -> str:
    if len(stored.jobs) < stored.requested:
        return f"{len(stored.jobs):,} of {stored.requested:,} jobs were submitted, and go on"
    if stored.requested > 1:
        return f"{stored.requested:,} jobs were submitted, and go on"
    return f"job {stored.jobs[0].job_id} was submitted, and goes on"


def _fresh(jobs: Sequence[NewJob], stored: Stored) -> list[NewJob]:
    """Take those that were not there already."""
    fresh = {job.job_id for job in stored.jobs if not job.existing}
    return [job for job in jobs if job.id in fresh]


def _slots() -> int:
    from workers.machine import usable_cores

    return usable_cores(settings.environment())


def _hopeless(
    jobs: Sequence[NewJob], stored: Stored, store: Store, woken: Woken | None, lacking: Sequence[Unfit]
) -> frozenset[str]:
    """Name the jobs that are not worth waiting for.

    The local store is served by its machine only: these want more than that has, or it may start no worker,
    or they wait to be handed to another store.
    """
    if woken is None:
        return frozenset()
    is_refused = woken.wake is Wake.LEFT and bool(woken.why)
    if is_refused and not serving(store, jobs[0].owner):
        return frozenset(job.job_id for job in stored.jobs)
    stay = {job.id for job in jobs if job.awaits_move}
    return frozenset(stay.union(*(one.job_ids for one in lacking)))


def _risks(store: Store) -> tuple[str, ...]:
    """Say how what was just stored may get lost; a store that does not answer now says nothing."""
    with suppress(StoreError):
        return store.health().risks
    return ()


def _living(store: Store) -> tuple[WorkerSeen, ...]:
    """List living workers, to tell a person whether anybody listens."""
    with suppress(StoreError):
        return tuple(worker for worker in store.workers() if worker.alive)
    return ()
