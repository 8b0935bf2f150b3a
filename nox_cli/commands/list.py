"""`nox list`: jobs, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import COLUMNS, Json, Output, Quiet, Raw, TableForm, form, takes
from nox_cli.commandline.context import session
from nox_cli.progress import Progress
from nox_cli.results.job_list import MAX_LISTED, JobFilters, Listing, list_jobs
from nox_cli.session import Form
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# One JSON value is made whole before it is written; the other forms are written as they are read.
MAX_IN_ONE_VALUE = 10_000
FILTERS: Mapping[str, Any] = {
    "state": groups.selection(
        metavar="STATE,...", help="Only jobs in these states: pending, running, completed, failed, ..."
    ),
    "since": groups.selection(metavar="TIME", help="Only jobs submitted since TIME: 2d, 90m, 2026-03-01."),
    "name": groups.selection(metavar="GLOB", help="Only jobs whose name matches this shell pattern."),
    "tag": groups.selection(metavar="K=V", help="Only jobs with this label."),
    "batch": groups.selection(metavar="NAME", help="Only jobs of this batch."),
    "all_users": groups.selection("--all-users", help="Include the jobs of other users."),
    "limit": groups.selection(metavar="N", min=1, max=MAX_LISTED, help="Maximum number of jobs."),
    "cursor": groups.selection(metavar="TEXT", help="Continue where an earlier list ended."),
    "sort": groups.output(
        metavar="KEY", help="Sort by created, number, ended or priority; -KEY: descending."
    ),
    "columns": COLUMNS,
}


@takes(JobFilters, "filters", FILTERS)
def command(
    ctx: typer.Context,
    filters: JobFilters,
    output: Output = TableForm.TABLE,
    json: Json = False,
    quiet: Quiet = False,
    raw: Raw = False,
) -> Listing:
    """List my jobs, newest first."""
    call = session(ctx)
    call.form = form(output, json=json, quiet=quiet, raw=raw)
    if call.form is Form.JSON and filters.limit > MAX_IN_ONE_VALUE:
        raise UsageError(
            f"one JSON value holds {MAX_IN_ONE_VALUE:,} jobs at most",
            hint="-o jsonl has no such limit; or --cursor",
        )
    filters.check()  # before the store is opened
    found = list_jobs(call.store, call.settings.owner, filters)
    found.raw = raw
    found.progress = Progress(call.streams.stderr if call.settings.can_redraw else None, "jobs searched:")
    return found
