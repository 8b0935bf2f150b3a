"""`nox set SEL...`: change what waiting jobs ask for."""

from __future__ import annotations

import math
from typing import NamedTuple

import typer

from nox_cli.changes.selection import Changed, revise
from nox_cli.commandline import job_options
from nox_cli.commandline.arguments import AnyUser, Json, Selected, takes
from nox_cli.commandline.context import selection, session
from nox_cli.names import job_name, tags
from workers.errors import UsageError
from workers.job import round_memory
from workers.store.values import Revision


class SetOptions(NamedTuple):
    """The options of `nox set`: the new values.  None: the job keeps its value."""

    priority: int | None = None
    cores: int | None = None
    memory: int | None = None
    time: float | None = None
    name: str | None = None
    tag: list[str] | None = None


def revision(options: SetOptions) -> Revision:
    """Make a revision of the options.

    Raises:
        UsageError: there is no new value, or a tag is malformed.
        InputRefused: a name or the value of a tag cannot be used.
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


@takes(SetOptions, declared=job_options.SET)
def command(
    ctx: typer.Context, selected: Selected, options: SetOptions, any_user: AnyUser = False, json: Json = False
) -> Changed:
    """Change the priority, resources, name or labels of waiting jobs."""
    call = session(ctx, json=json)
    wanted = revision(options)
    chosen = selection(call, selected, any_user=any_user)
    return revise(call.store, chosen.job_ids, wanted, chosen.owner, call.settings)
