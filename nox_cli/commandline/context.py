"""The session, and commands and parameters as Typer's public classes describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nox_cli.session import Session

if TYPE_CHECKING:
    from typer import Context
    from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

    Command = TyperCommand | TyperGroup
    Parameter = TyperArgument | TyperOption


def session(ctx: Context) -> Session:
    """Return the session of a command."""
    found = ctx.find_object(Session)
    if found is None:
        raise RuntimeError("a command was run without a session")
    return found


def shown_parameters(command: Command, context: Context | None = None) -> list[Parameter]:
    """List the arguments and options that help shows; `--help` itself only with a context."""
    params = command.params if context is None else command.get_params(context)
    return [param for param in cast("list[Parameter]", params) if not param.hidden]


def subcommands(command: Command) -> dict[str, Command]:
    """Return the commands below a command, by name."""
    return getattr(command, "commands", {})
