"""The Typer app: commands are registered by name and loaded when called; the one error boundary."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context

# name -> the line `nox --help` shows; the module is nox_cli.commands.NAME
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


class LazyGroup(TyperGroup):
    """Loads a command's module when the command is called, not before."""

    def list_commands(self, _ctx: Context) -> list[str]:
        """Name every command."""
        return list(COMMANDS)

    def get_command(self, _ctx: Context, cmd_name: str) -> Command | None:
        """Load one command: the module's Typer `app`, or its `command` function."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"nox_cli.commands.{cmd_name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(cmd_name)(module.command)
        return typer.main.get_command(app)
