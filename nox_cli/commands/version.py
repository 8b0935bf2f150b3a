"""`nox version`: the versions of nox, Python, packages and engines."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.commandline.context import session
from nox_cli.doctor.versions import Versions, installed


def command(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Versions:
    """Show the versions of nox, of Python and of every engine."""
    session(ctx, json=json)
    return installed()
