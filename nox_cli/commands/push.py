"""`nox push [SEL...]`: move the local store's waiting jobs to Redis."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.changes.push import Pushed, Recalled, push, recall
from nox_cli.commandline.arguments import Json, OptionallySelected, Quiet, form
from nox_cli.commandline.context import session, settle
from nox_cli.config.settings import local as local_settings
from nox_cli.hints import use_redis
from nox_cli.interrupts import Interrupts
from nox_cli.selectors.selection import select, waiting
from nox_cli.session import Form
from workers.errors import StoreRefused, UsageError
from workers.store.opening import open_local, open_redis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session
    from workers.store.sqlite.store import SqliteStore


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
        return _push(call, selected or ())
    if selected:
        raise UsageError("--recall is about all that is on its way", hint="leave the selectors away")
    return _recall(call, is_sure=yes)


def _push(call: Session, words: Sequence[str]) -> Pushed:
    """Move jobs, all that wait in the local store if none is named.

    Raises:
        StoreRefused: no Redis is named.
        NothingMatched, JobNotFound, UsageError: the words name no such jobs.
        StoreError: a store cannot be used; nothing was moved.
    """
    if call.settings.store.redis_url is None:
        raise _no_redis(call)
    local, owner = _local(call), call.settings.owner
    chosen = select(local, words, owner=owner, stdin=call.streams.stdin) if words else waiting(local, owner)
    interrupts = Interrupts()
    with call.progress() as progress:
        done = push(local, call.open(open_redis), chosen, interrupts.stopped, progress)
    call.interrupted, call.resume = done.summary, "nox push"
    call.settle = partial(settle, interrupts, done.cut)
    return done


def _recall(call: Session, *, is_sure: bool) -> Recalled:
    """Hold jobs here again that were on their way to a Redis that no longer exists.

    Raises:
        UsageError: the user did not confirm that it no longer exists, and cannot be asked.
        StoreError: the local store cannot be used.
    """
    what = "a job that its redis has all the same would run twice"
    if not is_sure and not call.streams.can_ask:
        raise UsageError(what, did="nothing was done", hint="add --yes if that redis is gone for good")
    may = is_sure or call.streams.agrees(f"{what}: is that redis gone for good?")
    local = _local(call)
    return recall(local) if may else Recalled(0, local.where)


def _local(call: Session) -> SqliteStore:
    """Open the local store, although the settings name a Redis."""
    return call.open(open_local, local_settings(call.settings))


def _no_redis(call: Session) -> StoreRefused:
    chosen = call.settings.chosen_local
    return StoreRefused(
        f"{chosen} chooses the local store, and jobs are handed from there to redis"
        if chosen
        else "REDIS_URL is not set: there is no redis to hand jobs to",
        did="nothing was handed over",
        hint=use_redis(chosen),
    )
