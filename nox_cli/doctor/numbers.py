"""Numbers of one structure by one method, and how far two of them are apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is compared."""

    energy_hartree: float
    gap_ev: float | None  # None: no orbital is empty
    dipole_debye: float
    charges_e: tuple[float, ...]

    def apart(self, other: Numbers) -> Apart:
        """Tell how far these lie from others."""
        gaps = (self.gap_ev, other.gap_ev)
        return Apart(
            energy_hartree=self.energy_hartree - other.energy_hartree,
            gap_ev=None if None in gaps else (self.gap_ev or 0.0) - (other.gap_ev or 0.0),
            dipole_debye=self.dipole_debye - other.dipole_debye,
            charge_e=max(abs(a - b) for a, b in zip(self.charges_e, other.charges_e, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Apart:
    """How far an engine's numbers lie from the xtb program's; of the charges, the furthest one."""

    energy_hartree: float
    gap_ev: float | None
    dipole_debye: float
    charge_e: float
