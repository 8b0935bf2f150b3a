"""`nox cite [SEL...]`: a methods sentence, with versions and references, for what jobs used."""

from __future__ import annotations

import typer

from nox_cli.commandline.arguments import Json, OptionallySelected
from nox_cli.commandline.context import selected_ids, session
from nox_cli.results.citations import Citation, cite


def command(ctx: typer.Context, selected: OptionallySelected = None, json: Json = False) -> Citation:
    """Write a methods sentence for jobs, with versions and references."""
    call = session(ctx, json=json)
    return cite(call.store, selected_ids(call, selected or ["@last"]))
