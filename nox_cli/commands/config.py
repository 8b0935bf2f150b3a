"""`nox config`: settings in force, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.context import session
from nox_cli.session import Form

if TYPE_CHECKING:
    from nox_cli.config.files import ConfigPlace
    from nox_cli.config.settings import Settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Show settings and where they come from.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """The settings in force: name, printable value and origin of each."""

    values: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where settings may lie, the strongest first; `own` is the user's."""

    places: tuple[ConfigPlace, ...]
    own: ConfigPlace


def show(settings: Settings) -> ShownSettings:
    """Name every setting; a password is never shown."""
    return ShownSettings(
        tuple((name, value, settings.origins[name]) for name, value in settings.shown.items())
    )


def path(settings: Settings) -> Places:
    """Name every file settings may come from."""
    own = next(place for place in settings.files if not place.is_project)
    return Places(settings.files, own)


@app.command("show")
def show_command(ctx: typer.Context, json: Json = False) -> ShownSettings:
    """Show every setting: its value and where it comes from."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return show(call.settings)


@app.command("path")
def path_command(ctx: typer.Context, json: Json = False) -> Places:
    """Show the files settings may come from; in a pipe, the path of your own."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return path(call.settings)
