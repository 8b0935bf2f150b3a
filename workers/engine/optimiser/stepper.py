"""Steps downhill: rational functions over a Hessian that learns (BFGS), within a trust radius.

One stepper takes steps in whatever coordinates it is given.  All in atomic units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.engine.optimiser.coordinates import Internal, NoCoordinates
from workers.engine.optimiser.quadratic_model import QuadraticModel, longest

if TYPE_CHECKING:
    from workers.engine.arrays import Array
    from workers.engine.calculator import SurfacePoint
    from workers.engine.optimiser.coordinates import Cartesian, Name, Tangent

FIRST_TRUST, MIN_TRUST, MAX_TRUST = 0.3, 1e-3, 1.0  # the largest move of an atom, bohr
RISE = 1e-5  # hartree: a step that raises the energy by more is rejected
RENEWED_EVERY = 25  # steps: Cartesian directions, and their Hessian, fit geometries nearby
_NOISE = 1e-7  # hartree: below, energies say nothing about the trust
_BAD, _GOOD = 0.25, 0.75
_CURVED = 1e-6  # hartree/bohr^2 or /rad^2: less curvature is none to learn from
_ROUNDS = 12  # of the transformation back to positions
_EXACT, _NEAR, _FAR = 1e-6, 1e-3, 1.0  # bohr: what a round may leave
_TOLERANCE = 1.05  # times the trust
_SHORTER = 20


class Stepper:
    """Proposes geometries, and keeps the best one.

    Args:
        coordinates: what steps are taken in.
        point: where to start.

    Raises:
        NoCoordinates: the coordinates do not describe the geometry.
    """

    def __init__(self, coordinates: Internal | Cartesian, point: SurfacePoint) -> None:
        self.best = point
        self.rejected = 0  # steps in a row
        self._coordinates = coordinates
        self._trust = FIRST_TRUST
        self._steps = 0
        self._length = self._predicted = 0.0
        self._is_cut = False
        self._hessian = coordinates.guess(point.positions)
        self._look(point)

    @property
    def name(self) -> str:
        """The coordinates in which steps are taken."""
        return self._coordinates.name

    @property
    def is_internal(self) -> bool:
        """Whether steps are taken in internal coordinates."""
        return isinstance(self._coordinates, Internal)

    def step(self) -> Array:
        """Propose a geometry near the best one.

        Raises:
            NoCoordinates: no step leads anywhere.
        """
        model = self._model()
        shift, taken = model.rational_step()
        limit, self._is_cut = self._trust, longest(taken) > self._trust
        for _ in range(_SHORTER):
            shift, taken = model.shortened(shift, taken, limit)
            positions = self._positions(taken)
            if positions is not None:
                self._length = longest((positions - self.best.positions).ravel())
                if self._length <= _TOLERANCE * self._trust:
                    self._predicted = model.change(taken)
                    return positions
            limit, self._is_cut = 0.5 * longest(taken), True
        raise NoCoordinates("no step can be transformed to positions")

    def learn(self, point: SurfacePoint) -> bool:
        """Take what the point proposed last shows into Hessian and trust; return whether it is the new best.

        Raises:
            NoCoordinates: the coordinates do not describe the geometry.
        """
        change = point.energy - self.best.energy
        there = self._tangent_at(point)
        if there is not None:
            self._update(point, there)
        if abs(self._predicted) > _NOISE:
            ratio = change / self._predicted
            if ratio < _BAD:
                self._trust = max(_BAD * self._length, MIN_TRUST)
            elif ratio > _GOOD and self._is_cut:
                self._trust = min(2 * self._trust, MAX_TRUST)
        if change > RISE:
            self.rejected += 1
            return False
        self.rejected = 0
        self.best = point
        self._look(point, there)
        return True

    def shorten(self) -> None:
        """Reject the point proposed last, which could not be computed."""
        self.rejected += 1
        self._trust = max(_BAD * self._length, MIN_TRUST)

    def _look(self, point: SurfacePoint, tangent: Tangent | None = None) -> None:
        """Describe the geometry that the next step starts from; its tangent may be known."""
        self._steps += 1
        before = self._coordinates
        if before.is_outdated(point.positions) or self._steps % RENEWED_EVERY == 0:
            self._coordinates = before.renewed(point.positions)
            guess = self._coordinates.guess(point.positions)
            self._hessian = _carried(self._hessian, before.names(), guess, self._coordinates.names())
            tangent = None
        self._tangent = tangent or self._coordinates.tangent(point.positions)
        self._values = self._coordinates.values(point.positions)
        self._slope = self._downhill(point)

    def _downhill(self, point: SurfacePoint) -> Array:
        """Differentiate the energy by positions, without rigid motions."""
        slope = point.gradient.ravel()[self._coordinates.free]
        return np.asarray(slope - self._tangent.rigid @ (self._tangent.rigid.T @ slope))

    def _model(self) -> QuadraticModel:
        """Model the energy around the best geometry.

        A Hessian that rounding has left without curvature somewhere is guessed anew.
        """
        rows, rigid = self._tangent.rows, self._tangent.rigid
        hessian = rows.T @ (self._hessian @ rows) + rigid @ rigid.T
        try:
            np.linalg.cholesky(hessian)
        except np.linalg.LinAlgError:
            self._hessian = self._coordinates.guess(self.best.positions)
            hessian = rows.T @ (self._hessian @ rows) + rigid @ rigid.T
        return QuadraticModel(self._slope, hessian, self._tangent.metric)

    def _tangent_at(self, point: SurfacePoint) -> Tangent | None:
        """Relate coordinates and positions there; None: the coordinates do not describe the geometry."""
        try:
            return self._coordinates.tangent(point.positions)
        except NoCoordinates:
            return None

    def _update(self, point: SurfacePoint, there: Tangent) -> None:
        """BFGS, where the curvature along the move is positive."""
        here, gradient = self._tangent, point.gradient.ravel()[self._coordinates.free]
        moved = self._coordinates.difference(self._coordinates.values(point.positions), self._values)
        moved = here.rows @ here.move(moved)
        turned = here.rows @ (here.move(there.slope(gradient)) - here.inverse @ self._slope)
        curvature, along = float(moved @ turned), self._hessian @ moved
        if curvature > _CURVED * float(moved @ moved) and moved @ along > 0:
            self._hessian += np.outer(turned / curvature, turned)
            self._hessian -= np.outer(along / (moved @ along), along)

    def _positions(self, step: Array) -> Array | None:
        """Transform a step to positions; None: the iterations do not converge."""
        wanted, move = self._tangent.rows @ step, step
        positions = self.best.positions.copy()
        for _ in range(_ROUNDS):
            positions.flat[self._coordinates.free] += move
            done = self._coordinates.difference(self._coordinates.values(positions), self._values)
            move = self._tangent.move(self._coordinates.difference(wanted, done))
            left = longest(move)
            if not left < _FAR:
                return None
            if left < _EXACT:
                return positions
        return positions if left < _NEAR else None


def _carried(old: Array, old_names: list[Name], guess: Array, names: list[Name]) -> Array:
    """Take over what a Hessian in other coordinates has learnt, and the guess where it has nothing."""
    rows = {name: row for row, name in enumerate(old_names)}
    pairs = [(row, rows[name]) for row, name in enumerate(names) if name in rows]
    new, known = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    guess[np.ix_(new, new)] = old[np.ix_(known, known)]
    return guess
