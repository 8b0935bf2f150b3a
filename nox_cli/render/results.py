"""Results as a table, CSV, JSON, Markdown, extended xyz, or blocks of a supporting information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.counts import counted
from nox_cli.render import jobs
from nox_cli.render.results_table import GIVES, SPARE, Drawing, circumstances, conditions_in_words, in_words
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.columns import Table
from nox_cli.render.terminal.out import Painted
from nox_cli.results.energies import EnergyUnit
from nox_cli.text import markdown
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.commands.results import Results
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.geometry import Geometry
    from nox_cli.results.rows import Row

_SHOWN = 20
_SECONDS = frozenset({"wall_s"})


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


_PROPERTIES = "Properties=species:S:1:pos:R:3"
_KEYS = ("state", "formula", "method", "engine", "engine_version", "gradient_norm_hartree_per_bohr")


def extxyz(results: Results) -> Iterator[str]:
    """A frame a job; charge and spin stand in the comment as nox reads them."""
    for row in results.rows():
        if row.geometry is not None:
            yield from row.geometry.xyz(_comment(row, row.geometry, results))


def _comment(row: Row, geometry: Geometry, results: Results) -> str:
    values = row.values
    energies = [
        name for name in results.compared.fields() if name.startswith(("energy_", "relative_", "boltzmann_"))
    ]
    pairs = {
        "name": values["name"],
        "number": row.job.number,
        "job_id": row.job.id,
        "attempt": values["attempt"] if row.note else None,
        "charge": values["charge"],
        "uhf": values["unpaired_electrons"],
        **{name: values[name] for name in (*energies, *_KEYS)},
    }
    said = (f"{key}={_quoted(value)}" for key, value in pairs.items() if value is not None)
    return " ".join([*said, geometry.cell, _PROPERTIES])


def _quoted(value: object) -> str:
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def si(results: Results) -> Iterator[str]:
    """A block a job: its name, how it was computed, its energies, its atoms."""
    for row in results.rows():
        if row.geometry is None:
            continue
        yield row.job.name or f"job {row.job.number}"
        yield in_words(circumstances(row, results.conditions))
        yield f"{row.values['formula']}, {_charge_and_spin(row)}"
        yield from _energies(row, results)
        yield from (f"! {doubt}" for doubt in _doubts(row))
        yield from row.geometry.xyz("" if row.geometry.lattice_angstrom is None else row.geometry.cell)
        yield ""


def _doubts(row: Row) -> Iterator[str]:
    """Say what keeps a geometry from being a result, and what else was warned of."""
    if row.note:
        yield row.note
    elif not row.is_result:
        yield f"{row.job.state} {jobs.reason(row.job)}".rstrip()
    yield from row.values["warnings"]


def _charge_and_spin(row: Row) -> str:
    charge, unpaired = row.values["charge"] or 0, row.values["unpaired_electrons"] or 0
    return f"charge {jobs.signed(charge)}, multiplicity {unpaired + 1}"


def _energies(row: Row, results: Results) -> Iterator[str]:
    """Write the energies a paper needs, each on a line."""
    unit = results.compared.unit or EnergyUnit.HARTREE
    values = row.values
    at = ", ".join(conditions_in_words(row, results.conditions))
    named = {"E": "energy", "ZPE": "zpe", f"H({at})": "enthalpy", f"G({at})": "gibbs"}
    for symbol, name in named.items():
        value = values[unit.named(name)]
        if value is not None:
            yield f"{symbol} = {value:.{unit.decimals}f} {unit.words}"
    if values["imaginary_modes"] is not None:
        yield f"imaginary modes: {values['imaginary_modes']}"
    if values["lowest_mode_cm1"] is not None:
        yield f"lowest mode: {values['lowest_mode_cm1']:.1f} cm-1"
