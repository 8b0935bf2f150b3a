"""Steps downhill: rational functions over a Hessian that learns (BFGS), within a trust radius.

One stepper takes steps in whatever coordinates it is given.  All in atomic units.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.optimiser.coordinates import Internal, NoCoordinates

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.engine.arrays import Array
    from workers.engine.calculator import SurfacePoint
    from workers.engine.optimiser.coordinates import Cartesian, Name

FIRST_TRUST, MIN_TRUST, MAX_TRUST = 0.3, 1e-3, 1.0  # the largest move of an atom, bohr
RISE = 1e-5  # hartree: a step that raises the energy by more is rejected
RENEWED_EVERY = 25  # steps: Cartesian directions, and their Hessian, fit geometries nearby
_RIGID = 1e3
_NOISE = 1e-7  # hartree: below, energies say nothing about the trust
_BAD, _GOOD = 0.25, 0.75
_CURVED = 1e-6  # hartree/bohr^2 or /rad^2: less curvature is none to learn from
_HALVINGS = 80
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
        tangent = self._tangent
        hessian = tangent.rows.T @ self._hessian @ tangent.rows + _RIGID * (tangent.rigid @ tangent.rigid.T)
        values, vectors = np.linalg.eigh(hessian)
        forces = vectors.T @ self._slope

        def step(shift: float) -> Array:
            return np.asarray(-(vectors @ (forces / (values - shift))))

        def length(shift: float) -> float:
            return _longest(tangent.lift @ step(shift))

        def is_longer(limit: float, shift: float) -> bool:
            return length(shift) > limit

        shift = _rational_shift(values, forces)
        self._is_cut = length(shift) > self._trust
        if self._is_cut:
            shift = _halve(partial(is_longer, self._trust), shift - 1e3, shift)
        for _ in range(_SHORTER):
            taken = step(shift)
            positions = self._positions(taken)
            if positions is not None:
                self._length = _longest((positions - self.best.positions).ravel())
                if self._length <= _TOLERANCE * self._trust:
                    self._predicted = float(self._slope @ taken + 0.5 * taken @ hessian @ taken)
                    return positions
            self._is_cut = True
            shift = _halve(partial(is_longer, 0.5 * length(shift)), shift - 1e3, shift)
        raise NoCoordinates("no step can be transformed to positions")

    def learn(self, point: SurfacePoint) -> bool:
        """Take what the point proposed last shows into Hessian and trust; return whether it is the new best.

        Raises:
            NoCoordinates: the coordinates do not describe the geometry.
        """
        change = point.energy - self.best.energy
        self._update(point)
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
        self._look(point)
        return True

    def shorten(self) -> None:
        """Reject the point proposed last, which could not be computed."""
        self.rejected += 1
        self._trust = max(_BAD * self._length, MIN_TRUST)

    def _look(self, point: SurfacePoint) -> None:
        """Describe the geometry that the next step starts from."""
        self._steps += 1
        before = self._coordinates
        if before.is_outdated(point.positions) or self._steps % RENEWED_EVERY == 0:
            self._coordinates = before.renewed(point.positions)
            guess = self._coordinates.guess(point.positions)
            self._hessian = _carried(self._hessian, before.names(), guess, self._coordinates.names())
        self._tangent = self._coordinates.tangent(point.positions)
        self._values = self._coordinates.values(point.positions)
        self._slope = self._downhill(point)

    def _downhill(self, point: SurfacePoint) -> Array:
        """Differentiate the energy by steps."""
        slope = self._tangent.lift.T @ point.gradient.ravel()
        return np.asarray(slope - self._tangent.rigid @ (self._tangent.rigid.T @ slope))

    def _update(self, point: SurfacePoint) -> None:
        """BFGS, where the curvature along the move is positive."""
        try:
            there = self._coordinates.tangent(point.positions)
        except NoCoordinates:
            return
        rows = self._tangent.rows
        moved = rows.T @ self._coordinates.difference(self._coordinates.values(point.positions), self._values)
        slope = there.rows @ (there.lift.T @ point.gradient.ravel())
        turned = rows.T @ slope - self._slope
        moved, turned = rows @ moved, rows @ turned
        curvature, along = float(moved @ turned), self._hessian @ moved
        if curvature > _CURVED * float(moved @ moved) and moved @ along > 0:
            self._hessian += np.outer(turned, turned) / curvature - np.outer(along, along) / (moved @ along)

    def _positions(self, step: Array) -> Array | None:
        """Transform a step to positions; None: the iterations do not converge."""
        wanted = self._tangent.rows @ step
        move = self._tangent.lift @ step
        positions = self.best.positions
        for _ in range(_ROUNDS):
            positions = positions + move.reshape(-1, 3)
            done = self._coordinates.difference(self._coordinates.values(positions), self._values)
            missing = self._coordinates.difference(wanted, done)
            move = self._tangent.lift @ (self._tangent.rows.T @ missing)
            left = _longest(move)
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


def _rational_shift(values: Array, forces: Array) -> float:
    """The lowest root of the rational-function equation: below every curvature, and below 0."""
    top = min(0.0, float(values[0])) - 1e-12
    bottom = top - float(np.linalg.norm(forces)) - 1.0
    return _halve(lambda trial: trial > float(np.sum(forces**2 / (trial - values))), bottom, top)


def _halve(is_above: Callable[[float], bool], low: float, high: float) -> float:
    """Find where a condition begins to hold, from below."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if is_above(middle):
            high = middle
        else:
            low = middle
    return low


def _longest(step: Array) -> float:
    """The move of the atom that moves most."""
    return float(np.max(np.linalg.norm(step.reshape(-1, 3), axis=1)))
