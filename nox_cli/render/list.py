"""How `nox list` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.counts import by_public_state, state_words
from nox_cli.render import jobs, listing
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.table import Table
from nox_cli.results.columns import JOB_FIELDS, NUMBER_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nox_cli.commands.list import Listing
    from nox_cli.render.terminal.out import Out
    from workers.job import Job


def text(listed: Listing, out: Out) -> None:
    """A line a job; on a terminal the way to the rest, if there is more."""
    if listed.columns:
        rows = [_cells(row) for row in _rows(listed, listed.jobs())]
        columns.write(out, [listed.columns, *rows], gives=range(len(listed.columns)))
        found = bool(rows)
    else:
        found = listing.write(out, listed.jobs(), listed.energies, owners=listed.owners)
    if not out.is_terminal:
        return
    out.flush()
    if not found:
        out.note("no jobs")
    elif counts := listed.counts():
        out.note(f"batch {listed.query.batch}: {state_words(by_public_state(counts))}")
    if listed.cursor:
        out.note(f"more: the same with --cursor {listed.cursor}, or --limit")


def document(listed: Listing) -> dict[str, Any]:
    """One page; the cursor leads to the next and is null when there is none."""
    items = [{"schema": 1, **_item(listed, job)} for job in listed.jobs()]
    return {"items": items, "cursor": listed.cursor or None}


def lines(listed: Listing) -> Iterator[dict[str, Any]]:
    """One object a job."""
    return (_item(listed, job) for job in listed.jobs())


def table(listed: Listing) -> Table:
    """One row a job."""
    rows = _rows(listed, listed.jobs())
    return Table(listed.columns or JOB_FIELDS, rows, NUMBER_FIELDS, raw=listed.raw)


def ids(listed: Listing) -> Iterator[str]:
    """One id a job."""
    return (job.id for job in listed.jobs())


def _item(listed: Listing, job: Job) -> dict[str, Any]:
    record = jobs.record(job, listed.energies.of(job))
    return {name: record[name] for name in listed.columns} if listed.columns else record


def _rows(listed: Listing, found: Iterable[Job]) -> Iterator[list[object]]:
    names = listed.columns or JOB_FIELDS
    for job in found:
        tags = " ".join(f"{key}={value}" for key, value in job.tags.items())
        record = jobs.record(job, listed.energies.of(job)) | {"tags": tags}
        yield [_plain(name, record[name]) for name in names]


def _plain(name: str, value: object) -> object:
    """Write a value as programs read it, energies with their decimals."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10f}" if name == "energy_hartree" and isinstance(value, float) else value


def _cells(row: Iterable[object]) -> list[str]:
    return ["" if value is None else str(value) for value in row]
