"""Energies relative to each other, and Boltzmann weights: only between rows that may be compared.

Rows are compared within equal formula, charge, method, solvation, electronic temperature, engine and what
the xtb program was handed as it is.  What a warning makes doubtful stays out: a row that did not end well or
whose bonds changed is not compared at all; one with an imaginary mode is, but is nobody's reference and has
no weight.  Free energies are compared at one temperature and pressure; a geometry that is not stationary has
none, and stays out of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nox_cli.results.energies import BOLTZMANN_HARTREE_PER_K, EnergyUnit
from nox_cli.results.inertia import are_alike
from nox_cli.results.mirrors import Mirrors
from workers.names import TEMPERATURE_K

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nox_cli.results.inertia import Moments
    from nox_cli.results.rows import Row

ENERGY, GIBBS = "energy_hartree", "gibbs_hartree"
SYMBOLS = {GIBBS: "G", ENERGY: "E"}
# Two rows are one conformer if they are as near as this, and their moments of inertia within 1 %.
SAME_KCAL_PER_MOL = 0.05
_SAME_HARTREE = SAME_KCAL_PER_MOL / EnergyUnit.KCAL.of(1.0)
_ALIKE = (
    "formula",
    "is_crystal",
    "charge",
    "method",
    "solvation",
    "solvent",
    "spin_polarised",
    "own_options",
    "program_input",
    "electronic_temperature_k",
    "engine",
    "engine_version",
)
_SHOWN = 6
_ENGINE = ("engine", "engine_version")
_STATE = ("temperature_k", "pressure_pa")

Key = tuple[str, float | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one row stands among those it may be compared with; None: it is not compared so."""

    relative_hartree: float | None = None
    weight: float | None = None
    same_as: int | None = None  # the number of the job whose conformer it is again
    degeneracy: int | None = None  # how often its conformer is counted: 2 with its mirror image
    quantity: str = ENERGY  # or GIBBS: what it is compared by


@dataclass(slots=True)
class Comparison:
    """The standing of every compared row."""

    standings: dict[Key, Standing] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def quantities(self) -> frozenset[str]:
        """What rows are compared by: free energies, energies, or each in other groups."""
        return frozenset(standing.quantity for standing in self.standings.values())

    @property
    def symbol(self) -> str:
        """What a table calls the difference."""
        symbols = [symbol for name, symbol in SYMBOLS.items() if name in self.quantities]
        return ",".join(f"d{symbol}" for symbol in symbols) or "dE"

    def of(self, row: Row) -> Standing:
        """Say how a row stands."""
        return self.standings.get(row.key, Standing())


def compare(
    rows: Sequence[Row],
    *,
    keep_reacted: bool = False,
    weigh: bool = False,
    mirrored: bool = True,
    at_temperatures: bool = False,
) -> Comparison:
    """Compare rows.

    Args:
        rows: all of them.
        keep_reacted: those whose bonds changed too.
        weigh: give Boltzmann weights, after equal conformers were merged.
        mirrored: a chiral conformer of an achiral molecule is another one than its mirror image, which counts
            also where it is not among the rows.
        at_temperatures: each row is of the temperature it names, even where energies are compared.
    """
    sound = [row for row in rows if _is_sound(row, keep_reacted=keep_reacted)]
    groups = _groups(sound, _ALIKE)
    found, mirrors = Comparison(), Mirrors() if mirrored else None
    for group in groups:
        quantity = _quantity(group)
        for part in _parts(group, quantity, at_temperatures=at_temperatures):
            standings = _relative(part, quantity)
            if weigh:
                named = part[0].values.get(_STATE[0]) if quantity == GIBBS or at_temperatures else None
                standings = _weighted(part, standings, named or TEMPERATURE_K, mirrors)
            found.standings |= standings
    found.remarks += _remarks(sound, groups)
    if mirrors is not None and mirrors.unknown:
        jobs = ", ".join(map(str, sorted(mirrors.unknown)[:_SHOWN]))
        more = ", ..." if len(mirrors.unknown) > _SHOWN else ""
        found.remarks.append(
            f"mirror images are not counted where chirality cannot be told: job {jobs}{more}"
        )
    return found


def _quantity(group: Sequence[Row]) -> str:
    """Say what a group is compared by: G, if every row has it whose geometry allows of it."""
    able = [row for row in group if not _is_slope(row)]
    has_gibbs = bool(able) and all(map(_has_gibbs, able))
    return GIBBS if has_gibbs else ENERGY


def _parts(group: Sequence[Row], quantity: str, *, at_temperatures: bool) -> list[list[Row]]:
    """Divide a group by temperature and pressure, where these matter; rows come by rising energy."""
    if quantity == GIBBS:
        parts = _groups(filter(_has_gibbs, group), _STATE)
    else:
        parts = _groups(group, _STATE[:1] if at_temperatures else ())
    return [sorted(part, key=lambda row: float(row.values[quantity])) for part in parts]


def _is_sound(row: Row, *, keep_reacted: bool) -> bool:
    values = row.values
    has_reacted = bool(values.get("bonds_changed")) and not keep_reacted
    return values[ENERGY] is not None and values["converged"] is not False and not has_reacted


def _has_gibbs(row: Row) -> bool:
    return row.values.get(GIBBS) is not None


def _is_slope(row: Row) -> bool:
    return "not_stationary" in row.values.get("verdicts", ())


def _groups(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    """Put rows together that may be compared; one alone is compared with nothing."""
    found: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row.values.get(name) for name in names)].append(row)
    return [group for group in found.values() if len(group) > 1]


def _is_stationary(row: Row) -> bool:
    return not row.values.get("imaginary_modes")


def _relative(ordered: Sequence[Row], quantity: str) -> dict[Key, Standing]:
    """Count from the lowest row that is no saddle point."""
    lowest = next((row for row in ordered if _is_stationary(row)), ordered[0]).values[quantity]
    return {row.key: Standing(row.values[quantity] - lowest, quantity=quantity) for row in ordered}


def _weighted(
    ordered: Sequence[Row],
    standings: Mapping[Key, Standing],
    temperature_k: float,
    mirrors: Mirrors | None,
) -> dict[Key, Standing]:
    """Give each conformer its Boltzmann weight; one that is there again has that of the first."""
    minima = [row for row in ordered if _is_stationary(row)]
    same = _repeated(minima, standings[ordered[0].key].quantity, mirrors)
    distinct = [row for row in minima if row.key not in same]
    counts = [1] * len(distinct) if mirrors is None else mirrors.degeneracies(distinct)
    kt = BOLTZMANN_HARTREE_PER_K * temperature_k
    factors = [
        count * math.exp(-(standings[row.key].relative_hartree or 0.0) / kt)
        for row, count in zip(distinct, counts, strict=True)
    ]
    total = math.fsum(factors)
    found = {
        row.key: replace(standings[row.key], weight=factor / total, degeneracy=count)
        for row, factor, count in zip(distinct, factors, counts, strict=True)
    }
    repeated = {key: replace(standings[key], same_as=number) for key, number in same.items()}
    return {**standings, **found, **repeated}


def _repeated(ordered: Sequence[Row], quantity: str, mirrors: Mirrors | None) -> dict[Key, int]:
    """Find rows that are the conformer of one before them; rows come by rising energy."""
    found: dict[Key, int] = {}
    distinct: list[Row] = []
    for row in ordered:
        twin = _twin(row, distinct, quantity, mirrors)
        if twin is None:
            distinct.append(row)
        else:
            found[row.key] = twin.job.number
    return found


def _twin(row: Row, distinct: Sequence[Row], quantity: str, mirrors: Mirrors | None) -> Row | None:
    """Find a conformer among those before a row that is the same; those further down are out of reach."""
    for one in reversed(distinct):
        if row.values[quantity] - one.values[quantity] > _SAME_HARTREE:
            return None
        if _is_same(one, row) and (mirrors is None or not mirrors.are_images(one, row)):
            return one
    return None


def _is_same(one: Row, other: Row) -> bool:
    has_equal_spin = one.values["unpaired_electrons"] == other.values["unpaired_electrons"]
    return has_equal_spin and are_alike(_moments(one), _moments(other))


def _moments(row: Row) -> Moments | None:
    return None if row.geometry is None else row.geometry.moments


def _remarks(sound: Sequence[Row], groups: Sequence[Sequence[Row]]) -> list[str]:
    """Say what a person must know of the comparison."""
    remarks = []
    mixed = [group for group in groups if _quantity(group) == ENERGY and any(map(_has_gibbs, group))]
    if mixed:
        formulas = {str(group[0].values["formula"]) for group in mixed}
        which = "" if len(groups) == 1 else f" of {', '.join(sorted(formulas))}"
        remarks.append(f"not every row{which} has a G: E is compared")
    engines = _engines_that_part(sound)
    if engines:
        remarks.append(f"rows of different engines are not compared: {', '.join(engines)}")
    spins = [group for group in groups if len({row.values["unpaired_electrons"] for row in group}) > 1]
    if any(not row.values.get("spin_polarised") for group in spins for row in group):
        remarks.append("different spins are compared without --spinpol: their order is not sure")
    return remarks


def _engines_that_part(rows: Iterable[Row]) -> list[str]:
    """Name the engines of rows that would be compared if their engine were the same."""
    found: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for row in rows:
        key = tuple(row.values.get(name) for name in _ALIKE if name not in _ENGINE)
        found[key].add(" ".join(str(row.values[name]) for name in _ENGINE))
    return sorted({engine for engines in found.values() if len(engines) > 1 for engine in engines})
