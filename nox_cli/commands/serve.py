"""`nox serve`: the HTTP API, until it is stopped."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import takes
from nox_cli.config.server import DEFAULT_BIND, ServeOptions
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@takes(ServeOptions, declared=OPTIONS)
def command(ctx: typer.Context, options: ServeOptions) -> ServeOptions:  # noqa: ARG001  Typer's own
    """Serve the HTTP API until stopped."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UsageError(
            "nox serve needs FastAPI and uvicorn", hint="python -m pip install 'nox-jobs[serve]'"
        )
    return options
