"""Rows of results as a table for people: what all have in common above it, warnings below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render import jobs
from nox_cli.results.comparison import SYMBOLS
from nox_cli.results.documents import Document
from nox_cli.results.energies import HARTREE_SUFFIX, EnergyUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.commands.results import Results
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.results.comparison import Comparison
    from nox_cli.results.comparison_options import ComparisonOptions
    from nox_cli.results.conditions import Conditions
    from nox_cli.results.rows import Row

_CIRCUMSTANCES = ("calc", "method", "in", "T", "state", "engine")
_LEFT = frozenset({"name", *_CIRCUMSTANCES, "note"})
GIVES = frozenset({"name", "calc", "method", "in", "engine", "note"})
# What goes first where a terminal is narrow: energies and gaps stay.
SPARE = ("time", "steps", "dip/D", "|g|", "gap/eV", "low/cm-1", "engine")
_SHOWN_PAYLOAD = 40
_NOT_COMPARED = "-"
_WITH_IMAGE = 2
# What a verdict is called in a row, the gravest first.
_DOUBTS = {
    "positive_energy": "energy",
    "bonds_changed": "bonds",
    "not_stationary": "slope",
    "imaginary_modes": "saddle",
    "unbound": "unbound",
    "small_gap": "gap",
    "gamma_point": "gamma",
}


Told = tuple[str, str, str, str, str, str]


class Drawing:
    """A table of results: the line above it, its header, its rows, the lines below it."""

    def __init__(self, results: Results, rows: Sequence[Row]) -> None:
        self._results = results
        self._rows = rows
        self._told = [circumstances(row, results.conditions) for row in rows]
        computed = [row for row in zip(rows, self._told, strict=True) if row[0].values["engine_version"]]
        kinds = [dict.fromkeys(filter(None, parts)) for parts in zip(*self._shared(computed), strict=True)]
        self._differ = [i for i, parts in enumerate(kinds) if len(parts) > 1]
        self.above = in_words(["" if len(parts) > 1 else "".join(parts) for parts in kinds])
        self._columns = dict(self._used_columns())

    def _shared(self, computed: Sequence[tuple[Row, Told]]) -> Sequence[Told]:
        """What may be shared: rows that were not computed, beside others that were, have no say."""
        return [told for _, told in computed] or self._told

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return (*self._columns, *(_CIRCUMSTANCES[i] for i in self._differ), "note")

    @property
    def right(self) -> frozenset[int]:
        """Which columns stand to the right."""
        return frozenset(i for i, name in enumerate(self.header) if name not in _LEFT)

    def numbers_of(self, names: Sequence[str] | frozenset[str]) -> list[int]:
        """Find columns by their names, in that order; those that are not there are left out."""
        return [self.header.index(name) for name in names if name in self.header]

    def rows(self) -> Iterator[list[Cell]]:
        """Write each row."""
        for row, parts in zip(self._rows, self._told, strict=True):
            cells = [write(row) for write in self._columns.values()]
            yield [*cells, *(parts[i] for i in self._differ), _note(row)]

    def below(self) -> Iterator[str]:
        """Say what belongs to the numbers."""
        if self._results.compared.is_asked:
            yield f"{self._results.comparison.symbol} {_WITHIN}"
            if len(self._results.comparison.quantities) > 1:
                yield "G where every row that is compared with the others has one, else E"
        if any(row.values.get("degeneracy") == _WITH_IMAGE for row in self._rows):
            yield "deg 2: counted with its mirror image, which is not among these (--no-mirror: without)"
        for row in self._rows:
            for warning in row.values["warnings"]:
                yield f"! {row.job.number}: {warning}"

    def _used_columns(self) -> Iterator[tuple[str, Callable[[Row], Cell]]]:
        """Name the columns that these rows need."""
        for name, (field, write) in self._all_columns().items():
            if field is None or any(row.values.get(field) is not None for row in self._rows):
                yield name, write

    def _all_columns(self) -> dict[str, tuple[str | None, Callable[[Row], Cell]]]:
        """Every column: its name, the field it is left out without, and how a row fills it."""
        unit = self._results.compared.unit or EnergyUnit.HARTREE
        energy = f".{unit.decimals}f"
        return {
            "#": (None, lambda row: str(row.job.number)),
            "name": (None, lambda row: row.job.name),
            "q": (None, _charge),
            "unp": (None, lambda row: _shown(row, "unpaired_electrons", "d")),
            f"E/{unit.sign}": (None, lambda row: _shown(row, unit.named("energy"), energy)),
            f"G/{unit.sign}": ("gibbs_hartree", lambda row: _shown(row, unit.named("gibbs"), energy)),
            **_comparison_columns(self._results.compared, self._results.comparison),
            "im": ("imaginary_modes", lambda row: _shown(row, "imaginary_modes", "d")),
            "low/cm-1": ("lowest_mode_cm1", lambda row: _shown(row, "lowest_mode_cm1", ".0f")),
            "gap/eV": (None, lambda row: _shown(row, "gap_ev", ".3f")),
            "dip/D": (None, lambda row: _shown(row, "dipole_debye", ".3f")),
            "|g|": (None, lambda row: _shown(row, "gradient_norm_hartree_per_bohr", ".1e")),
            "steps": (None, lambda row: _shown(row, "steps", "d")),
            "time": (None, _time),
        }


_WITHIN = "within one formula, charge, method, engine and conditions only"


def _comparison_columns(
    compared: ComparisonOptions, comparison: Comparison
) -> dict[str, tuple[str | None, Callable[[Row], Cell]]]:
    unit = compared.difference_unit
    found: dict[str, tuple[str | None, Callable[[Row], Cell]]] = {}
    if compared.is_asked:
        form = ".6f" if unit is EnergyUnit.HARTREE else ".2f"
        found[f"{comparison.symbol}/{unit.sign}"] = (
            None,
            lambda row: _shown(row, compared.relative_field, form, missing=_NOT_COMPARED),
        )
    if len(comparison.quantities) > 1:
        found["by"] = ("compared_by", _compared_by)
    if compared.boltzmann:
        found["w/%"] = (None, _weight)
        found["deg"] = ("degeneracy", lambda row: _shown(row, "degeneracy", "d"))
    return found


def circumstances(row: Row, conditions: Conditions) -> Told:
    """Say under which circumstances a row's numbers hold, in the order of `_CIRCUMSTANCES`."""
    values = row.values
    names = ("opt_level", "method", "solvation", "solvent", "spin_polarised", "program_input")
    options = (values["program_options"] or "").split()
    asked = Document(
        {"kind": row.job.kind, "program_options": options} | {name: values[name] for name in names}
    )
    calculation, _, rest = jobs.calculation(asked, is_crystal=bool(values["is_crystal"])).partition(" · ")
    method, _, medium = rest.partition(" · ")
    engine = f"{values['engine'] or ''} {values['engine_version'] or ''}".strip()
    return calculation, method, medium, *conditions_in_words(row, conditions), engine


def in_words(told: Sequence[str]) -> str:
    """Write circumstances on one line: `opt tight + freq · GFN2-xTB · gas phase · 298.15 K, 1 atm · ...`."""
    *first, temperature, state, engine = told
    at = ", ".join(filter(None, (temperature, state)))
    return " · ".join(filter(None, (*first, at, engine)))


def conditions_in_words(row: Row, conditions: Conditions) -> tuple[str, str]:
    """Say at which temperature and in which standard state free energies are; empty: there are none."""
    temperature_k, pressure_pa = row.values["temperature_k"], row.values["pressure_pa"]
    temperature = "" if temperature_k is None else f"{temperature_k:g} K"
    if pressure_pa is None:
        return temperature, ""
    return temperature, conditions.standard_state.words if conditions.standard_state else jobs.pressure(
        pressure_pa
    )


def _charge(row: Row) -> str:
    charge = row.values["charge"]
    return "" if charge is None else jobs.signed(charge)


def _compared_by(row: Row) -> str:
    by = row.values["compared_by"]
    return _NOT_COMPARED if by is None else SYMBOLS[by + HARTREE_SUFFIX]


def _weight(row: Row) -> str:
    same, weight = row.values["same_conformer_as"], row.values["boltzmann_weight"]
    if same is not None:
        return f"= {same}"
    return _NOT_COMPARED if weight is None else f"{100 * weight:.1f}"


def _time(row: Row) -> str:
    seconds = row.values["wall_s"]
    return "" if seconds is None else times.words(seconds)


def _note(row: Row) -> Cell:
    """What else a person should know of a row."""
    job = row.job
    if not row.is_result:
        return row.note or jobs.painted(f"{job.state} {jobs.reason(job)}".rstrip(), job.state)
    return "  ".join(filter(None, (_doubt(row), row.note)))


def _doubt(row: Row) -> str:
    """What is to be known of a result itself; of an echo job what it returned."""
    if row.values["converged"] is False:
        return "not converged"
    if row.job.kind == "echo":
        return json.dumps(row.payload)[:_SHOWN_PAYLOAD]
    if not row.values["warnings"]:
        return ""
    said = [word for verdict, word in _DOUBTS.items() if verdict in row.values["verdicts"]]
    return " ".join(["!", *said[:1]])


def _shown(row: Row, field: str, form: str, *, missing: str = "") -> str:
    value = row.values[field]
    return missing if value is None else f"{value:{form}}"
