"""The frame the xtb library and the xtb program compute in.

Their gradient is wrong where two atoms share a coordinate exactly, as in molecules drawn along an axis.  So
every structure is turned first, and what comes back is turned back: for the library by angles that bring no
symmetry axis onto another, for the program so little that the surface of a solvent, whose grid does not turn
with the molecule, stays the program's.  Positions and other vectors are rows: `rows @ TURN.T` turns,
`rows @ TURN` turns back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workers.engine.calculator import Array


def _rotation(first: float, second: float, third: float) -> Array:
    """The matrix that turns by three Euler angles (z, y, z)."""
    return _about_z(third) @ _about_y(second) @ _about_z(first)


def _about_z(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _about_y(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


TURN = _rotation(0.7391, 1.1283, 2.3177)
SLIGHT_TURN = _rotation(0.7391e-4, 1.1283e-4, 2.3177e-4)
