"""`nox release SEL...`: let held jobs start."""

from __future__ import annotations

import typer

from nox_cli.changes.selection import Changed, release
from nox_cli.commandline.arguments import AnyUser, Json, Selected
from nox_cli.commandline.context import selection, session


def command(ctx: typer.Context, selected: Selected, any_user: AnyUser = False, json: Json = False) -> Changed:
    """Let held jobs start."""
    call = session(ctx, json=json)
    chosen = selection(call, selected, any_user=any_user)
    return release(call.store, chosen.job_ids, chosen.owner, call.settings)
