"""`nox metrics`: the metrics of the store, once."""

from __future__ import annotations

import typer

from nox_cli.commandline.context import session
from workers.metrics.queries import Measured, measure


def command(ctx: typer.Context) -> Measured:
    """Print the metrics of the store once, in Prometheus format, such as for a textfile collector."""
    return measure(session(ctx).store)
