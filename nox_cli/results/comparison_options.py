"""What `nox results` is asked to compare, in which unit, and the columns that come of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from nox_cli.commandline import groups
from nox_cli.results.columns import ENERGY_FIELDS, NUMBER_FIELDS, RESULT_FIELDS
from nox_cli.results.energies import HARTREE_SUFFIX, EnergyUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.results.comparison import Comparison
    from nox_cli.results.rows import Row


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """The options of `nox results` that compare energies: which of them, and in which unit."""

    unit: Annotated[
        EnergyUnit | None,
        groups.comparison(
            help="Unit of energies (default hartree; kcal for differences); kcal and kj are per mole."
        ),
    ] = None
    relative: Annotated[
        bool,
        groups.comparison("--relative", help="Show energies relative to the lowest one that is comparable."),
    ] = False
    boltzmann: Annotated[
        bool,
        groups.comparison(
            "--boltzmann", help="Show Boltzmann weights at 298.15 K or --temp; equal conformers count once."
        ),
    ] = False
    within: Annotated[
        float | None,
        groups.comparison(min=0.0, metavar="X", help="Only jobs up to X above the lowest energy, in --unit."),
    ] = None
    keep_reacted: Annotated[
        bool, groups.comparison("--keep-reacted", help="Include structures whose bonds have changed.")
    ] = False
    no_mirror: Annotated[
        bool,
        groups.comparison(
            "--no-mirror", help="Do not count the mirror images of chiral conformers in the weights."
        ),
    ] = False

    @property
    def is_asked(self) -> bool:
        """Whether anything is compared."""
        return self.relative or self.boltzmann or self.within is not None

    @property
    def difference_unit(self) -> EnergyUnit:
        """The unit of energies relative to another."""
        return self.unit or EnergyUnit.KCAL

    @property
    def relative_field(self) -> str:
        """The column of relative energies."""
        return self.difference_unit.named("relative")

    def named(self, field: str) -> str:
        """Name a column, an energy in its unit."""
        return self.unit.named(field) if self.unit and field in ENERGY_FIELDS else field

    def fields(self) -> tuple[str, ...]:
        """Name the columns there are, energies in their unit."""
        named = [self.named(name) for name in RESULT_FIELDS]
        if self.is_asked:
            named += [self.relative_field, "compared_by"]
        if self.boltzmann:
            named += ["boltzmann_weight", "same_conformer_as", "degeneracy"]
        return tuple(named)

    def numbers(self) -> frozenset[str]:
        """Name the columns that hold numbers, energies in hartree and in their unit."""
        named = (self.named(name) for name in NUMBER_FIELDS)
        compared = (self.relative_field, "boltzmann_weight", "same_conformer_as", "degeneracy")
        return NUMBER_FIELDS.union(named, compared)

    def converted(self, values: Mapping[str, Any]) -> dict[str, float | None]:
        """Give energies in the unit that was asked for, by their names in it."""
        if self.unit is None:
            return {}
        return {self.unit.named(name): _in(self.unit, values[name]) for name in ENERGY_FIELDS}

    def standing(self, comparison: Comparison, row: Row) -> dict[str, Any]:
        """Say how a row stands, by the names of columns."""
        standing = comparison.of(row)
        relative = _in(self.difference_unit, standing.relative_hartree)
        return {
            self.relative_field: relative,
            "compared_by": None if relative is None else standing.quantity.removesuffix(HARTREE_SUFFIX),
            "boltzmann_weight": standing.weight,
            "same_conformer_as": standing.same_as,
            "degeneracy": standing.degeneracy,
        }


def _in(unit: EnergyUnit, hartree: float | None) -> float | None:
    """Convert an energy; one that is beyond all numbers, as in a damaged record, is None."""
    value = None if hartree is None else unit.of(hartree)
    return None if value is None or not math.isfinite(value) else value
