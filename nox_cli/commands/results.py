"""`nox results [SEL...]`: the numbers of jobs, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import (
    Columns,
    Json,
    OfAttempt,
    OptionallySelected,
    Quiet,
    Raw,
    column,
    column_names,
    form,
)
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.results.columns import ENERGY_FIELDS
from nox_cli.results.comparison import Comparison, compare
from nox_cli.results.comparison_options import ComparisonOptions
from nox_cli.results.conditions import Conditions
from nox_cli.results.rows import Row, rows_of
from nox_cli.selectors import named
from nox_cli.session import Form
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.errors import NothingMatched
    from workers.job import JobState
    from workers.store.base import Store

MAX_ROWS = 1_000_000
# What may stand where a number is missing, so that rows without one come last.
_LAST = float("inf")
_WITH_GEOMETRY = frozenset({Form.EXTXYZ, Form.SI})


@dataclass(frozen=True, slots=True)
class ResultsOptions:
    """The options of `nox results`: which results, in which order, how many."""

    every: Annotated[bool, groups.selection("-a", "--all", help="Include failed and cancelled jobs.")] = False
    sort: Annotated[
        str, groups.output(metavar="COLUMN", help="Sort by a column of -o csv; -COLUMN: descending.")
    ] = ""
    limit: Annotated[int | None, groups.selection(metavar="N", min=1, help="Maximum number of jobs.")] = None
    attempt: OfAttempt = None
    columns: Columns = ""


@dataclass(frozen=True, slots=True)
class Written:
    """How results are written."""

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


@dataclass(slots=True)
class Results:
    """Results as they are read; what was left out is counted on the way."""

    store: Store
    job_ids: Iterable[str]  # asked for as far as rows are
    options: ResultsOptions
    compared: ComparisonOptions
    conditions: Conditions
    sort: str  # a column; empty: as selected
    columns: tuple[str, ...]  # empty: the usual ones
    geometries: bool = False
    raw: bool = False  # CSV and TSV hold text as it is
    comparison: Comparison = field(default_factory=Comparison)
    left_out: Counter[JobState] = field(default_factory=Counter)
    left_out_names: dict[JobState, str] = field(default_factory=dict)  # one for each state
    too_high: int = 0  # above what --within allows
    not_compared: int = 0  # left out by --within
    without_gas: int = 0  # rows whose thermochemistry cannot be worked out again
    found: int = 0
    missing: list[NothingMatched] = field(default_factory=list)  # why jobs have no such attempt

    @property
    def exit(self) -> int:
        """0, unless no job has the attempt that was asked for.

        Raises:
            NothingMatched: none has it.
        """
        if self.missing and not self.found:
            raise self.missing[0]
        return 0

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of CSV and JSON."""
        return self.columns or self.compared.fields()

    def rows(self) -> Iterator[Row]:
        """Read the results.

        Raises:
            JobNotFound: one of the jobs does not exist.
            StoreError: the store cannot be read.
        """
        found: Iterable[Row] = self._wanted()
        if self.compared.is_asked:
            found = self._compare(list(found))
        if self.sort:
            found = sorted(found, key=self._key, reverse=self.options.sort.startswith("-"))
        yield from islice(found, self.options.limit)

    def _wanted(self) -> Iterator[Row]:
        geometries = self.geometries or self.compared.boltzmann
        gases = self.conditions.is_asked
        attempt = self.options.attempt
        for row in rows_of(self.store, self.job_ids, attempt=attempt, geometries=geometries, gases=gases):
            state = row.job.state
            if row.missing is not None:
                self.missing.append(row.missing)
            elif row.is_result or (self.options.every and state.is_final) or attempt is not None:
                self.found += 1
                self.without_gas += gases and row.gas is None
                for other in self.conditions.rows(row):
                    other.values.update(self.compared.converted(other.values))
                    yield other
            else:
                self.left_out[state] += 1
                self.left_out_names[state] = f"{row.job.number} {row.job.name}".rstrip()

    def _compare(self, rows: list[Row]) -> list[Row]:
        """Add how each row stands, and leave out what is not within reach."""
        compared = self.compared
        self.comparison = compare(
            rows,
            keep_reacted=compared.keep_reacted,
            weigh=compared.boltzmann,
            mirrored=not compared.no_mirror,
            at_temperatures=self.conditions.temp is not None,
        )
        for row in rows:
            row.values.update(compared.standing(self.comparison, row))
        return [row for row in rows if self._is_within(row)]

    def _is_within(self, row: Row) -> bool:
        if self.compared.within is None:
            return True
        relative = row.values[self.compared.relative_field]
        self.not_compared += relative is None
        self.too_high += relative is not None and relative > self.compared.within
        return relative is not None and relative <= self.compared.within

    def _key(self, row: Row) -> tuple[float, str]:
        value = row.values[self.sort]
        missing = -_LAST if self.options.sort.startswith("-") else _LAST
        if value is None:
            return missing, ""
        return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def run(
    store: Store,
    job_ids: Iterable[str],
    options: ResultsOptions,
    compared: ComparisonOptions,
    conditions: Conditions,
    *,
    geometries: bool = False,
    raw: bool = False,
) -> Results:
    """Prepare a table; its rows are read while it is written.

    Args:
        store: where the jobs are.
        job_ids: of which jobs; an iterator is asked for no more than --limit needs.
        options: which of them, in which order, by which columns.
        compared: which energies are compared.
        conditions: under which thermochemistry is worked out again.
        geometries: the final geometries too.
        raw: text of CSV and TSV as it is, formulas of spreadsheets too.

    Raises:
        UsageError: there is no such column, or there would be too many rows.
    """
    jobs = len(job_ids) if isinstance(job_ids, Sized) else options.limit or 0
    count = jobs * len(conditions.temp.kelvin if conditions.temp else (0.0,))
    if count > MAX_ROWS:
        raise UsageError(
            f"that would be {count:,} rows, more than {MAX_ROWS:,}", hint="name fewer temperatures"
        )
    known, also = compared.fields(), ENERGY_FIELDS
    word = options.sort.removeprefix("-")
    sort = column(word, known, also) if word else ""
    columns = column_names(options.columns, known, also)
    return Results(store, job_ids, options, compared, conditions, sort, columns, geometries, raw)


@takes(ResultsOptions)
@takes(ComparisonOptions, "compared")
@takes(Conditions, "conditions")
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
    if compared.keep_reacted and not compared.is_asked:
        raise UsageError(
            "--keep-reacted is about what is compared, and nothing is", hint="add --relative or --boltzmann"
        )
    if compared.no_mirror and not compared.boltzmann:
        raise UsageError("--no-mirror is about weights, and none are asked for", hint="add --boltzmann")
    words = selected or ["@last"]
    job_ids: Iterable[str] = named(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    if options.limit is None or options.sort or compared.is_asked:
        job_ids = tuple(job_ids)
    geometries = call.form in _WITH_GEOMETRY
    return run(call.store, job_ids, options, compared, conditions, geometries=geometries, raw=written.raw)
