"""`nox results [SEL...]`: the numbers of jobs, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, OptionallySelected, Quiet, Raw, form, takes
from nox_cli.commandline.context import session
from nox_cli.commandline.result_options import COMPARISON, CONDITIONS, RESULTS
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.query import Results, ResultsOptions, read_results
from nox_cli.results.thermochemistry import Conditions
from nox_cli.selectors.selection import outlined
from nox_cli.session import Form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.store.values import Outline

_WITH_GEOMETRY = frozenset({Form.EXTXYZ, Form.SI})


class Written(NamedTuple):
    """The form in which results are written."""

    output: Annotated[
        Form,
        groups.output(
            "-o",
            "--output",
            metavar="FORM",
            help="Format: table, csv, tsv, json, jsonl, md, extxyz, si or ids.",
        ),
    ] = Form.TABLE
    json: Json = False
    quiet: Quiet = False
    raw: Raw = False


@takes(ResultsOptions, declared=RESULTS)
@takes(ComparisonOptions, "compared", COMPARISON)
@takes(Conditions, "conditions", CONDITIONS)
@takes(Written, "written")
def command(
    ctx: typer.Context,
    options: ResultsOptions,
    compared: ComparisonOptions,
    conditions: Conditions,
    written: Written,
    selected: OptionallySelected = None,
) -> Results:
    """Show the results of jobs: as a table, as CSV, or ready for a supporting information."""
    call = session(ctx)
    call.form = form(written.output, json=written.json, quiet=written.quiet, raw=written.raw)
    compared.check()  # before the store is opened, as the names of columns
    options.named(compared)
    words = selected or ["@last"]
    jobs: Iterable[Outline] = outlined(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    if (options.limit is None and conditions.is_asked) or options.sort or compared.is_asked:
        jobs = tuple(jobs)
    geometries = call.form in _WITH_GEOMETRY
    found = read_results(call.store, jobs, options, compared, conditions, geometries=geometries)
    found.raw = written.raw
    if call.is_file and not written.quiet:
        found.file_form = call.form
    if options.sort or compared.is_asked or not call.is_terminal:  # else the rows show how far it is
        found.progress = call.progress("results read:", len(jobs) if isinstance(jobs, tuple) else 0)
    return found
