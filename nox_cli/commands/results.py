"""`nox results [SEL...]`: the numbers of jobs, as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.arguments import Columns, Json, OptionallySelected, Output, Quiet, column_names, form
from nox_cli.fields import RESULT_FIELDS
from nox_cli.numbers import Row, rows_of
from nox_cli.options import takes
from nox_cli.selectors import MAX_JOBS, select
from nox_cli.session import Form, session
from workers.errors import UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.store.base import Store

# What may stand where a number is missing, so that rows without one come last.
_LAST = float("inf")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which results, in which order, how many."""

    every: Annotated[bool, typer.Option("-a", "--all", help="Failed and cancelled jobs too.")] = False
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="By a column of -o csv; -COLUMN: descending.")
    ] = ""
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many at most.")] = None


@dataclass(slots=True)
class Results:
    """Results as they are read; what was left out is counted on the way."""

    store: Store
    job_ids: Sequence[str]
    asked: Asked
    columns: tuple[str, ...]
    left_out: Counter[JobState] = field(default_factory=Counter)
    left_out_names: dict[JobState, str] = field(default_factory=dict)  # one for each state

    def rows(self) -> Iterator[Row]:
        """Read the results.

        Raises:
            JobNotFound: one of the jobs does not exist.
            StoreError: the store cannot be read.
        """
        found: Iterator[Row] | list[Row] = self._wanted()
        if self.asked.sort:
            found = sorted(found, key=self._key, reverse=self.asked.sort.startswith("-"))
        limit = self.asked.limit or MAX_JOBS
        for count, row in enumerate(found):
            if count == limit:
                return
            yield row

    def _wanted(self) -> Iterator[Row]:
        for row in rows_of(self.store, self.job_ids):
            state = row.job.state
            if state is JobState.DONE or (self.asked.every and state.is_final):
                yield row
            else:
                self.left_out[state] += 1
                self.left_out_names[state] = f"{row.job.number} {row.job.name}".rstrip()

    def _key(self, row: Row) -> tuple[float, str]:
        value = row.values[self.asked.sort.removeprefix("-")]
        missing = -_LAST if self.asked.sort.startswith("-") else _LAST
        if value is None:
            return missing, ""
        return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def run(store: Store, job_ids: Sequence[str], asked: Asked, columns: tuple[str, ...] = ()) -> Results:
    """Prepare a table; its rows are read while it is written.

    Raises:
        UsageError: there is no such column to sort by.
    """
    if asked.sort.removeprefix("-") not in {"", *RESULT_FIELDS}:
        raise UsageError(f'there is no column "{asked.sort[:60]}"', hint=f"one of {' '.join(RESULT_FIELDS)}")
    return Results(store, job_ids, asked, columns)


@takes(Asked)
def command(
    ctx: typer.Context,
    asked: Asked,
    selected: OptionallySelected = None,
    columns: Columns = "",
    output: Output = Form.TABLE,
    json: Json = False,
    quiet: Quiet = False,
) -> Results:
    """Show the numbers of jobs, as a table or as CSV."""
    call = session(ctx)
    call.form = form(output, json=json, quiet=quiet)
    words = selected or ["@last"]
    job_ids = select(call.reader, words, owner=call.settings.owner, stdin=call.streams.stdin)
    return run(call.reader, job_ids, asked, column_names(columns, RESULT_FIELDS))
