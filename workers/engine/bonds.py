"""Bonds made and broken between two geometries, by the Wiberg orders of both wavefunctions.

A pair is told as changed only where it is clearly bonded at one end and clearly not at the other, so that
shared protons, stretched inputs and weak coordination do not look like reactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.result import BondsChanged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.calculator import Array

BONDED, APART = 0.5, 0.25


def changed(before: Array | None, after: Array | None) -> BondsChanged | None:
    """Compare two matrices of bond orders, shape (atoms, atoms); None: there are none to compare."""
    if before is None or after is None:
        return None
    return BondsChanged(
        broken=_pairs((before >= BONDED) & (after < APART)),
        formed=_pairs((before < APART) & (after >= BONDED)),
    )


def _pairs(holds: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    first, second = np.nonzero(np.triu(holds, 1))
    return tuple(zip((first + 1).tolist(), (second + 1).tolist(), strict=True))
