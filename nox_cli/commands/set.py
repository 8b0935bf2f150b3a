"""`nox set SEL...`: change what waiting jobs ask for."""

from __future__ import annotations

import typer

from nox_cli.changes.revision import SetOptions, revision
from nox_cli.changes.selection import Changed, revise
from nox_cli.commandline import job_options
from nox_cli.commandline.arguments import AnyUser, Json, Selected, takes
from nox_cli.commandline.context import selection, session


@takes(SetOptions, declared=job_options.SET)
def command(
    ctx: typer.Context, selected: Selected, options: SetOptions, any_user: AnyUser = False, json: Json = False
) -> Changed:
    """Change the priority, resources, name or labels of waiting jobs."""
    call = session(ctx, json=json)
    wanted = revision(options)
    chosen = selection(call, selected, any_user=any_user)
    return revise(call.store, chosen.job_ids, wanted, chosen.owner, call.settings)
