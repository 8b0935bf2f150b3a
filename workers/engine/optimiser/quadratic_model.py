"""A quadratic model of the energy around a geometry, and the steps that it suggests.  All in atomic units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from workers.engine.arrays import Array

_FULL, _AIM = 0.95, 0.975  # of a limit: a step so long is long enough, and this is aimed at
_ROOT = 1e-3  # the relative error of a shift
_ROUNDS = 50  # usually 4, and as many for a limit


class QuadraticModel(NamedTuple):
    """Predicts the energy of moves of atoms from a slope and a Hessian, which must be positive definite.

    Steps are measured by a metric.  Those of a shift solve (hessian - shift metric) step = -slope: four or
    five such solutions take half the time of all eigenvalues, for 600 coordinates and of 300.
    """

    slope: Array  # shape (coordinates,)
    hessian: Array  # shape (coordinates, coordinates)
    metric: Array  # of the same shape

    def step(self, shift: float) -> Array:
        """Step by a shift, 0 or lower."""
        return np.asarray(np.linalg.solve(self.hessian - shift * self.metric, -self.slope))

    def change(self, step: Array) -> float:
        """Predict by how much a step changes the energy."""
        return float(self.slope @ step + 0.5 * step @ (self.hessian @ step))

    def rational_step(self) -> tuple[float, Array]:
        """Solve the equation of rational functions, shift = slope . step, by Newton's method.

        The right side is concave in the shift: from 0 each round comes nearer, and none passes the root.

        Returns:
            The shift and its step.
        """
        shift, step = 0.0, self.step(0.0)
        for _ in range(_ROUNDS):
            missing = (shift - float(self.slope @ step)) / (1.0 + self._square(step))
            if missing <= _ROOT * abs(shift):
                break
            shift -= missing
            step = self.step(shift)
        return shift, step

    def shortened(self, shift: float, step: Array, limit: float) -> tuple[float, Array]:
        """Lower the shift until no atom moves further than `limit`, and one nearly so far.

        The inverse of the length is nearly linear in the shift.

        Args:
            shift: of the step.
            step: the step, which is returned as it is if it is short enough.
            limit: the largest move of an atom.
        """
        longer: tuple[float, float] | None = None
        shorter: tuple[float, float] | None = None
        for _ in range(_ROUNDS):
            length = longest(step)
            if length > limit:
                longer = shift, length
            elif longer is None or length > _FULL * limit:
                break
            else:
                shorter = shift, length
            if shorter is None:
                stiffness = -float(self.slope @ step) / self._square(step)
                shift -= stiffness * (length / (_AIM * limit) - 1)
            else:
                share = (1 / (_AIM * limit) - 1 / longer[1]) / (1 / shorter[1] - 1 / longer[1])
                shift = longer[0] + share * (shorter[0] - longer[0])
            step = self.step(shift)
        return shift, step

    def _square(self, step: Array) -> float:
        return float(step @ (self.metric @ step))


def longest(step: Array) -> float:
    """The move of the atom that moves most."""
    return float(np.max(np.linalg.norm(step.reshape(-1, 3), axis=1)))
