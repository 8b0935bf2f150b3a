"""`nox list`: jobs, newest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli import times
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Columns, Json, Output, Quiet, Raw, TableForm, column_names, form
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.names import tags
from nox_cli.results.attempts import ShownEnergies
from nox_cli.results.columns import JOB_FIELDS
from nox_cli.session import Form
from nox_cli.values import states
from workers.errors import UsageError
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workers.job import Job, JobState
    from workers.store.base import Store

MAX_LISTED = 100_000
# One JSON value is made whole before it is written; the other forms are written as they are read.
MAX_IN_ONE_VALUE = 10_000
_PAGE = 500


@dataclass(slots=True)
class Listing:
    """Jobs as they come, a page at a time; `cursor` is where the list goes on once they were read."""

    store: Store
    query: Query
    limit: int
    columns: tuple[str, ...] = ()
    owners: bool = False  # the jobs are of several people
    raw: bool = False  # CSV and TSV hold text as it is
    cursor: str = field(default="", init=False)
    energies: ShownEnergies = field(init=False)

    def __post_init__(self) -> None:
        """Begin without energies of earlier attempts."""
        self.energies = ShownEnergies(self.store)

    def counts(self) -> Mapping[JobState, int]:
        """Count all jobs of the batch that is listed; empty: none is.

        Raises:
            StoreError: the store cannot be read.
        """
        query = self.query
        return self.store.counts(owner=query.owner, batch=query.batch) if query.batch else {}

    def jobs(self) -> Iterator[Job]:
        """Read the jobs.

        Raises:
            UsageError: the cursor is not one of this store's.
            StoreError: the store cannot be read.
        """
        left, query = self.limit, self.query
        while left > 0:
            page = self.store.page(query._replace(limit=min(left, _PAGE)))
            yield from self.energies.read(page.items)
            self.cursor = page.cursor
            if not page.cursor:
                return
            left -= len(page.items)
            query = query._replace(cursor=page.cursor)


def run(
    store: Store, query: Query, limit: int, columns: tuple[str, ...] = (), *, raw: bool = False
) -> Listing:
    """Prepare a list; its jobs are read while it is written."""
    return Listing(store, query, limit, columns, owners=query.owner is None, raw=raw)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs, in which order, how many."""

    state: Annotated[
        list[str] | None,
        groups.selection(
            metavar="STATE,...", help="Only jobs in these states: pending, running, completed, failed, ..."
        ),
    ] = None
    since: Annotated[
        str, groups.selection(metavar="TIME", help="Only jobs submitted since TIME: 2d, 90m, 2026-03-01.")
    ] = ""
    name: Annotated[
        str, groups.selection(metavar="GLOB", help="Only jobs whose name matches this shell pattern.")
    ] = ""
    tag: Annotated[list[str] | None, groups.selection(metavar="K=V", help="Only jobs with this label.")] = (
        None
    )
    batch: Annotated[str, groups.selection(metavar="NAME", help="Only jobs of this batch.")] = ""
    all_users: Annotated[bool, groups.selection("--all-users", help="Include the jobs of other users.")] = (
        False
    )
    limit: Annotated[
        int, groups.selection(metavar="N", min=1, max=MAX_LISTED, help="Maximum number of jobs.")
    ] = 50
    cursor: Annotated[str, groups.selection(metavar="TEXT", help="Continue where an earlier list ended.")] = (
        ""
    )
    sort: Annotated[
        str,
        groups.output(metavar="KEY", help="Sort by created, number, ended or priority; -KEY: descending."),
    ] = "-created"


@takes(Filters, "filters")
def command(
    ctx: typer.Context,
    filters: Filters,
    columns: Columns = "",
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
    query = _query(filters, call.settings.owner)
    return run(call.store, query, filters.limit, column_names(columns, JOB_FIELDS), raw=raw)


def _query(filters: Filters, owner: str) -> Query:
    """Read the filters.

    Raises:
        UsageError: one of them makes no sense.
    """
    key, descending = _sort(filters.sort)
    return Query(
        owner=None if filters.all_users else owner,
        states=states(filters.state or []),
        batch=filters.batch,
        name_glob=filters.name,
        tags=tags(filters.tag or []),
        since_ms=times.since_ms(filters.since, times.now_ms()) if filters.since else None,
        sort=key,
        descending=descending,
        cursor=filters.cursor,
    )


def _sort(word: str) -> tuple[SortKey, bool]:
    """Read a sort key; a minus in front: descending.

    Raises:
        UsageError: there is no such key.
    """
    key = word.removeprefix("-")
    try:
        return SortKey(key), word != key
    except ValueError:
        raise UsageError(
            f'jobs cannot be sorted by "{key[:40]}"', hint=f"one of {', '.join(SortKey)}"
        ) from None
