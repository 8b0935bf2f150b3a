"""Principal moments of inertia: how the shapes of two conformers are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.elements import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

Moments = tuple[float, float, float]
WITHIN = 0.01
# Å² a unit of mass: below it a moment is nothing, as that of a line about itself.
_NOTHING = 1e-3
# Standard atomic weights (IUPAC, abridged), hydrogen to radon; of radioactive elements the longest-lived
# isotope's.
_ROWS = (
    "1.008 4.0026 6.94 9.0122 10.81 12.011 14.007 15.999 18.998 20.180 22.990 24.305 26.982 28.085 30.974 "
    "32.06 35.45 39.95 39.098 40.078 44.956 47.867 50.942 51.996 54.938 55.845 58.933 58.693 63.546 65.38 "
    "69.723 72.630 74.922 78.971 79.904 83.798 85.468 87.62 88.906 91.224 92.906 95.95 98 101.07 102.91 "
    "106.42 107.87 112.41 114.82 118.71 121.76 127.60 126.90 131.29 132.91 137.33 138.91 140.12 140.91 "
    "144.24 145 150.36 151.96 157.25 158.93 162.50 164.93 167.26 168.93 173.05 174.97 178.49 180.95 183.84 "
    "186.21 190.23 192.22 195.08 196.97 200.59 204.38 207.2 208.98 209 210 222"
)
_WEIGHTS = tuple(map(float, _ROWS.split()))


def moments(symbols: Sequence[str], positions_angstrom: Sequence[Sequence[float]]) -> Moments | None:
    """Compute the principal moments of inertia, rising, in atomic mass units times Å².

    None: an element is not known, or a position is not three numbers.
    """
    import numpy as np

    try:
        masses = np.array([_WEIGHTS[NUMBERS[symbol] - 1] for symbol in symbols])
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
