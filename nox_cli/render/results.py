"""Results as a table, CSV, JSON, Markdown, extended xyz, or blocks of a supporting information."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.render import jobs
from nox_cli.render.results_table import GIVES, SPARE, Drawing, circumstances, conditions_in_words, in_words
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.columns import Table
from nox_cli.render.terminal.out import Painted
from nox_cli.results import job_record
from nox_cli.results.columns import EnergyUnit
from nox_cli.text import markdown
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.comparison import Value
    from nox_cli.results.geometry import Geometry
    from nox_cli.results.query import Results
    from nox_cli.results.record import ResultRecord
    from nox_cli.results.rows import Row

_SHOWN = 20
_PAGE = 1_000
_SECONDS = frozenset({"wall_s"})
_FORMS = {
    "table": "a table for people (CSV: -o csv)",
    "csv": "CSV",
    "tsv": "TSV",
    "json": "JSON",
    "jsonl": "JSON lines",
    "md": "Markdown",
    "extxyz": "extended XYZ",
    "si": "blocks of a supporting information",
    "ids": "ids",
}


def text(results: Results, out: Out) -> None:
    """Write what all rows have in common, then a row a job.

    Many rows are read and written a page at a time; what is in common and the header are written again where
    they change.  Rows that are compared with each other make one page.
    """
    if results.columns:
        _write_chosen(results, out)
        return
    written: tuple[str, tuple[str, ...]] | None = None
    below: dict[str, None] = {}
    rows = results.rows()
    while page := list(islice(rows, None if results.compared.is_asked else _PAGE)):
        drawing = Drawing(results, page)
        top = drawing.above, drawing.header
        if top != written and drawing.above:
            out.line(drawing.above)
        columns.write(
            out,
            [*([drawing.header] if top != written else []), *drawing.rows()],
            right=drawing.right,
            gives=drawing.numbers_of(GIVES),
            spare=drawing.numbers_of(SPARE),
        )
        written = top
        below |= dict.fromkeys(drawing.below())
    for line in below:
        out.line(line)


def _write_chosen(results: Results, out: Out) -> None:
    """Write the columns that were chosen, a page of rows at a time."""
    rows = results.rows()
    header = [results.columns]
    while (page := list(islice(rows, _PAGE))) or header:
        columns.write(out, [*header, *_plain_rows(results, page)], gives=range(len(results.columns)))
        header = []


def md(results: Results) -> Iterator[str]:
    """Write the same table in Markdown, as wide as it is."""
    rows = list(results.rows())
    if not rows:
        return
    if results.columns:
        yield from _markdown(results.columns, _plain_rows(results, rows))
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
    """Name the selected jobs that have no row, what to know of the comparison, and the form of a file."""
    for state in (JobState.FAILED, JobState.CANCELLED):
        count = results.left_out[state]
        if count == 1:
            yield f"{results.left_out_names[state]}: {state}, not shown (-a)"
        elif count:
            yield f"{count:,} {state}, not shown (-a)"
    if pending := sum(count for state, count in results.left_out.items() if not state.is_final):
        yield f"{pending:,} not ended yet"
    if results.too_high:
        yield f"{counted(results.too_high, 'row')} above --within, not shown"
    if results.not_compared:
        yield f"{counted(results.not_compared, 'row')} not compared with others, not shown"
    if results.without_gas:
        yield f"{counted(results.without_gas, 'job')} without thermochemistry to work out again"
    for error in results.missing[:_SHOWN] if results.found else ():
        yield f"{error.message} ({error.hint})" if error.hint else error.message
    yield from results.comparison.remarks
    if results.file_form:
        yield f"wrote {counted(results.written, 'row')} as {_FORMS[results.file_form]}"


def table(results: Results) -> Table:
    """Return one row a job, numbers with 10 decimals."""
    return Table(
        results.shown, _plain_rows(results, results.rows()), results.compared.numbers(), raw=results.raw
    )


def ids(results: Results) -> Iterator[str]:
    """Return one id a job."""
    return iter(dict.fromkeys(row.job.id for row in results.rows()))


def _plain_rows(results: Results, rows: Iterable[Row]) -> Iterator[list[str]]:
    """Write rows as CSV has them."""
    readers = results.readers()
    for row in rows:
        yield [_plain(name, readers[name](row)) for name in results.shown]


def _plain(name: str, value: Value) -> str:
    """Write a value as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3f}" if name in _SECONDS else f"{value:.10f}"
    return "; ".join(value) if isinstance(value, tuple) else str(value)


_PROPERTIES = "Properties=species:S:1:pos:R:3"
_KEYS = ("state", "formula", "method", "engine", "engine_version", "gradient_norm_hartree_per_bohr")


def extxyz(results: Results) -> Iterator[str]:
    """Write a frame a job, with charge and spin in the comment as nox reads them."""
    readers = results.readers()
    shown = ("energy_", "relative_", "boltzmann_")
    names = (*(name for name in results.compared.fields() if name.startswith(shown)), *_KEYS)
    for row in results.rows():
        if row.geometry is not None:
            values = {name: readers[name](row) for name in names}
            yield from row.geometry.xyz(_comment(row, row.geometry, values))


def _comment(row: Row, geometry: Geometry, values: Mapping[str, Value]) -> str:
    pairs = {
        "name": row.record.name,
        "number": row.job.number,
        "job_id": row.job.id,
        "attempt": row.record.attempt if row.note else None,
        "charge": row.record.charge,
        "uhf": row.record.unpaired_electrons,
        **values,
    }
    words = (f"{key}={_quoted(value)}" for key, value in pairs.items() if value is not None)
    return " ".join([*words, geometry.cell, _PROPERTIES])


def _quoted(value: object) -> str:
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def si(results: Results) -> Iterator[str]:
    """Write a block a job: its name, how it was computed, its energies, its atoms."""
    for row in results.rows():
        if row.geometry is None:
            continue
        charge, unpaired = row.record.charge or 0, row.record.unpaired_electrons or 0
        yield row.job.name or f"job {row.job.number}"
        yield in_words(circumstances(row, results.conditions))
        yield f"{row.record.formula}, charge {jobs.signed(charge)}, multiplicity {unpaired + 1}"
        yield from _energies(row.record, results)
        yield from (f"! {doubt}" for doubt in _doubts(row))
        yield from row.geometry.xyz("" if row.geometry.lattice_angstrom is None else row.geometry.cell)
        yield ""


def _doubts(row: Row) -> Iterator[str]:
    """Name what keeps a geometry from being a result, then the warnings."""
    if row.note:
        yield row.note
    elif not row.is_result:
        yield f"{row.job.state} {job_record.reason(row.job)}".rstrip()
    yield from row.record.warnings


def _energies(record: ResultRecord, results: Results) -> Iterator[str]:
    """Write the energies a paper needs, each on a line."""
    unit = results.compared.unit or EnergyUnit.HARTREE
    at = ", ".join(conditions_in_words(record, results.conditions))
    energies = {
        "E": record.energy_hartree,
        "ZPE": record.zpe_hartree,
        f"H({at})": record.enthalpy_hartree,
        f"G({at})": record.gibbs_hartree,
    }
    for symbol, hartree in energies.items():
        value = results.compared.energy(hartree)
        if value is not None:
            yield f"{symbol} = {value:.{unit.decimals}f} {unit.words}"
    if record.imaginary_modes is not None:
        yield f"imaginary modes: {record.imaginary_modes}"
    if record.lowest_mode_cm1 is not None:
        yield f"lowest mode: {record.lowest_mode_cm1:.1f} cm-1"
