"""Levels of optimisation: the names and thresholds of xtb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workers.names import OptLevel

if TYPE_CHECKING:
    from workers.spec import ChemistrySpec

# Above, a geometry is no stationary point: its curvature gives no thermochemistry.
STATIONARY = 1e-3  # hartree/bohr, of the whole gradient
MIN_CYCLES, MAX_CYCLES = 200, 10_000


@dataclass(frozen=True, slots=True)
class Level:
    """One level."""

    name: str
    energy_change: float  # hartree, between two steps
    gradient_norm: float  # hartree/bohr, of the whole gradient
    accuracy: float  # of the wavefunction; a user's own that is tighter stays
    cycles_per_atom: int

    def cycles(self, atoms: int) -> int:
        """Return the usual limit of steps."""
        return min(max(MIN_CYCLES, self.cycles_per_atom * atoms), MAX_CYCLES)


LEVELS = {
    level.name: level
    for level in (
        Level(OptLevel.CRUDE, 5e-4, 1e-2, 1.0, 1),
        Level(OptLevel.SLOPPY, 1e-4, 6e-3, 1.0, 1),
        Level(OptLevel.LOOSE, 5e-5, 4e-3, 1.0, 2),
        Level(OptLevel.NORMAL, 5e-6, 1e-3, 1.0, 3),
        Level(OptLevel.TIGHT, 1e-6, 8e-4, 0.2, 5),
        Level(OptLevel.VTIGHT, 1e-7, 2e-4, 0.05, 20),
        Level(OptLevel.EXTREME, 5e-8, 5e-5, 0.01, 20),
    )
}

# Frequencies are differences of gradients: the wavefunction is made good enough for them.
_CURVED_ACCURACY = 0.1
_USUAL_LEVELS = {"opt": OptLevel.NORMAL, "ohess": OptLevel.TIGHT, "bhess": OptLevel.TIGHT}


def level_of(kind: str, name: str | None) -> Level | None:
    """Return the level of a calculation.

    Args:
        kind: the kind of the calculation.
        name: the level that was asked for; None: the usual one.

    Returns:
        None: it optimises nothing, or there is no such level.
    """
    usual = _USUAL_LEVELS.get(kind)
    return None if usual is None else LEVELS.get(name or usual)


def settle(spec: ChemistrySpec) -> ChemistrySpec:
    """Give a specification the level and the accuracy it is computed with."""
    level = level_of(spec.kind, spec.opt_level)
    accuracies = [spec.accuracy]
    if level is not None:
        accuracies.append(level.accuracy)
    if spec.kind in {"hess", "ohess", "bhess"}:
        accuracies.append(_CURVED_ACCURACY)
    name, accuracy = None if level is None else OptLevel(level.name), min(accuracies)
    if (name, accuracy) == (spec.opt_level, spec.accuracy):
        return spec
    return replace(spec, opt_level=name, accuracy=accuracy)
