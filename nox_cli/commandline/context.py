"""What Typer hands a command: its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.session import Session

if TYPE_CHECKING:
    import typer


def session(ctx: typer.Context) -> Session:
    """Hand a command its session."""
    found = ctx.find_object(Session)
    if found is None:
        raise RuntimeError("a command was run without a session")
    return found
