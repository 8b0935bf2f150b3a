"""`nox cite [SEL...]`: a methods sentence, with versions and references, for what jobs used."""

from __future__ import annotations

import typer

from nox_cli.commandline.arguments import Json, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.results.citations import Citation, cite
from nox_cli.selectors import select
from nox_cli.session import Form


def command(ctx: typer.Context, selected: OptionallySelected = None, json: Json = False) -> Citation:
    """Write a methods sentence for jobs, with versions and references."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    words = selected or ["@last"]
    return cite(call.store, select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin))
