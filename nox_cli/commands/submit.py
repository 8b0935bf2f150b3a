"""`nox submit FILE... | -`: store jobs, print their ids, and return at once."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import typer

from nox_cli.commandline import job_options
from nox_cli.commandline.arguments import form, takes
from nox_cli.commandline.context import session, settle
from nox_cli.commandline.job_options import After, Required, chosen_fallback, refuse_other_store
from nox_cli.commandline.profile_options import Inputs, with_profile
from nox_cli.config.settings import Fallback
from nox_cli.counts import counted
from nox_cli.exits import ExitCode
from nox_cli.hints import is_here_a_login_node
from nox_cli.inputs.files import read_stdin
from nox_cli.interrupts import Interrupts, pause
from nox_cli.selectors.selection import select
from nox_cli.session import Form, Session
from nox_cli.submission.engine_choice import offered
from nox_cli.submission.handover import NOT_SUBMITTED, Stored, not_submitted, wake
from nox_cli.submission.head_start import HeadStart
from nox_cli.submission.jobs import start_of
from nox_cli.submission.options import Found, StartOptions, SubmitOptions, UniqueOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from nox_cli.submission.submit import HandoverOptions, Submission, submit
from workers.errors import NothingMatched, NoxError, StoreError, StoreUnreachable, UsageError
from workers.runtime.autostart import Wake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.config.settings import Settings
    from nox_cli.results.json_objects import Submitted
    from nox_cli.watch.board import Watching
    from nox_cli.watch.follower import Waiting
    from nox_cli.watch.workforce import Workforce
    from workers.store.base import Store


class SubmitView(NamedTuple):
    """A submit as it is shown.  Interrupts are held until `settle` is called."""

    prepared: Prepared
    is_drawn: bool  # for a person at a terminal
    interrupts: Interrupts
    submission: Submission | None = None  # None: nothing was handed over
    is_dry: bool = False  # nothing was to be handed over
    local: str = ""  # the option by which other commands find the jobs; empty: they need none
    workforce: Workforce | None = None  # None: not read
    waiting: Waiting | None = None
    watching: Watching | None = None

    @property
    def stored(self) -> Stored | None:
        """The jobs that the store accepted; None: a dry run."""
        none = None if self.is_dry else Stored((), 0)
        return none if self.submission is None else self.submission.stored

    @property
    def runs_here(self) -> bool:
        """Whether a worker of this machine looks at the jobs now."""
        woken = None if self.submission is None else self.submission.woken
        is_tended = woken is not None and woken.wake is not Wake.LEFT
        return is_tended and not all(job.is_held for job in self.prepared.jobs)

    def document(self) -> Submitted:
        """Return the jobs as they are stored; those of a dry run have no numbers."""
        return self.prepared.document(None if self.stored is None else self.stored.jobs)

    def settle(self) -> None:
        """Obey an interrupt that was held back; to be called once the ids are printed.

        Raises:
            KeyboardInterrupt: there was one.
            StoreError: why some of the jobs are not stored.
        """
        settle(self.interrupts, None if self.stored is None else self.stored.cut)

    @property
    def exit(self) -> ExitCode:
        """The outcome of the wait, if there was one."""
        if self.watching is not None:
            return self.watching.exit
        return ExitCode.DONE if self.waiting is None else self.waiting.ended.exit


def run(
    call: Session, prepared: Prepared, after: After, options: HandoverOptions, interrupts: Interrupts
) -> SubmitView:
    """Submit jobs, and prepare to wait for them or to watch them, if that is asked for.

    Raises:
        KeyboardInterrupt: before anything was stored.
        StoreError: nothing was stored, or that is unknown.
    """
    store = _open(call, len(prepared.jobs))
    awaits_move = call.fell_back is not None and call.settings.fallback == Fallback.HOLD
    options = options._replace(awaits_move=awaits_move)
    with call.progress() as progress:
        submission = submit(store, prepared, call.settings, options, interrupts.stopped, progress)
    if prepared.head is not None:
        prepared.head.job_ids.clear()  # from here on they are reported
    stored = submission.stored
    if not stored.jobs:
        interrupts.let_go()
    local = " --local" if call.fell_back is not None else ""
    call.interrupted, call.resume = _left_behind(stored), f"nox watch @last{local}"
    job_ids = [job.job_id for job in stored.jobs]
    is_drawn, home = _is_drawn(call), call.settings.home
    is_watched = after.watch and is_drawn and not submission.hopeless.issuperset(job_ids)
    is_listed = stored.cut is None and is_drawn and submission.woken is None
    waiting: Waiting | None = None
    watching: Watching | None = None
    if is_watched:
        from nox_cli.watch.board import Watching

        watching = Watching(store, home, job_ids)
        watching.local, watching.owner = local, call.settings.owner
    elif after.watch or after.wait:
        from nox_cli.watch.follower import Follower, Until, Waiting
        from nox_cli.watch.workforce import Absence

        until = Until(after.timeout, hopeless=submission.hopeless, later=f"nox wait @last{local}")
        waiting = Waiting(Follower(store, job_ids), until, Absence(store, home, call.settings.owner))
    shown = SubmitView(
        prepared=submission.prepared,
        is_drawn=is_drawn,
        submission=submission,
        local=local,
        workforce=_workforce(store, call.settings) if is_listed else None,
        interrupts=interrupts,
        waiting=waiting,
        watching=watching,
    )
    call.settle = shown.settle
    return shown


@takes(SubmitOptions, declared=job_options.SUBMIT)
@takes(Inputs, "inputs")
@takes(StartOptions, "start", job_options.START)
@takes(UniqueOptions, "unique", job_options.UNIQUE)
@takes(Required, "required")
@takes(After, "after")
def command(
    ctx: typer.Context,
    options: SubmitOptions,
    inputs: Inputs,
    start: StartOptions,
    unique: UniqueOptions,
    required: Required,
    after: After,
) -> SubmitView:
    """Submit calculations and return at once; workers run them."""
    call = session(ctx)
    call.form = form(Form.TABLE, json=after.json, quiet=after.quiet)
    call.interrupted = NOT_SUBMITTED
    if after.timeout is not None and not after.wait:
        raise UsageError("--timeout limits a wait, and none is asked for", hint="add --wait")
    options, chosen_profile = with_profile(ctx, options, call.settings.profiles, inputs.profile)
    refuse_other_store(required, call.settings)
    call.settings = call.settings._replace(fallback=chosen_fallback(required, call.settings))
    owner, stdin = call.settings.owner, call.streams.stdin
    chosen = start_of(start, lambda words: select(call.store, words, owner=owner, stdin=stdin))
    context = CallContext(
        owner,
        partial(read_stdin, stdin),
        tuple if after.dry_run else lambda: offered(_open(call, 0)),
    )
    if start.from_:
        context = _from_jobs(call, start.from_, options, inputs.files or [], context)
    handover = HandoverOptions(
        durable=required.require_durable,
        retries_failed=unique.if_exists is Found.RETRY_FAILED,
        starts_worker=not after.no_start,
    )
    interrupts = Interrupts()
    is_plain = unique.unique is None and not any(start) and not options.max_fails
    if is_plain and not (after.dry_run or handover.durable or call.settings.fallback == Fallback.HOLD):
        context = context._replace(head=_head_start(call, handover, interrupts))
    try:
        with call.progress() as progress:
            context = context._replace(progress=progress)
            prepared = prepare(inputs.files or [], options, context, chosen, unique)
        prepared = prepared._replace(profile=chosen_profile)
        if after.dry_run or not prepared.jobs:
            return SubmitView(prepared, _is_drawn(call), interrupts, is_dry=after.dry_run)
        return run(call, prepared, after, handover, interrupts)
    except BaseException as error:
        if context.head is not None and context.head.job_ids:
            _take_back(call, context.head, interrupts, error)
        raise


def _head_start(call: Session, options: HandoverOptions, interrupts: Interrupts) -> HeadStart:
    """Let the first jobs of a large submit start while the other inputs are read."""

    @contextmanager
    def held() -> Iterator[None]:
        interrupts.hold()
        try:
            yield
        finally:
            call.interrupted = f"{counted(len(head.job_ids), 'job')} of this submit are stored, and go on"
            interrupts.let_go()

    head = HeadStart(
        lambda: call.store, lambda store: wake(store, call.settings, start=options.starts_worker), held
    )
    return head


def _take_back(call: Session, head: HeadStart, interrupts: Interrupts, error: BaseException) -> None:
    """Remove the stored jobs of a submit that is refused, or interrupted, and add that to its error."""
    pause()
    interrupts.hold()
    interrupts.came = None  # another one ends the wait for running jobs
    from nox_cli.changes.withdrawal import withdraw

    count = len(head.job_ids)
    try:
        with call.progress() as progress:
            left = withdraw(
                call.store, head.job_ids, head.submission, call.settings, interrupts.stopped, progress
            )
    except StoreError as failure:
        did = f"up to {counted(count, 'job')} stored before are still there ({failure.what}): nox list @last"
    else:
        did = f"{NOT_SUBMITTED}; {counted(count, 'job')} stored before were removed again"
        if left:
            did = f"{counted(left, 'job')} stored before are cancelled: nox clean @last removes them"
    call.interrupted = did
    if isinstance(error, NoxError):
        error.did = did


def _from_jobs(
    call: Session, words: Sequence[str], options: SubmitOptions, files: Sequence[str], context: CallContext
) -> CallContext:
    """Find the jobs whose geometries are taken."""
    from nox_cli.submission.geometry_sources import common_batch, read_sources, refuse_other_inputs

    refuse_other_inputs(options, files)
    store = _open(call, 0)
    try:
        job_ids = select(store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    except NothingMatched as error:
        if not options.allow_empty or type(error) is not NothingMatched:
            raise
        job_ids = ()
    return context._replace(sources=read_sources(store, job_ids), batch=common_batch(store, job_ids))


def _is_drawn(call: Session) -> bool:
    return call.form is Form.TABLE and call.is_terminal


def _open(call: Session, count: int) -> Store:
    """Open the store; if that fails, the error states that `count` jobs were not stored."""
    try:
        return call.store
    except StoreError as error:
        error.did = not_submitted(count)
        if isinstance(error, StoreUnreachable):
            error.hint = _without_redis()
        raise


def _without_redis() -> str:
    """Name what helps where Redis does not answer; on a login node no job runs."""
    if is_here_a_login_node():
        return "start redis, or keep the jobs here for nox push: --fallback hold"
    return "start redis, or run here with --local"


def _left_behind(stored: Stored) -> str:
    if len(stored.jobs) < stored.requested:
        return f"{len(stored.jobs):,} of {stored.requested:,} jobs were submitted, and go on"
    if stored.requested > 1:
        return f"{stored.requested:,} jobs were submitted, and go on"
    return f"job {stored.jobs[0].job_id} was submitted, and goes on"


def _workforce(store: Store, settings: Settings) -> Workforce | None:
    """Read workers and pools, for a person at a terminal; None: the store does not answer now."""
    from nox_cli.watch.workforce import read_workforce

    with suppress(StoreError):
        return read_workforce(store, settings.home, settings.owner)
    return None
