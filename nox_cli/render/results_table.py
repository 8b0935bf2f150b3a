"""Rows of results as a table for people: what all have in common above it, warnings below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render import jobs
from nox_cli.results import job_record
from nox_cli.results.columns import EnergyUnit
from nox_cli.results.comparison import SYMBOLS
from nox_cli.results.documents import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.results.comparison import Comparison, ComparisonOptions, Standing
    from nox_cli.results.query import Results
    from nox_cli.results.record import ResultRecord
    from nox_cli.results.rows import Row
    from nox_cli.results.thermochemistry import Conditions

_CIRCUMSTANCES = ("calc", "method", "in", "T", "state", "engine")
_LEFT = frozenset({"name", *_CIRCUMSTANCES, "note"})
GIVES = frozenset({"name", "calc", "method", "in", "engine", "note"})
# What goes first where a terminal is narrow: energies and gaps stay.
SPARE = ("time", "steps", "dip/D", "|g|", "gap/eV", "low/cm-1", "engine")
_SHOWN_PAYLOAD = 40
_NOT_COMPARED = "-"
_WITH_IMAGE = 2
# Verdicts in a word, the gravest first.
_DOUBTS = {
    "positive_energy": "energy",
    "coulomb_explosion": "apart",
    "bonds_changed": "bonds",
    "not_stationary": "slope",
    "imaginary_modes": "saddle",
    "unbound": "unbound",
    "small_gap": "gap",
    "gamma_point": "gamma",
}


Circumstances = tuple[str, str, str, str, str, str]
Column = tuple["Callable[[Row], object] | None", "Callable[[Row], Cell]"]


class Drawing:
    """A table of results: the line above it, its header, its rows, the lines below it."""

    def __init__(self, results: Results, rows: Sequence[Row]) -> None:
        self._results = results
        self._rows = rows
        self._circumstances = [circumstances(row, results.conditions) for row in rows]
        computed = [
            row for row in zip(rows, self._circumstances, strict=True) if row[0].record.engine_version
        ]
        kinds = [dict.fromkeys(filter(None, parts)) for parts in zip(*self._shared(computed), strict=True)]
        self._differ = [i for i, parts in enumerate(kinds) if len(parts) > 1]
        self.above = in_words(["" if len(parts) > 1 else "".join(parts) for parts in kinds])
        self._columns = dict(self._used_columns())

    def _shared(self, computed: Sequence[tuple[Row, Circumstances]]) -> Sequence[Circumstances]:
        """Return what may be shared: rows that were not computed do not count, if others were."""
        return [parts for _, parts in computed] or self._circumstances

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return (*self._columns, *(_CIRCUMSTANCES[i] for i in self._differ), "note")

    @property
    def right(self) -> frozenset[int]:
        """The columns that are aligned to the right."""
        return frozenset(i for i, name in enumerate(self.header) if name not in _LEFT)

    def numbers_of(self, names: Sequence[str] | frozenset[str]) -> list[int]:
        """Find columns by their names, in that order; those that are not there are left out."""
        return [self.header.index(name) for name in names if name in self.header]

    def rows(self) -> Iterator[list[Cell]]:
        """Write each row."""
        for row, parts in zip(self._rows, self._circumstances, strict=True):
            cells = [write(row) for write in self._columns.values()]
            yield [*cells, *(parts[i] for i in self._differ), _note(row)]

    def below(self) -> Iterator[str]:
        """Write what a reader must know of the numbers."""
        if self._results.compared.is_asked:
            yield f"{self._results.comparison.symbol} {_WITHIN}"
            if len(self._results.comparison.quantities) > 1:
                yield "G where every row that is compared with the others has one, else E"
        comparison = self._results.comparison
        if any(comparison.of(row).degeneracy == _WITH_IMAGE for row in self._rows):
            yield "deg 2: counted with its mirror image, which is not among these (--no-mirror: without)"
        for row in self._rows:
            for warning in row.record.warnings:
                yield f"! {row.job.number}: {warning}"

    def _used_columns(self) -> Iterator[tuple[str, Callable[[Row], Cell]]]:
        """Name the columns that these rows need."""
        for name, (read, write) in self._all_columns().items():
            if read is None or any(read(row) is not None for row in self._rows):
                yield name, write

    def _all_columns(self) -> dict[str, Column]:
        """Return every column: its name, the value it is left out without, and how a row fills it."""
        compared = self._results.compared
        unit = compared.unit or EnergyUnit.HARTREE
        energy = f".{unit.decimals}f"
        return {
            "#": (None, lambda row: str(row.job.number)),
            "name": (None, lambda row: row.job.name),
            "q": (None, _charge),
            "unp": (None, lambda row: _shown(row.record.unpaired_electrons, "d")),
            f"E/{unit.sign}": (None, lambda row: _shown(compared.energy(row.record.energy_hartree), energy)),
            f"G/{unit.sign}": (
                lambda row: row.record.gibbs_hartree,
                lambda row: _shown(compared.energy(row.record.gibbs_hartree), energy),
            ),
            **_comparison_columns(compared, self._results.comparison),
            "im": (
                lambda row: row.record.imaginary_modes,
                lambda row: _shown(row.record.imaginary_modes, "d"),
            ),
            "low/cm-1": (
                lambda row: row.record.lowest_mode_cm1,
                lambda row: _shown(row.record.lowest_mode_cm1, ".0f"),
            ),
            "gap/eV": (None, lambda row: _shown(row.record.gap_ev, ".3f")),
            "dip/D": (None, lambda row: _shown(row.record.dipole_debye, ".3f")),
            "|g|": (None, lambda row: _shown(row.record.gradient_norm_hartree_per_bohr, ".1e")),
            "steps": (None, lambda row: _shown(row.record.steps, "d")),
            "time": (None, _time),
        }


_WITHIN = "within one formula, charge, method, engine and conditions only"


def _comparison_columns(compared: ComparisonOptions, comparison: Comparison) -> dict[str, Column]:
    unit = compared.difference_unit
    found: dict[str, Column] = {}
    if compared.is_asked:
        form = f".{unit.difference_decimals}f"
        found[f"{comparison.symbol}/{unit.sign}"] = (
            None,
            lambda row: _shown(compared.relative_energy(comparison.of(row)), form, missing=_NOT_COMPARED),
        )
    if len(comparison.quantities) > 1:
        found["by"] = (
            lambda row: comparison.of(row).compared_by,
            lambda row: _compared_by(comparison.of(row)),
        )
    if compared.boltzmann:
        found["w/%"] = (None, lambda row: _weight(comparison.of(row)))
        found["deg"] = (
            lambda row: comparison.of(row).degeneracy,
            lambda row: _shown(comparison.of(row).degeneracy, "d"),
        )
    return found


def circumstances(row: Row, conditions: Conditions) -> Circumstances:
    """Describe how a row was calculated, in the order of `_CIRCUMSTANCES`."""
    record = row.record
    spec = Document(
        {
            "kind": row.job.kind,
            "opt_level": record.opt_level,
            "method": record.method,
            "solvation": record.solvation,
            "solvent": record.solvent,
            "spin_polarised": record.spin_polarised,
            "program_options": list(record.program_options),
            "program_input": record.program_input,
        }
    )
    calculation, _, rest = jobs.calculation(spec, is_crystal=bool(record.is_crystal)).partition(" · ")
    method, _, medium = rest.partition(" · ")
    engine = f"{record.engine or ''} {record.engine_version or ''}".strip()
    return calculation, method, medium, *conditions_in_words(record, conditions), engine


def in_words(parts: Sequence[str]) -> str:
    """Write circumstances on one line: `opt tight + freq · GFN2-xTB · gas phase · 298.15 K, 1 atm · ...`."""
    *first, temperature, state, engine = parts
    at = ", ".join(filter(None, (temperature, state)))
    return " · ".join(filter(None, (*first, at, engine)))


def conditions_in_words(record: ResultRecord, conditions: Conditions) -> tuple[str, str]:
    """Write the temperature and the standard state of free energies; empty: there are none."""
    temperature = "" if record.temperature_k is None else f"{record.temperature_k:g} K"
    if record.pressure_pa is None:
        return temperature, ""
    state = conditions.standard_state
    return temperature, state.words if state else jobs.pressure(record.pressure_pa)


def _charge(row: Row) -> str:
    charge = row.record.charge
    return "" if charge is None else jobs.signed(charge)


def _compared_by(standing: Standing) -> str:
    return _NOT_COMPARED if standing.compared_by is None else SYMBOLS[standing.quantity]


def _weight(standing: Standing) -> str:
    if standing.same_as is not None:
        return f"= {standing.same_as}"
    return _NOT_COMPARED if standing.weight is None else f"{100 * standing.weight:.1f}"


def _time(row: Row) -> str:
    seconds = row.record.wall_s
    return "" if seconds is None else times.words(seconds)


def _note(row: Row) -> Cell:
    """Write a remark on a row."""
    job = row.job
    if not row.is_result:
        return row.note or jobs.painted(f"{job.state} {job_record.reason(job)}".rstrip(), job.state)
    return "  ".join(filter(None, (_doubt(row), row.note)))


def _doubt(row: Row) -> str:
    """Write the gravest doubt about a result; of an echo job its payload."""
    if row.record.converged is False and "coulomb_explosion" not in row.record.verdicts:
        return "not converged"
    if row.job.kind == "echo":
        return json.dumps(row.payload)[:_SHOWN_PAYLOAD]
    if not row.record.warnings:
        return ""
    words = [word for verdict, word in _DOUBTS.items() if verdict in row.record.verdicts]
    return " ".join(["!", *words[:1]])


def _shown(value: float | None, form: str, *, missing: str = "") -> str:
    return missing if value is None else f"{value:{form}}"
