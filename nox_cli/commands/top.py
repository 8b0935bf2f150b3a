"""`nox top [FILTER...]`: jobs, workers and failures on the whole terminal."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.context import session
from nox_cli.results.filters import SYNTAX, Filters, read_filters
from workers.errors import UsageError


class TopOptions(NamedTuple):
    """The first filters of the list of jobs."""

    filters: Filters


def command(
    ctx: typer.Context,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help=f"{SYNTAX}.", show_default=False),
    ] = None,
    all_users: Annotated[
        bool, groups.selection("--all-users", help="Include the jobs of other users.")
    ] = False,
) -> TopOptions:
    """Browse jobs, workers and failures on the whole terminal; ? lists the keys."""
    call = session(ctx)
    if find_spec("textual") is None or find_spec("textual_plot") is None:
        raise UsageError(
            "nox top needs textual and textual-plot", hint="python -m pip install 'nox-jobs[top]'"
        )
    if not (call.is_terminal and call.streams.stdin.isatty() and call.settings.can_redraw):
        raise UsageError(
            "nox top needs a terminal", hint="nox watch follows jobs in a pipe, and nox list lists them"
        )
    return TopOptions(read_filters(" ".join(filters or ()), all_users=all_users))
