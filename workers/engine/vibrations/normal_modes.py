"""Normal modes: frequencies and infrared intensities from the derivatives of energy and dipole.

The harmonic approximation, with the motions of the whole molecule projected out: E. B. Wilson, J. C. Decius,
P. C. Cross, Molecular Vibrations (1955), chapters 2 and 7; the projection as in W. H. Miller, N. C. Handy,
J. E. Adams, J. Chem. Phys. 72 (1980) 99.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.engine.molecule.units import ELECTRON_MASSES_PER_U, HARTREE_PER_CM1, KM_PER_MOL_PER_E2_PER_U

if TYPE_CHECKING:
    from workers.engine.arrays import Array
    from workers.engine.vibrations.hessian import Derivatives
    from workers.engine.vibrations.rigid_body import Body


@dataclass(frozen=True, slots=True)
class Modes:
    """The vibrations by rising frequency, the motions of the whole molecule left out."""

    frequencies_cm1: Array  # shape (modes,); an imaginary one is negative
    intensities_km_per_mol: Array  # shape (modes,)


def normal_modes(derivatives: Derivatives, shape: Body) -> Modes:
    """Compute the vibrations of a body from the derivatives of its energy and dipole, in atomic units."""
    weights = 1 / np.sqrt(np.repeat(shape.masses, 3))
    internal = _internal(shape)
    weighted = internal.T @ (derivatives.hessian * np.outer(weights, weights)) @ internal
    values, vectors = np.linalg.eigh(weighted)
    frequencies = np.sign(values) * np.sqrt(np.abs(values) / ELECTRON_MASSES_PER_U) / HARTREE_PER_CM1
    slopes = (derivatives.dipole * weights[:, None]).T @ internal @ vectors
    return Modes(frequencies, KM_PER_MOL_PER_E2_PER_U * (slopes**2).sum(axis=0))


def _internal(shape: Body) -> Array:
    """Return orthonormal mass-weighted directions of vibration, shape (3 atoms, modes)."""
    roots = np.sqrt(shape.masses)
    translations = [np.outer(roots, axis).ravel() for axis in np.eye(3)]
    rotations = [(roots[:, None] * np.cross(axis, shape.centred)).ravel() for axis in np.eye(3)]
    turns, _, _ = np.linalg.svd(np.array(rotations).T, full_matrices=False)
    whole = np.column_stack([*translations, turns[:, : shape.rotations]])
    return np.asarray(np.linalg.svd(whole, full_matrices=True)[0][:, whole.shape[1] :])
