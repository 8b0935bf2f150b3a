"""`nox results [SEL...]`: the numbers of jobs, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import ATTEMPT, COLUMNS, Json, OptionallySelected, Quiet, Raw, form, takes
from nox_cli.commandline.context import session
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.query import Results, ResultsOptions, read_results
from nox_cli.results.thermochemistry import Conditions, standard_state, temperatures
from nox_cli.selectors import outlined
from nox_cli.session import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workers.store.values import Outline

_WITH_GEOMETRY = frozenset({Form.EXTXYZ, Form.SI})
OPTIONS: Mapping[str, Any] = {
    "every": groups.selection("-a", "--all", help="Include failed and cancelled jobs."),
    "sort": groups.output(metavar="COLUMN", help="Sort by a column of -o csv; -COLUMN: descending."),
    "limit": groups.selection(metavar="N", min=1, help="Maximum number of jobs."),
    "attempt": ATTEMPT,
    "columns": COLUMNS,
}
COMPARISON: Mapping[str, Any] = {
    "unit": groups.comparison(
        help="Unit of energies (default hartree; kcal for differences); kcal and kj are per mole."
    ),
    "relative": groups.comparison(
        "--relative", help="Show energies relative to the lowest one that is comparable."
    ),
    "boltzmann": groups.comparison(
        "--boltzmann", help="Show Boltzmann weights at 298.15 K or --temp; equal conformers count once."
    ),
    "within": groups.comparison(
        min=0.0, metavar="X", help="Only jobs up to X above the lowest energy, in --unit."
    ),
    "keep_reacted": groups.comparison("--keep-reacted", help="Include structures whose bonds have changed."),
    "no_mirror": groups.comparison(
        "--no-mirror", help="Do not count the mirror images of chiral conformers in the weights."
    ),
}
CONDITIONS: Mapping[str, Any] = {
    "temp": groups.thermochemistry(
        parser=temperatures,
        metavar="K",
        help="Free energy at another temperature, or at several: 273:373:25.",
    ),
    "standard_state": groups.thermochemistry(
        parser=standard_state,
        metavar="STATE",
        help="Standard state of the free energy, such as 1M or 1bar.",
    ),
    "symmetry_number": groups.thermochemistry(
        min=1, max=1_000, metavar="N", help="Rotational symmetry number of every molecule."
    ),
}


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


@takes(ResultsOptions, declared=OPTIONS)
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
    return found
