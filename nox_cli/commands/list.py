"""`nox list`: jobs, newest first."""

from __future__ import annotations

import typer

from nox_cli.commandline.arguments import Json, OptionallySelected, Output, Quiet, Raw, TableForm, form, takes
from nox_cli.commandline.context import session
from nox_cli.commandline.list_options import FILTERS
from nox_cli.results.job_list import JobFilters, Listing, list_jobs
from nox_cli.session import Form
from workers.errors import UsageError

# One JSON value is made whole before it is written; the other forms are written as they are read.
MAX_IN_ONE_VALUE = 10_000


@takes(JobFilters, "filters", FILTERS)
def command(
    ctx: typer.Context,
    filters: JobFilters,
    selected: OptionallySelected = None,
    output: Output = TableForm.TABLE,
    json: Json = False,
    quiet: Quiet = False,
    raw: Raw = False,
) -> Listing:
    """List my jobs, newest first; of several conditions, those that meet all."""
    call = session(ctx)
    call.form = form(output, json=json, quiet=quiet, raw=raw)
    if call.form is Form.JSON and filters.limit > MAX_IN_ONE_VALUE:
        raise UsageError(
            f"one JSON value holds {MAX_IN_ONE_VALUE:,} jobs at most",
            hint="-o jsonl has no such limit; or --cursor",
        )
    filters.check()  # before the store is opened
    found = list_jobs(call.store, call.settings.owner, filters, selected or (), call.streams.stdin)
    found.raw = raw
    found.progress = call.progress("jobs searched:")
    return found
