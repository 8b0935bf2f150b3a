"""How `nox results` looks: a table, CSV with units in the names, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nox_cli import moments
from nox_cli.fields import RESULT_FIELDS
from nox_cli.outcomes import Document
from nox_cli.render import columns, jobs
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.commands.results import Results
    from nox_cli.numbers import Row
    from nox_cli.render.columns import Cell
    from nox_cli.render.out import Out

_HEADER = ("#", "name", "q", "unp", "E/Eh", "gap/eV", "dip/D", "|g|", "steps", "time")
_CIRCUMSTANCES = ("calc", "method", "engine")
_RIGHT = frozenset({0, 2, 3, 4, 5, 6, 7, 8, 9})
_NAME = 1
# Time, steps, dipole, gradient norm: energies and gaps stay.
_SPARE = (9, 8, 6, 7)
_SHOWN_PAYLOAD = 40
_SECONDS = frozenset({"wall_s"})


def text(results: Results, out: Out) -> None:
    """Write what all have in common, then a row a job."""
    rows = list(results.rows())
    if results.columns:
        shown = [results.columns, *(_plain_row(row, results.columns) for row in rows)]
        columns.write(out, shown, gives=range(len(results.columns)))
    elif rows:
        _write_rows(rows, out)


def remarks(results: Results) -> Iterator[str]:
    """Say which of the selected jobs have no row."""
    for state in (JobState.FAILED, JobState.CANCELLED):
        count = results.left_out[state]
        if count == 1:
            yield f"{results.left_out_names[state]}: {state}, not shown (-a)"
        elif count:
            yield f"{count} {state}, not shown (-a)"
    if pending := sum(count for state, count in results.left_out.items() if not state.is_final):
        yield f"{pending} not ended yet"


def document(results: Results) -> dict[str, Any]:
    """All rows in one value."""
    return {"items": [{"schema": 1, **item} for item in lines(results)], "cursor": None}


def lines(results: Results) -> Iterator[dict[str, Any]]:
    """One object a job; an echo job's has its payload."""
    for row in results.rows():
        item = {name: row.values[name] for name in results.columns or RESULT_FIELDS}
        yield item | {"payload": row.payload} if row.job.kind == "echo" and not results.columns else item


def table(results: Results) -> tuple[Sequence[str], Iterator[list[str]]]:
    """One row a job, numbers with 10 decimals."""
    names = results.columns or RESULT_FIELDS
    return names, (_plain_row(row, names) for row in results.rows())


def ids(results: Results) -> Iterator[str]:
    """One id a job."""
    return (row.job.id for row in results.rows())


def _write_rows(rows: Sequence[Row], out: Out) -> None:
    """Write rows; what is the same for all that have numbers stands above them, the rest in each."""
    told = [_circumstances(row) for row in rows]
    known = [parts for row, parts in zip(rows, told, strict=True) if row.values["engine_version"]]
    differ = [i for i, parts in enumerate(zip(*(known or told), strict=True)) if len(set(parts)) > 1]
    shared = " · ".join(part for i, part in enumerate((known or told)[0]) if part and i not in differ)
    if shared:
        out.line(shared)
    header = (*_HEADER, *(_CIRCUMSTANCES[i] for i in differ), "note")
    each = [
        [*_row(row), *(parts[i] for i in differ), _note(row)] for row, parts in zip(rows, told, strict=True)
    ]
    columns.write(out, [header, *each], right=_RIGHT, gives=(_NAME, len(header) - 1), spare=_SPARE)
    for row in rows:
        for warning in row.values["warnings"]:
            out.line(f"! {row.job.number}: {warning}")


def _circumstances(row: Row) -> tuple[str, str, str]:
    """Say under which circumstances a row's numbers hold: calculation, method, engine."""
    values = row.values
    asked = Document({"kind": row.job.kind, "opt_level": values["opt_level"], "method": values["method"]})
    calculation, _, method = jobs.calculation(asked).partition(" · ")
    return calculation, method, f"{values['engine'] or ''} {values['engine_version'] or ''}".strip()


def _row(row: Row) -> list[Cell]:
    values = row.values
    return [
        str(row.job.number),
        row.job.name,
        "" if values["charge"] is None else jobs.signed(values["charge"]),
        _shown(values["unpaired_electrons"], "d"),
        _shown(values["energy_hartree"], ".8f"),
        _shown(values["gap_ev"], ".3f"),
        _shown(values["dipole_debye"], ".3f"),
        _shown(values["gradient_norm_hartree_per_bohr"], ".1e"),
        _shown(values["steps"], "d"),
        "" if values["wall_s"] is None else moments.words(values["wall_s"]),
    ]


def _note(row: Row) -> Cell:
    """What else a person should know of a row."""
    job = row.job
    if job.state is not JobState.DONE:
        return jobs.painted(f"{job.state} {jobs.reason(job)}".rstrip(), job.state)
    if row.values["converged"] is False:
        return "not converged"
    if job.kind == "echo":
        return json.dumps(row.payload)[:_SHOWN_PAYLOAD]
    return "!" if row.values["warnings"] else ""


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"


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
