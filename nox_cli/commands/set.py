"""`nox set SEL...`: change what waiting jobs ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.changes import Changed, change
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import AnyUser, Json, Selected
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.names import job_name, tags
from nox_cli.session import Form
from nox_cli.submission.local_worker import wake
from nox_cli.times import seconds_of
from nox_cli.values import memory_bytes
from workers.errors import UsageError
from workers.job import PRIORITY_RANGE, round_memory
from workers.store.values import Revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """The options of `nox set`: the new values.  None: the job keeps its value."""

    priority: Annotated[
        int | None,
        groups.changes(
            min=PRIORITY_RANGE[0],
            max=PRIORITY_RANGE[1],
            metavar="N",
            help="Jobs with a higher priority run first.",
        ),
    ] = None
    cores: Annotated[int | None, groups.changes(min=1, max=1_024, metavar="N", help="Cores per job.")] = None
    memory: Annotated[
        int | None,
        groups.changes(parser=memory_bytes, metavar="SIZE", help="Memory per job, such as 512M or 4G."),
    ] = None
    time: Annotated[
        float | None,
        groups.changes(parser=seconds_of, metavar="DURATION", help="Time limit per job; 0: none."),
    ] = None
    name: Annotated[str | None, groups.changes("--name", metavar="NAME", help="Name of the jobs.")] = None
    tag: Annotated[
        list[str] | None,
        groups.changes(metavar="KEY=VALUE", help="Add a label to those that the jobs have; may be repeated."),
    ] = None


def revision(options: SetOptions) -> Revision:
    """Read what is to be different.

    Raises:
        UsageError: nothing is, or a tag is none.
        InputRefused: a name or a tag's value is none.
    """
    found = Revision(
        priority=options.priority,
        cores=options.cores,
        memory_bytes=None if options.memory is None else round_memory(options.memory),
        time_limit_s=None if options.time is None else math.ceil(options.time),
        name=None if options.name is None else job_name(options.name),
        tags=tags(options.tag or []),
    )
    if found == Revision():
        raise UsageError("nothing is to be set", hint="nox set 42 --priority 10")
    return found


def run(call: Session, words: Sequence[str], wanted: Revision, *, any_user: bool) -> Changed:
    """Change waiting jobs.

    Raises:
        UsageError: some jobs are other people's; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    done = change(
        call,
        words,
        lambda store, job_ids, owner: store.revise(job_ids, wanted, owner=owner),
        any_user=any_user,
    )
    wake(call, start=False)
    return done


@takes(SetOptions)
def command(
    ctx: typer.Context, selected: Selected, options: SetOptions, any_user: AnyUser = False, json: Json = False
) -> Changed:
    """Change the priority, resources, name or labels of waiting jobs."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return run(call, selected, revision(options), any_user=any_user)
