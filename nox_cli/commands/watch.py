"""`nox watch [SEL...]`: see jobs run until all are final."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import OptionallySelected
from nox_cli.selectors import select
from nox_cli.session import session
from nox_cli.watch.board import Watching

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workers.store.base import Store


def run(
    store: Store,
    home: Path,
    job_ids: Sequence[str],
    *,
    since: str | None = None,
    compact: bool = False,
    as_json: bool = False,
) -> Watching:
    """Prepare to watch jobs; what happens is read while it is shown.  `home`: of the local store."""
    return Watching(store, home, job_ids, since=since, compact=compact, as_json=as_json)


def command(
    ctx: typer.Context,
    selected: OptionallySelected = None,
    every: Annotated[bool, typer.Option("--all", help="All my jobs that have not ended.")] = False,
    compact: Annotated[bool, typer.Option("--compact", help="Totals, not a line a job.")] = False,
    since: Annotated[
        str, typer.Option(metavar="TEXT", help="Tell what happened after this cursor of --json.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each change.")] = False,
) -> Watching:
    """See jobs run until all are final; the exit code follows them."""
    call = session(ctx)
    words = ["@running", "@waiting"] if every else selected or ["@last"]
    if "-" not in words:
        call.resume = "nox watch --all" if every else f"nox watch {shlex.join(words)}"
    job_ids = select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    return run(call.store, call.settings.home, job_ids, since=since or None, compact=compact, as_json=json)
