"""Bond orders of open shells: the contribution of the spin density.

xtb-python gives the orders of the density alone: (PS)ij (PS)ji, summed over the orbitals of two atoms.  For
unpaired electrons that is too little: 1.5 for triplet oxygen.  The xtb program and tblite add the same sum
of the spin density (I. Mayer, Int. J. Quantum Chem. 29 (1986) 73), and have 2 for triplet oxygen.

The overlap S comes from no call of the library, and is not needed: with orbitals C that are orthonormal in S,
a density C n C^T times S is C n C^-1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.engine.arrays import Array

_BISECTIONS = 100
_FAR = 60.0  # levels this many kT from the Fermi level are full, or empty, to the last digit


def spin_orders(
    coefficients: Array,
    energies: Array,
    functions: Sequence[int],
    *,
    electrons: int,
    unpaired: int,
    temperature: float,
) -> Array:
    """Sum the spin density's part of the bond orders, shape (atoms, atoms).

    Args:
        coefficients: one column an orbital, shape (functions, functions).
        energies: of the orbitals, hartree.
        functions: how many each atom has, in the order of the atoms.
        electrons: how many are in the orbitals.
        unpaired: how many more are alpha than beta.
        temperature: the electronic temperature, hartree.
    """
    alpha = _occupations(energies, (electrons + unpaired) // 2, temperature)
    beta = _occupations(energies, (electrons - unpaired) // 2, temperature)
    density = (coefficients * (alpha - beta)) @ np.linalg.inv(coefficients)
    first = np.concatenate(([0], np.cumsum(functions)[:-1]))
    products = density * density.T
    return np.asarray(np.add.reduceat(np.add.reduceat(products, first, axis=0), first, axis=1))


def _occupations(energies: Array, electrons: int, temperature: float) -> Array:
    """Fill the orbitals of one spin as Fermi and Dirac do."""
    low, high = float(energies.min()) - _FAR * temperature, float(energies.max()) + _FAR * temperature
    before, filled = None, energies
    for _ in range(_BISECTIONS):
        level = (low + high) / 2
        if level == before:  # no number is between these, usually after 55
            break
        before = level
        filled = 1 / (1 + np.exp(((energies - level) / temperature).clip(-_FAR, _FAR)))
        low, high = (level, high) if filled.sum() < electrons else (low, level)
    return filled
