"""`nox config` shows the settings in force, their origins, and settings files, and edits the user's own."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from nox_cli.argv import Call
from nox_cli.commandline.context import session
from nox_cli.commandline.profile_options import checked, written
from nox_cli.commandline.registry import load
from nox_cli.config import settings
from nox_cli.config.edits import UNCHANGED, Edit, OwnFile, own_file
from nox_cli.config.listing import SettingsPaths, ShownSettings, settings_paths, shown_settings
from nox_cli.config.profiles import NAME, TABLE, Profile, profiles_in
from workers.errors import UsageError

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
    if call.settings.trouble is not None:
        raise call.settings.trouble
    return shown_settings(call.settings)


@app.command("path")
def path_command(ctx: typer.Context, json: Json = False) -> SettingsPaths:
    """Show the files settings may come from; in a pipe, the path of your own."""
    session(ctx, json=json)
    return settings_paths(settings.environment())


@app.command("set")
def set_command(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A setting, or profile.NAME.OPTION.")],
    values: Annotated[
        list[str], typer.Argument(metavar="VALUE...", help="Its value; several for the tags of a profile.")
    ],
    json: Json = False,
) -> Edit:
    """Set a setting in your own file; the value is checked before, and comments stay."""
    session(ctx, json=json)
    keys = _keys(key)
    with own_file(settings.own_file(settings.environment())) as own:
        return _set_profile(own, key, values) if keys[0] == TABLE else _set(own, key, values)


@app.command("unset")
def unset_command(
    ctx: typer.Context,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="A setting, profile.NAME.OPTION, or profile.NAME.")
    ],
    json: Json = False,
) -> Edit:
    """Remove a setting, or a profile, from your own file."""
    session(ctx, json=json)
    with own_file(settings.own_file(settings.environment())) as own:
        own.unset(tuple(key.split(".", 2)))
    return _edit(key, None, own)


def _set(own: OwnFile, key: str, values: list[str]) -> Edit:
    """Set a setting; raises as `set_command`."""
    if len(values) > 1:
        raise UsageError(f"{key} takes one value", did=UNCHANGED, hint="put one with blanks in quotes")
    shown = settings.checked(key, values[0], own.file)
    own.set((key,), values[0])
    return _edit(key, shown, own)


def _set_profile(own: OwnFile, key: str, values: list[str]) -> Edit:
    """Set an option of a profile; raises as `set_command`."""
    _, name, option = _keys(key)
    submit = load("submit")
    value = written(submit, option, values)
    options = profiles_in(own.file).get(name, Profile(name, {}, own.file)).options
    context = cast("typer.Context", submit.context_class(submit, info_name="nox submit"))
    unread = own.file._replace(text="")  # an error is not about a line of it
    checked(submit, context, Profile(name, {**options, option: value}, unread), did=UNCHANGED)
    own.set((TABLE, name, option), value)
    return Edit(key, " ".join(values), own.path)


def _keys(key: str) -> tuple[str, ...]:
    """Split the key of a profile's option.

    Raises:
        UsageError: it does not have three parts, or the profile cannot have that name.
    """
    keys = tuple(key.split(".", 2))
    if keys[0] == TABLE and (len(keys) < 3 or not NAME.fullmatch(keys[1])):  # noqa: PLR2004
        raise UsageError(f"{key[:80]!r} is no option of a profile", did=UNCHANGED, hint="profile.NAME.OPTION")
    return keys if keys[0] == TABLE else (key,)


def _edit(key: str, shown: str | None, own: OwnFile) -> Edit:
    """Find what sets the key more strongly here."""
    origin = settings.load_despite(settings.environment(), Call("config", ())).origins.get(key, "")
    is_own = origin == settings.DEFAULT or origin.startswith(f"{own.path}")
    return Edit(key, shown, own.path, "" if is_own or key.startswith(f"{TABLE}.") else origin)
