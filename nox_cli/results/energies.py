"""Units of energy: what `--unit` takes, and what an energy is called and worth in each."""

from __future__ import annotations

from enum import StrEnum

HARTREE_SUFFIX = "_hartree"
# CODATA 2018: hartree in each unit, per molecule or per mole.
_PER_HARTREE = {"hartree": 1.0, "ev": 27.211386245988, "kcal": 627.5094740631, "kj": 2625.4996394799}
BOLTZMANN_HARTREE_PER_K = 3.166811563455546e-06


class EnergyUnit(StrEnum):
    """What `--unit` takes."""

    HARTREE = "hartree"
    EV = "ev"
    KCAL = "kcal"
    KJ = "kj"

    @property
    def suffix(self) -> str:
        """How a name of this unit ends: `energy_kcal_per_mol`."""
        per_mole = self in {EnergyUnit.KCAL, EnergyUnit.KJ}
        return f"_{self}_per_mol" if per_mole else f"_{self}"

    @property
    def sign(self) -> str:
        """The unit in a table's header."""
        return {EnergyUnit.HARTREE: "Eh", EnergyUnit.EV: "eV"}.get(self, str(self))

    @property
    def words(self) -> str:
        """The unit beside a number: `kJ/mol`."""
        return {"hartree": "Eh", "ev": "eV", "kcal": "kcal/mol", "kj": "kJ/mol"}[self]

    @property
    def decimals(self) -> int:
        """How many decimals of a total energy are worth showing."""
        return {EnergyUnit.HARTREE: 8, EnergyUnit.EV: 6}.get(self, 4)

    def of(self, hartree: float) -> float:
        """Convert an energy in hartree."""
        return hartree * _PER_HARTREE[self]

    def named(self, field: str) -> str:
        """Name an energy in this unit: `zpe_hartree` becomes `zpe_ev`."""
        return field.removesuffix(HARTREE_SUFFIX) + self.suffix
