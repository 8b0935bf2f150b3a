"""How `nox results` looks: a table, CSV with units in the names, JSON, markdown or structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.counts import counted
from nox_cli.render import structures
from nox_cli.render.results_table import GIVES, SPARE, Drawing
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.out import Painted
from nox_cli.render.terminal.table import Table
from nox_cli.text import markdown
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.commands.results import Results
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.rows import Row

_SHOWN = 20
_SECONDS = frozenset({"wall_s"})

extxyz = structures.extxyz
si = structures.supporting_information


def text(results: Results, out: Out) -> None:
    """Write what all have in common, then a row a job."""
    rows = list(results.rows())
    if results.columns:
        shown = [results.columns, *(_plain_row(row, results.columns) for row in rows)]
        columns.write(out, shown, gives=range(len(results.columns)))
    elif rows:
        drawing = Drawing(results, rows)
        if drawing.above:
            out.line(drawing.above)
        columns.write(
            out,
            [drawing.header, *drawing.rows()],
            right=drawing.right,
            gives=drawing.numbers_of(GIVES),
            spare=drawing.numbers_of(SPARE),
        )
        for line in drawing.below():
            out.line(line)


def md(results: Results) -> Iterator[str]:
    """The same table in markdown, whole."""
    rows = list(results.rows())
    if not rows:
        return
    if results.columns:
        yield from _markdown(results.columns, (_plain_row(row, results.columns) for row in rows))
        return
    drawing = Drawing(results, rows)
    if drawing.above:
        yield markdown(drawing.above)
        yield ""
    yield from _markdown(drawing.header, drawing.rows(), drawing.right)
    for line in drawing.below():
        yield ""
        yield markdown(line)


def _markdown(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], right: frozenset[int] = frozenset()
) -> Iterator[str]:
    yield _markdown_row(header)
    yield f"|{'|'.join('---:' if i in right else '---' for i in range(len(header)))}|"
    yield from map(_markdown_row, rows)


def _markdown_row(row: Sequence[Cell]) -> str:
    cells = (markdown(cell.text if isinstance(cell, Painted) else cell) for cell in row)
    return f"| {' | '.join(cells)} |"


def remarks(results: Results) -> Iterator[str]:
    """Say which of the selected jobs have no row, and what to know of the comparison."""
    for state in (JobState.FAILED, JobState.CANCELLED):
        count = results.left_out[state]
        if count == 1:
            yield f"{results.left_out_names[state]}: {state}, not shown (-a)"
        elif count:
            yield f"{count} {state}, not shown (-a)"
    if pending := sum(count for state, count in results.left_out.items() if not state.is_final):
        yield f"{pending} not ended yet"
    if results.too_high:
        yield f"{counted(results.too_high, 'row')} above --within, not shown"
    if results.not_compared:
        yield f"{counted(results.not_compared, 'row')} not compared with others, not shown"
    if results.without_gas:
        yield f"{counted(results.without_gas, 'job')} without thermochemistry to work out again"
    for error in results.missing[:_SHOWN] if results.found else ():
        yield f"{error.message} ({error.hint})" if error.hint else error.message
    yield from results.comparison.remarks


def document(results: Results) -> dict[str, Any]:
    """All rows in one value."""
    return {"items": [{"schema": 1, **item} for item in lines(results)], "cursor": None}


def lines(results: Results) -> Iterator[dict[str, Any]]:
    """One object a job; an echo job's has its payload."""
    for row in results.rows():
        item = {name: row.values[name] for name in results.shown}
        yield item | {"payload": row.payload} if row.job.kind == "echo" and not results.columns else item


def table(results: Results) -> Table:
    """One row a job, numbers with 10 decimals."""
    rows = (_plain_row(row, results.shown) for row in results.rows())
    return Table(results.shown, rows, results.compared.numbers(), raw=results.raw)


def ids(results: Results) -> Iterator[str]:
    """One id a job."""
    return iter(dict.fromkeys(row.job.id for row in results.rows()))


def _plain_row(row: Row, names: Iterable[str]) -> list[str]:
    return [_plain(name, row.values[name]) for name in names]


def _plain(name: str, value: object) -> str:
    """Write a value as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3f}" if name in _SECONDS else f"{value:.10f}"
    return "; ".join(value) if isinstance(value, list) else str(value)
