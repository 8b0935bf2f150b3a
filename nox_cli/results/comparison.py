"""Energies relative to each other, and Boltzmann weights: only between rows that may be compared.

Rows are compared within equal formula, charge, method, solvation, electronic temperature, engine and options
of the xtb program.  Doubtful rows stay out: one that did not converge or whose bonds changed is not compared
at all; one with an imaginary mode is compared, but is no reference and has no weight.  Free energies are
compared at one temperature and pressure; a geometry that is not stationary has none, and stays out of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from nox_cli.results.columns import ENERGY_FIELDS, HARTREE_SUFFIX, NUMBER_FIELDS, EnergyUnit
from nox_cli.results.geometry import are_alike
from nox_cli.results.mirrors import Mirrors
from nox_cli.results.record import RESULT_FIELDS
from workers.errors import UsageError
from workers.names import TEMPERATURE_K

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nox_cli.results.rows import Row

Quantity = Literal["energy_hartree", "gibbs_hartree"]
Obstacle = Literal["no_energy", "not_converged", "bonds_changed", "not_stationary", "alone"]
ENERGY: Quantity = "energy_hartree"
GIBBS: Quantity = "gibbs_hartree"
SYMBOLS = {GIBBS: "G", ENERGY: "E"}
# Two rows are one conformer if they are as near as this, and their moments of inertia within 1 %.
SAME_KCAL_PER_MOL = 0.05
_SAME_HARTREE = SAME_KCAL_PER_MOL / EnergyUnit.KCAL.of(1.0)
# Rows are compared within equal values of these fields.
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
Value = str | float | tuple[str, ...] | None


class Standing(NamedTuple):
    """The place of a row among those it may be compared with; None: it is not compared in this way."""

    relative_hartree: float | None = None
    weight: float | None = None
    reference: int | None = None  # the number of the job from which the energy is counted
    same_as: int | None = None  # the number of the job of the same conformer, which has the weight
    degeneracy: int | None = None  # 2: its conformer is counted with its mirror image
    quantity: Quantity = ENERGY
    obstacle: Obstacle | None = None  # why the row is not compared; "alone": with no other row

    @property
    def compared_by(self) -> str | None:
        """The quantity without its unit: `energy` or `gibbs`; None: the row is not compared."""
        return None if self.relative_hartree is None else self.quantity.removesuffix(HARTREE_SUFFIX)


@dataclass(slots=True)
class Comparison:
    """The standing of every compared row."""

    standings: dict[Key, Standing] = field(default_factory=dict)
    obstacles: dict[Key, Obstacle] = field(default_factory=dict)  # of the rows that are not compared
    groups: list[list[Row]] = field(default_factory=list)  # rows that are compared, by rising energy
    remarks: list[str] = field(default_factory=list)

    @property
    def quantities(self) -> frozenset[Quantity]:
        """The quantities that are compared: free energies, energies, or each in other groups."""
        return frozenset(standing.quantity for standing in self.standings.values())

    @property
    def symbol(self) -> str:
        """The symbol of the difference in a table."""
        symbols = [symbol for name, symbol in SYMBOLS.items() if name in self.quantities]
        return ",".join(f"d{symbol}" for symbol in symbols) or "dE"

    def of(self, row: Row) -> Standing:
        """Return the standing of a row."""
        return self.standings.get(row.key) or Standing(obstacle=self.obstacles.get(row.key))


class ComparisonOptions(NamedTuple):
    """Options of the comparison of energies, and the unit of all energies."""

    unit: EnergyUnit | None = None  # None: hartree; kcal/mol for differences
    relative: bool = False  # to the lowest energy that is comparable
    boltzmann: bool = False  # weights at 298.15 K, or at the temperatures that are asked for
    within: float | None = None  # only rows up to this far above the lowest energy, in the unit
    keep_reacted: bool = False  # compare structures whose bonds have changed, too
    no_mirror: bool = False  # do not count mirror images of chiral conformers
    electronic: bool = False  # compare energies even where every row has a free energy

    def check(self) -> None:
        """Check that no option is without effect.

        Raises:
            UsageError: one is.
        """
        for option, is_set in (("--keep-reacted", self.keep_reacted), ("--electronic", self.electronic)):
            if is_set and not self.is_asked:
                raise UsageError(
                    f"{option} is about what is compared, and nothing is",
                    hint="add --relative or --boltzmann",
                )
        if self.no_mirror and not self.boltzmann:
            raise UsageError("--no-mirror is about weights, and none are asked for", hint="add --boltzmann")

    @property
    def is_asked(self) -> bool:
        """Whether anything is compared."""
        return self.relative or self.boltzmann or self.within is not None

    @property
    def difference_unit(self) -> EnergyUnit:
        """The unit of relative energies."""
        return self.unit or EnergyUnit.KCAL

    @property
    def relative_field(self) -> str:
        """The column of relative energies."""
        return self.difference_unit.named("relative")

    def named(self, field: str) -> str:
        """Name a column, an energy in its unit."""
        return self.unit.named(field) if self.unit and field in ENERGY_FIELDS else field

    def fields(self) -> tuple[str, ...]:
        """Name the columns that are shown, energies in their unit."""
        named = [self.named(name) for name in RESULT_FIELDS]
        if self.is_asked:
            named += [self.relative_field, "compared_by"]
        if self.boltzmann:
            named += ["boltzmann_weight", "same_conformer_as", "degeneracy"]
        if self.is_asked:  # at the end, since scripts count columns
            named += ["reference", "not_compared"]
        return tuple(named)

    def numbers(self) -> frozenset[str]:
        """Name the columns that hold numbers, energies in hartree and in their unit."""
        named = (self.named(name) for name in NUMBER_FIELDS)
        compared = (
            self.relative_field, "reference", "boltzmann_weight", "same_conformer_as", "degeneracy",
        )  # fmt: skip
        return NUMBER_FIELDS.union(named, compared)

    def energy(self, hartree: float | None) -> float | None:
        """Convert an energy into the unit; one that is not finite, as in a damaged record, is None."""
        return hartree if self.unit is None else _in(self.unit, hartree)

    def relative_energy(self, standing: Standing) -> float | None:
        """Return a relative energy in its unit."""
        return _in(self.difference_unit, standing.relative_hartree)

    def readers(self, standing: Callable[[Row], Standing]) -> dict[str, Callable[[Row], Value]]:
        """Return for each column, also for energies in hartree, the function that reads it of a row."""
        found: dict[str, Callable[[Row], Value]] = {
            name: attrgetter(f"record.{name}") for name in RESULT_FIELDS
        }
        found |= {self.named(name): self._energy_reader(name) for name in ENERGY_FIELDS}
        return found | {
            self.relative_field: lambda row: self.relative_energy(standing(row)),
            "compared_by": lambda row: standing(row).compared_by,
            "reference": lambda row: standing(row).reference,
            "not_compared": lambda row: standing(row).obstacle,
            "boltzmann_weight": lambda row: standing(row).weight,
            "same_conformer_as": lambda row: standing(row).same_as,
            "degeneracy": lambda row: standing(row).degeneracy,
        }

    def _energy_reader(self, name: str) -> Callable[[Row], float | None]:
        read = attrgetter(f"record.{name}")
        return lambda row: self.energy(read(row))


def _in(unit: EnergyUnit, hartree: float | None) -> float | None:
    """Convert an energy; one that is not finite then is None."""
    value = None if hartree is None else unit.of(hartree)
    return None if value is None or not math.isfinite(value) else value


def compare(
    rows: Sequence[Row],
    *,
    keep_reacted: bool = False,
    weigh: bool = False,
    mirrored: bool = True,
    at_temperatures: bool = False,
    electronic: bool = False,
) -> Comparison:
    """Compare rows.

    Args:
        rows: the rows, in any order.
        keep_reacted: compare rows whose bonds changed, too.
        weigh: give Boltzmann weights, after equal conformers were merged.
        mirrored: tell a chiral conformer of an achiral molecule from its mirror image, and count the image
            even if it is not among the rows.
        at_temperatures: keep rows of different temperatures apart, even where energies are compared.
        electronic: compare energies even where every row has a free energy.
    """
    sound = [row for row in rows if _obstacle(row, keep_reacted=keep_reacted) is None]
    groups = _groups(sound, _ALIKE)
    found, mirrors = Comparison(), Mirrors() if mirrored else None
    for group in groups:
        quantity = ENERGY if electronic else _quantity(group)
        for part in _parts(group, quantity, at_temperatures=at_temperatures):
            standings = _relative(part, quantity)
            if weigh:
                named = part[0].record.temperature_k if quantity == GIBBS or at_temperatures else None
                standings = _weighted(part, standings, named or TEMPERATURE_K, mirrors)
            found.standings |= standings
            found.groups.append(part)
    found.obstacles = {
        row.key: _obstacle(row, keep_reacted=keep_reacted) or _loneliness(row)
        for row in rows
        if row.key not in found.standings
    }
    found.remarks += _remarks(sound, groups)
    if mirrors is not None and mirrors.unknown:
        jobs = ", ".join(map(str, sorted(mirrors.unknown)[:_SHOWN]))
        more = ", ..." if len(mirrors.unknown) > _SHOWN else ""
        found.remarks.append(
            f"mirror images are not counted where chirality cannot be told: job {jobs}{more}"
        )
    return found


def _quantity(group: Sequence[Row]) -> Quantity:
    """Choose what a group is compared by: G, if every row has it whose geometry is stationary."""
    able = [row for row in group if "not_stationary" not in row.record.verdicts]
    has_gibbs = bool(able) and all(map(_has_gibbs, able))
    return GIBBS if has_gibbs else ENERGY


def _parts(group: Sequence[Row], quantity: Quantity, *, at_temperatures: bool) -> list[list[Row]]:
    """Divide a group by temperature and pressure, where these matter; rows come by rising energy."""
    if quantity == GIBBS:
        parts = _groups(filter(_has_gibbs, group), _STATE)
    else:
        parts = _groups(group, _STATE[:1] if at_temperatures else ())
    return [sorted(part, key=attrgetter(f"record.{quantity}")) for part in parts]


def _obstacle(row: Row, *, keep_reacted: bool) -> Obstacle | None:
    """Name what keeps a row from being compared with any other."""
    record = row.record
    if record.energy_hartree is None:
        return "no_energy"
    if record.converged is False:
        return "not_converged"
    return "bonds_changed" if record.bonds_changed and not keep_reacted else None


def _loneliness(row: Row) -> Obstacle:
    """Name why a sound row is compared with no other."""
    has_no_gibbs = "not_stationary" in row.record.verdicts and not _has_gibbs(row)
    return "not_stationary" if has_no_gibbs else "alone"


def _has_gibbs(row: Row) -> bool:
    return row.record.gibbs_hartree is not None


def _groups(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    """Put rows together that may be compared; one alone is compared with nothing."""
    found: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(getattr(row.record, name) for name in names)].append(row)
    return [group for group in found.values() if len(group) > 1]


def _is_stationary(row: Row) -> bool:
    return not row.record.imaginary_modes


def _relative(ordered: Sequence[Row], quantity: Quantity) -> dict[Key, Standing]:
    """Count from the lowest row that is no saddle point."""
    energy = attrgetter(f"record.{quantity}")
    lowest = next(filter(_is_stationary, ordered), ordered[0])
    return {
        row.key: Standing(energy(row) - energy(lowest), reference=lowest.job.number, quantity=quantity)
        for row in ordered
    }


def _weighted(
    ordered: Sequence[Row],
    standings: Mapping[Key, Standing],
    temperature_k: float,
    mirrors: Mirrors | None,
) -> dict[Key, Standing]:
    """Give each conformer its Boltzmann weight; a repeated one counts with the first."""
    from workers.engine.molecule.units import HARTREE_PER_KELVIN

    minima = [row for row in ordered if _is_stationary(row)]
    same = _repeated(minima, standings[ordered[0].key].quantity, mirrors)
    distinct = [row for row in minima if row.key not in same]
    counts = [1] * len(distinct) if mirrors is None else mirrors.degeneracies(distinct)
    kt = HARTREE_PER_KELVIN * temperature_k
    factors = [
        count * math.exp(-(standings[row.key].relative_hartree or 0.0) / kt)
        for row, count in zip(distinct, counts, strict=True)
    ]
    total = math.fsum(factors)
    found = {
        row.key: standings[row.key]._replace(weight=factor / total, degeneracy=count)
        for row, factor, count in zip(distinct, factors, counts, strict=True)
    }
    repeated = {key: standings[key]._replace(same_as=number) for key, number in same.items()}
    return {**standings, **found, **repeated}


def _repeated(ordered: Sequence[Row], quantity: Quantity, mirrors: Mirrors | None) -> dict[Key, int]:
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


def _twin(row: Row, distinct: Sequence[Row], quantity: Quantity, mirrors: Mirrors | None) -> Row | None:
    """Find the same conformer among the rows before this one, from near energies to far ones."""
    energy = attrgetter(f"record.{quantity}")
    one: Row
    for one in reversed(distinct):
        if energy(row) - energy(one) > _SAME_HARTREE:
            return None
        if _is_same(one, row) and (mirrors is None or not mirrors.are_images(one, row)):
            return one
    return None


def _is_same(one: Row, other: Row) -> bool:
    has_equal_spin = one.record.unpaired_electrons == other.record.unpaired_electrons
    shapes = [None if row.geometry is None else row.geometry.moments for row in (one, other)]
    return has_equal_spin and are_alike(*shapes)


def _remarks(sound: Sequence[Row], groups: Sequence[Sequence[Row]]) -> list[str]:
    """Write what a reader must know of the comparison."""
    remarks = []
    mixed = [group for group in groups if _quantity(group) == ENERGY and any(map(_has_gibbs, group))]
    if mixed:
        formulas = {str(group[0].record.formula) for group in mixed}
        which = "" if len(groups) == 1 else f" of {', '.join(sorted(formulas))}"
        remarks.append(f"not every row{which} has a G: E is compared")
    engines = _engines_that_part(sound)
    if engines:
        remarks.append(f"rows of different engines are not compared: {', '.join(engines)}")
    spins = [group for group in groups if len({row.record.unpaired_electrons for row in group}) > 1]
    if any(not row.record.spin_polarised for group in spins for row in group):
        remarks.append("different spins are compared without --spinpol: their order is not sure")
    return remarks


def _engines_that_part(rows: Iterable[Row]) -> list[str]:
    """Name the engines of rows that would be compared if their engine were the same."""
    found: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for row in rows:
        key = tuple(getattr(row.record, name) for name in _ALIKE if name not in _ENGINE)
        found[key].add(f"{row.record.engine} {row.record.engine_version}")
    return sorted({engine for engines in found.values() if len(engines) > 1 for engine in engines})
