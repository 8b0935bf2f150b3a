"""`nox serve`: the HTTP API and its page, until it is stopped; `nox serve link`: a link to the page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, takes
from nox_cli.commandline.context import session
from nox_cli.config.server import DEFAULT_BIND, ServeOptions
from nox_cli.tokens.links import PageLink, new_link
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Serve the HTTP API and its page until stopped.",
)
OPTIONS: Mapping[str, Any] = {
    "bind": groups.here(metavar="HOST:PORT", help=f"Address to listen on (default: {DEFAULT_BIND})."),
    "unix": groups.here(metavar="PATH", help="Socket to listen on, which only you can open."),
    "public_url": groups.here(metavar="URL", help="Address that clients use, if a proxy is in front."),
    "read_only": groups.changes("--read-only", help="Refuse requests that submit or change jobs."),
    "metrics": groups.output("--metrics", help="Offer the metrics of the store at /metrics."),
    "with_worker": groups.jobs("--with-worker", help="Run jobs on this machine, too."),
    "for_": groups.jobs(
        "--for",
        metavar="USERS",
        help="Whose jobs --with-worker runs: your own (me) or those of all users.",
    ),
}


@app.callback()
@takes(ServeOptions, declared=OPTIONS)
def command(ctx: typer.Context, options: ServeOptions) -> ServeOptions | None:
    """Serve the HTTP API and its page until stopped."""
    if ctx.invoked_subcommand is not None:
        return None
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UsageError(
            "nox serve needs FastAPI and uvicorn", hint="python -m pip install 'nox-jobs[serve]'"
        )
    return options


@app.command("link")
def link_command(ctx: typer.Context, json: Json = False) -> PageLink:
    """Print a link to the page of the server that runs; it signs in once, within 10 minutes."""
    return new_link(session(ctx, json=json).settings.home)
