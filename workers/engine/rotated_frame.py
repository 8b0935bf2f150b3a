"""The frame the xtb library and the xtb program compute in.

Their gradient is wrong where two atoms share a coordinate exactly, as in molecules drawn along an axis.  So
every structure is turned first, and what comes back is turned back.  It is turned so little that the surface
of a solvent, whose grid does not turn with the molecule, stays as it is in the frame of the input.  Positions
and other vectors are rows: `rows @ TURN.T` turns, `rows @ TURN` turns back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workers.engine.arrays import Array


def _about(axis: int, angle: float) -> Array:
    """The matrix that turns by an angle about one axis."""
    turn = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[second, first] = np.sin(angle)
    turn[first, second] = -turn[second, first]
    return turn


TURN = _about(2, 2.3177e-4) @ _about(1, 1.1283e-4) @ _about(0, 0.7391e-4)
