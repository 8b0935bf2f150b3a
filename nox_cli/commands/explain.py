"""`nox explain SEL`: why a job waits or failed; of several, how many for which reason."""

from __future__ import annotations

import typer

from nox_cli.commandline.arguments import Json, Selected
from nox_cli.commandline.context import selected_ids, session
from nox_cli.watch.explanation import FAILED, Explained, Grouped, explain


def command(ctx: typer.Context, selected: Selected, json: Json = False) -> Explained | Grouped:
    """Explain why a job waits or failed, and what to do."""
    call = session(ctx, json=json)
    store, home = call.store, call.settings.home
    job_ids = selected_ids(call, selected)
    return explain(store, home, job_ids, are_all_failed=selected == [FAILED])
