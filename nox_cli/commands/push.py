"""`nox push [SEL...]`: hand the local store's waiting jobs to Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import Json, OptionallySelected, Quiet, form
from nox_cli.commandline.context import session
from nox_cli.config.settings import local as local_settings
from nox_cli.counts import counted
from nox_cli.exits import ExitCode
from nox_cli.interrupts import Interrupts
from nox_cli.selectors import select, waiting
from nox_cli.session import Form
from workers.errors import StoreError, StoreRefused, UsageError
from workers.store.opening import open_local, open_redis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.store.push import Moved
    from workers.store.sqlite.moves import Stay
    from workers.store.sqlite.store import SqliteStore

_STILL_HERE = "what was not handed over is still here"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was handed to Redis.  Interrupts are held until its `exit` is read."""

    moved: tuple[Moved, ...]
    stays: tuple[Stay, ...]
    where: str  # the local store
    to: str  # the Redis
    risk: str  # how it may lose jobs
    elsewhere: dict[str, int]  # jobs on their way to another Redis, by where it lies
    cut: StoreError | None
    interrupts: Interrupts = field(default_factory=Interrupts)

    @property
    def exit(self) -> ExitCode:
        """Say how it went, once it was told what was handed over.

        Raises:
            KeyboardInterrupt: an interrupt came meanwhile.
            StoreError: why not all were handed over.
        """
        self.interrupts.let_go()
        if self.cut is not None:
            raise self.cut
        return ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Recalled:
    """How many jobs, that were on their way, are held here again."""

    count: int
    where: str


def recall(call: Session, *, is_sure: bool) -> Recalled:
    """Hold jobs here again that set off to a Redis which is gone for good.

    Raises:
        UsageError: nobody said that it is, and nobody can be asked.
        StoreError: the local store cannot be used.
    """
    what = "a job that its redis has all the same would run twice"
    if not is_sure and not call.streams.can_ask:
        raise UsageError(what, did="nothing was done", hint="add --yes if that redis is gone for good")
    may = is_sure or call.streams.agrees(f"{what}: is that redis gone for good?")
    local = _local(call)
    return Recalled(local.recall() if may else 0, local.where)


def run(call: Session, words: Sequence[str]) -> Pushed:
    """Hand jobs over, after those that an earlier push had begun with.

    Args:
        call: the call of nox.
        words: selectors of the local store; none: all that wait there.

    Raises:
        StoreRefused: no Redis is named.
        NothingMatched, JobNotFound, UsageError: the words name no such jobs.
        StoreError: a store cannot be used; nothing was handed over.
    """
    from workers.store.push import Mover

    if call.settings.store.redis_url is None:
        raise _no_redis(call)
    local, owner = _local(call), call.settings.owner
    chosen = select(local, words, owner=owner, stdin=call.streams.stdin) if words else waiting(local, owner)
    redis = call.open(open_redis)
    mover = Mover(local, redis)
    interrupts = Interrupts()
    interrupts.hold()
    moved: list[Moved] = []
    cut: StoreError | None = None
    try:
        for stretch in mover.move(tuple(chosen)):
            moved += stretch
            if interrupts.came is not None:
                break
    except StoreError as error:
        error.did = f"{counted(len(moved), 'job')} handed over; {_STILL_HERE}"
        error.hint = "nox push goes on from there"
        cut = error
    call.interrupted = f"{counted(len(moved), 'job')} handed over; {_STILL_HERE}"
    call.resume = "nox push"
    there = {one.job_id for one in moved}
    stays = tuple(stay for job_id, stay in mover.stays.items() if job_id not in there)
    return Pushed(tuple(moved), stays, local.where, redis.where, mover.risk, mover.elsewhere, cut, interrupts)


def command(
    ctx: typer.Context,
    selected: OptionallySelected = None,
    recalled: Annotated[
        bool,
        typer.Option(
            "--recall", help="Keep jobs here that were on their way to a Redis that no longer exists."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --recall: do not ask for confirmation.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> Pushed | Recalled:
    """Move jobs that wait in the local store to Redis; all of them if none is named.  They keep their ids.

    Jobs that wait for one another move together.  A push that was interrupted can be repeated.
    """
    call = session(ctx)
    call.form = form(Form.TABLE, json=json, quiet=quiet)
    if not recalled:
        return run(call, selected or ())
    if selected:
        raise UsageError("--recall is about all that is on its way", hint="leave the selectors away")
    return recall(call, is_sure=yes)


def _local(call: Session) -> SqliteStore:
    """Open the local store, although the settings name a Redis."""
    return call.open(open_local, local_settings(call.settings))


def _no_redis(call: Session) -> StoreRefused:
    chosen = call.settings.origins["store"] if call.settings.shown["store"] == "local" else ""
    return StoreRefused(
        f"{chosen} chooses the local store, and jobs are handed from there to redis"
        if chosen
        else "REDIS_URL is not set: there is no redis to hand jobs to",
        did="nothing was handed over",
        hint=f"take {chosen} away" if chosen else "export REDIS_URL=redis://HOST:6379/0",
    )
