"""Every command by name; its module is loaded when it is called, not before."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from workers.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Command

# name -> the line `nox help --all` and completion show; the module is nox_cli.commands.NAME
COMMANDS: dict[str, str] = {
    "submit": "hand calculations over",
    "run": "the same, here, now, waiting",
    "watch": "see them run",
    "results": "the numbers, as table or CSV",
    "status": "one job, or all at a glance",
    "fetch": "geometries and other files",
    "list": "my jobs",
    "logs": "what the engine printed",
    "wait": "block until jobs have ended",
    "cancel": "stop",
    "worker": "run jobs here until stopped",
    "config": "settings and where they come from",
    "version": "versions of nox and of every engine",
    "help": "topics: exit-codes, examples, environment, states",
    "completion": "completion script of a shell",
}
EVERYWHERE = "Everywhere: --local (the local store), --debug (tracebacks), --color auto|always|never."
HELP_OPTIONS = ["-h", "--help"]


def load(name: str) -> Command:
    """Load one command: its module's Typer `app`, or else its `command` function.

    Raises:
        UsageError: there is no such command.
    """
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name!r}", hint=_nearest(name))
    import typer

    module = importlib.import_module(f"nox_cli.commands.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, epilog=EVERYWHERE)(module.command)
    return typer.main.get_command(app)


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean nox {found[0]}?  nox help lists all" if found else "nox help lists all"
