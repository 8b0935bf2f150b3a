"""Queries for results: which jobs, compared how, under which conditions, in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from nox_cli.counts import job_title
from nox_cli.progress import SILENT, Progress
from nox_cli.results.columns import ENERGY_FIELDS, column, column_names
from nox_cli.results.comparison import Comparison, ComparisonOptions, compare
from nox_cli.results.rows import rows_of
from nox_cli.results.thermochemistry import Conditions
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nox_cli.results.comparison import Standing, Value
    from nox_cli.results.json_objects import Page, ResultRow
    from nox_cli.results.rows import Row
    from workers.errors import NothingMatched
    from workers.job import Job, JobState
    from workers.store.base import Store
    from workers.store.values import Outline

MAX_ROWS = 1_000_000


class ResultsOptions(NamedTuple):
    """Selection, order, number and columns of results."""

    every: bool = False  # of failed and cancelled jobs, too
    sort: str = ""  # a column; -COLUMN: descending; empty: as selected
    limit: int | None = None
    attempt: int | None = None  # of each job; None: the attempt whose result is shown
    columns: str = ""  # names, with commas between them; empty: the usual ones

    def named(self, compared: ComparisonOptions) -> tuple[str, tuple[str, ...]]:
        """Return the name of the column to sort by, and those of the columns to show; this needs no store.

        Args:
            compared: which energies are compared: it adds columns.

        Raises:
            UsageError: there is no such column.
        """
        known, word = compared.fields(), self.sort.removeprefix("-")
        sort = column(word, known, ENERGY_FIELDS) if word else ""
        return sort, column_names(self.columns, known, ENERGY_FIELDS)


@dataclass(slots=True)
class Results:
    """Results that are read while they are written; the jobs that are left out are counted meanwhile."""

    store: Store
    jobs: Iterable[str | Outline]  # ids or outlines; an iterator is read only as far as rows are
    options: ResultsOptions
    compared: ComparisonOptions
    conditions: Conditions
    geometries: bool = False
    columns: tuple[str, ...] = ()  # empty: the usual ones
    sort: str = ""  # a column; empty: as selected
    raw: bool = False  # CSV and TSV hold text unchanged
    file_form: str = ""  # the form in which they are written to a file; empty: they are not
    comparison: Comparison = field(default_factory=Comparison)
    left_out: Counter[JobState] = field(default_factory=Counter)
    left_out_names: dict[JobState, str] = field(default_factory=dict)  # one for each state
    too_high: int = 0  # above the limit of `within`
    not_compared: int = 0  # left out by `within`
    without_gas: int = 0  # rows whose thermochemistry cannot be worked out again
    found: int = 0
    written: int = 0  # rows that were returned
    missing: list[NothingMatched] = field(default_factory=list)  # why jobs have no such attempt
    progress: Progress = SILENT  # counts the jobs whose results were read

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

    def readers(self) -> dict[str, Callable[[Row], Value]]:
        """Return for each column the function that reads it of a row, which must be one of `rows`."""
        return self.compared.readers(self._standing)

    def _standing(self, row: Row) -> Standing:
        return self.comparison.of(row)

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
            found = sorted(found, key=self._key(), reverse=self.options.sort.startswith("-"))
        if self.compared.is_asked or self.sort:
            self.progress.clear()  # all were read
        for row in islice(found, self.options.limit):
            self.written += 1
            yield row
        self.progress.clear()

    def items(self) -> Iterator[ResultRow]:
        """Return one object a row; that of an echo job has its payload.  Raises as `rows`."""
        readers = self.readers()
        for row in self.rows():
            item: dict[str, object] = {name: readers[name](row) for name in self.shown}
            if row.job.kind == "echo" and not self.columns:
                item["payload"] = row.payload
            yield cast("ResultRow", item)

    def document(self) -> Page[ResultRow]:
        """Return all rows.  Raises as `rows`."""
        return {"items": [{"schema": 1, **item} for item in self.items()], "cursor": None}

    def _wanted(self) -> Iterator[Row]:
        geometries = self.geometries or self.compared.boltzmann
        gases = self.conditions.is_asked
        attempt = self.options.attempt
        job_ids = (
            job if isinstance(job, str) else job.id
            for job in self.jobs
            if isinstance(job, str) or self._may_have_row(job)
        )
        rows = rows_of(self.store, job_ids, attempt=attempt, geometries=geometries, gases=gases)
        for row in self.progress.over(rows):
            state = row.job.state
            if row.missing is not None:
                self.missing.append(row.missing)
            elif row.is_result or (self.options.every and state.is_final) or attempt is not None:
                self.found += 1
                self.without_gas += gases and row.gas is None
                records = self.conditions.records(row.record, row.gas)
                yield from (row._replace(record=record) for record in records)
            else:
                self._leave_out(row.job)

    def _may_have_row(self, job: Outline) -> bool:
        """Whether the result of a job must be read; count it if not."""
        options = self.options
        if job.has_result or options.attempt is not None or (options.every and job.state.is_final):
            return True
        self._leave_out(job)
        return False

    def _leave_out(self, job: Job | Outline) -> None:
        self.left_out[job.state] += 1
        self.left_out_names[job.state] = job_title(job)

    def _compare(self, rows: list[Row]) -> list[Row]:
        """Compare rows, and leave out those that `within` does not allow."""
        compared = self.compared
        self.comparison = compare(
            rows,
            keep_reacted=compared.keep_reacted,
            weigh=compared.boltzmann,
            mirrored=not compared.no_mirror,
            at_temperatures=self.conditions.temp is not None,
            electronic=compared.electronic,
        )
        return [row for row in rows if self._is_within(row)]

    def _is_within(self, row: Row) -> bool:
        if self.compared.within is None:
            return True
        relative = self.compared.relative_energy(self.comparison.of(row))
        self.not_compared += relative is None
        self.too_high += relative is not None and relative > self.compared.within
        return relative is not None and relative <= self.compared.within

    def _key(self) -> Callable[[Row], tuple[float, str]]:
        """Return the key to sort by; rows without a value come last in either direction."""
        read, missing = self.readers()[self.sort], float("inf")
        if self.options.sort.startswith("-"):
            missing = -missing

        def key(row: Row) -> tuple[float, str]:
            value = read(row)
            if value is None:
                return missing, ""
            return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))

        return key


def read_results(
    store: Store,
    jobs: Iterable[str | Outline],
    options: ResultsOptions | None = None,
    compared: ComparisonOptions | None = None,
    conditions: Conditions | None = None,
    *,
    geometries: bool = False,
) -> Results:
    """Prepare a query; its rows are read as `Results.rows` is iterated.

    Args:
        store: the store of the jobs.
        jobs: the ids of the jobs, or their outlines; an iterator is read only as far as `limit` needs.
        options: which results, in which order, and their columns.
        compared: which energies are compared, and their unit.
        conditions: the conditions of thermochemistry.
        geometries: read final geometries too.

    Raises:
        UsageError: there is no such column, there would be too many rows, or options contradict each other.
    """
    options, compared = options or ResultsOptions(), compared or ComparisonOptions()
    conditions = conditions or Conditions()
    compared.check()
    most = len(jobs) if isinstance(jobs, Sized) else options.limit or 0
    count = most * len(conditions.temp.kelvin if conditions.temp else (0.0,))
    if count > MAX_ROWS:
        raise UsageError(
            f"that would be {count:,} rows, more than {MAX_ROWS:,}", hint="name fewer temperatures"
        )
    sort, columns = options.named(compared)
    return Results(store, jobs, options, compared, conditions, geometries, columns, sort)
