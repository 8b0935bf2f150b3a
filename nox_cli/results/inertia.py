"""Principal moments of inertia: how the shapes of two conformers are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.molecule.elements import NUMBERS
from workers.engine.molecule.masses import STANDARD_WEIGHTS_U

if TYPE_CHECKING:
    from collections.abc import Sequence

Moments = tuple[float, float, float]
WITHIN = 0.01
# Å² a unit of mass: below it a moment is nothing, as that of a line about itself.
_NOTHING = 1e-3


def moments(symbols: Sequence[str], positions_angstrom: Sequence[Sequence[float]]) -> Moments | None:
    """Compute the principal moments of inertia, rising, in atomic mass units times Å².

    None: an element is not known, or a position is not three numbers.
    """
    import numpy as np

    try:
        masses = np.array([STANDARD_WEIGHTS_U[NUMBERS[symbol] - 1] for symbol in symbols])
        places = np.array(positions_angstrom, dtype=float).reshape(len(masses), 3)
    except (KeyError, IndexError, ValueError, TypeError):
        return None
    centred = places - masses @ places / masses.sum()
    products = (centred * masses[:, None]).T @ centred
    tensor = np.trace(products) * np.eye(3) - products
    low, middle, high = np.linalg.eigvalsh(tensor).tolist()
    return low, middle, high


def are_alike(one: Moments | None, other: Moments | None) -> bool:
    """Whether each moment of one is within 1 % of the other's."""
    if one is None or other is None:
        return False
    return all(abs(a - b) <= max(WITHIN * max(a, b), _NOTHING) for a, b in zip(one, other, strict=True))
