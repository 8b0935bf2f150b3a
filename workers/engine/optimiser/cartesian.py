"""Steps in Cartesian coordinates: rational functions over a model Hessian that learns (BFGS).

Works for anything: atoms far apart, straight chains, clusters.  Frozen atoms are left out of all of it, so
that they stay to the last digit.  All in atomic units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.engine.optimiser.model_hessian import model_hessian

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from workers.engine.arrays import Array
    from workers.engine.calculator import Point

FIRST_TRUST, MIN_TRUST, MAX_TRUST = 0.3, 1e-3, 1.0  # the largest move of an atom, bohr
SOFTEST = 0.005  # hartree/bohr^2: directions the model says nothing about
_RIGID = 1e3
_SAME = 1e-6  # the share of a motion that is none
_RISE = 1e-5  # hartree: a step that raises the energy by more is taken back
_MAX_TAKEN_BACK = 8
_NOISE = 1e-7  # hartree: below, energies say nothing about the trust
_BAD, _GOOD = 0.25, 0.75
_HALVINGS = 80


class CartesianStepper:
    """Proposes the next geometry.

    Args:
        numbers: atomic numbers, shape (atoms,).
        positions: where to start, shape (atoms, 3).
        frozen: the atoms that may not move, from 0; not all of them.
        lattice: the cell's vectors as rows, which stay; None: a molecule.
    """

    name = "rational functions in Cartesian coordinates"

    def __init__(
        self,
        numbers: NDArray[np.int32],
        positions: Array,
        frozen: tuple[int, ...] = (),
        lattice: Array | None = None,
    ) -> None:
        self._frozen = frozen
        self._turns = lattice is None  # in a cell that stays, turning what is in it costs energy
        self._free = np.delete(np.arange(positions.size).reshape(-1, 3), frozen, axis=0).ravel()
        model = model_hessian(numbers, positions, lattice)[np.ix_(self._free, self._free)]
        values, vectors = np.linalg.eigh(model)
        self._hessian = (vectors * np.maximum(values, SOFTEST)) @ vectors.T
        self._trust = FIRST_TRUST
        self._last: Point | None = None
        self._predicted = 0.0
        self._length = 0.0
        self._is_cut = False
        self._taken_back = 0

    def step(self, point: Point) -> Array:
        """Propose the geometry after `point`."""
        base = self._learn(point)
        gradient = base.gradient.ravel()[self._free]
        step = self._rational(base.positions, gradient)
        self._predicted = float(gradient @ step + 0.5 * step @ self._hessian @ step)
        self._last = base
        positions = base.positions.copy()
        positions.flat[self._free] += step
        return positions

    def _learn(self, point: Point) -> Point:
        """Take what the point tells into Hessian and trust; give the point to step from."""
        last = self._last
        if last is None:
            return point
        moved, turned = point.positions - last.positions, point.gradient - last.gradient
        self._update(moved.ravel()[self._free], turned.ravel()[self._free])
        change = point.energy - last.energy
        if abs(self._predicted) > _NOISE:
            ratio = change / self._predicted
            if ratio < _BAD:
                self._trust = max(_BAD * self._length, MIN_TRUST)
            elif ratio > _GOOD and self._is_cut:
                self._trust = min(2 * self._trust, MAX_TRUST)
        if change > _RISE and self._taken_back < _MAX_TAKEN_BACK:
            self._taken_back += 1
            return last
        self._taken_back = 0
        return point

    def _update(self, moved: Array, turned: Array) -> None:
        """BFGS, where the curvature along the move is positive."""
        curvature = float(moved @ turned)
        along = self._hessian @ moved
        if curvature > np.finfo(float).eps * 1e4 and moved @ along > 0:
            self._hessian += np.outer(turned, turned) / curvature - np.outer(along, along) / (moved @ along)

    def _rational(self, positions: Array, gradient: Array) -> Array:
        """The rational-function step, no atom further than the trust."""
        rigid = _rigid_motions(positions, self._frozen, turns=self._turns)[self._free]
        inside = np.eye(gradient.size) - rigid @ rigid.T
        values, vectors = np.linalg.eigh(inside @ self._hessian @ inside + _RIGID * (rigid @ rigid.T))
        forces = vectors.T @ (inside @ gradient)

        def step(shift: float) -> Array:
            return np.asarray(-(vectors @ (forces / (values - shift))))

        shift = _rational_shift(values, forces)
        self._length = _longest(step(shift))
        self._is_cut = self._length > self._trust
        if self._is_cut:
            shift = _halve(lambda trial: _longest(step(trial)) > self._trust, shift - 1e3, shift)
            self._length = _longest(step(shift))
        return step(shift)


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
    """How far the atom moves that moves most."""
    return float(np.max(np.linalg.norm(step.reshape(-1, 3), axis=1)))


def _rigid_motions(positions: Array, frozen: tuple[int, ...], *, turns: bool) -> Array:
    """Translations, and rotations unless `turns` is false, that leave frozen atoms where they are.

    Orthonormal, shape (3 atoms, 0 to 6): 5 or 6 where none is frozen, 3 around one, 1 around an axis.
    """
    centred = positions - positions.mean(axis=0)
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    if turns:
        motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    basis = _range(np.array(motions).T)
    if not frozen:
        return basis
    held = basis.reshape(len(positions), 3, -1)[list(frozen)].reshape(3 * len(frozen), -1)
    _, sizes, kinds = np.linalg.svd(held)
    return np.asarray(basis @ kinds[np.count_nonzero(sizes > _SAME) :].T)


def _range(vectors: Array) -> Array:
    """An orthonormal basis of what columns span."""
    basis, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(basis[:, sizes > _SAME * sizes[0]])
