"""`nox config` shows the settings in force, their origins, and the settings files."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.commandline.context import session
from nox_cli.config.listing import SettingsPaths, ShownSettings, settings_paths, shown_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Show settings and where they come from.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("show")
def show_command(ctx: typer.Context, json: Json = False) -> ShownSettings:
    """Show every setting: its value and where it comes from."""
    call = session(ctx, json=json)
    return shown_settings(call.settings)


@app.command("path")
def path_command(ctx: typer.Context, json: Json = False) -> SettingsPaths:
    """Show the files settings may come from; in a pipe, the path of your own."""
    call = session(ctx, json=json)
    return settings_paths(call.settings)
