"""Enthalpy, entropy and free energy of an ideal gas of molecules.  Pure Python, quick to import.

Translation, rotation and harmonic vibration (RRHO): D. A. McQuarrie, Statistical Mechanics (1976), chapters
5, 6 and 8.  The entropy of soft vibrations goes over into that of free rotors (quasi-RRHO): S. Grimme, Chem.
Eur. J. 18 (2012) 9955, doi:10.1002/chem.201200497, with the weight of J.-D. Chai, M. Head-Gordon, Phys. Chem.
Chem. Phys. 10 (2008) 6615.  As in the xtb program, electrons bring no entropy (a doublet's R ln 2 is not in),
and every vibration enters the enthalpy as a harmonic one.

Everything inside is in atomic units; constants are CODATA's of 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.engine.molecule.units import (
    ANGSTROM_PER_BOHR,
    ELECTRON_MASSES_PER_U,
    HARTREE_PER_CM1,
    HARTREE_PER_KELVIN,
    PASCAL_PER_AU,
)
from workers.names import PRESSURE_PA, TEMPERATURE_K

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROTOR_CUTOFF_CM1 = 50.0
# Modes from here to 0 count as real: they are noise of the curvature, not a way down.
IMAGINARY_CUTOFF_CM1 = -20.0
_SHARPNESS = 4
_LINEAR = 2
_ROTATIONS = {0: 0, 1: _LINEAR, 3: 3}  # by how many moments differ from zero and from each other


@dataclass(frozen=True, slots=True)
class Molecule:
    """The properties of a molecule that thermochemistry needs."""

    frequencies_cm1: Sequence[float]  # imaginary ones are negative
    mass_u: float
    moments_u_angstrom2: Sequence[float]  # none of an atom, one of a linear molecule, else three
    symmetry_number: int = 1


@dataclass(frozen=True, slots=True)
class Conditions:
    """Temperature and pressure of the gas, and the frequencies at which the models change."""

    temperature_k: float = TEMPERATURE_K
    pressure_pa: float = PRESSURE_PA
    rotor_cutoff_cm1: float = ROTOR_CUTOFF_CM1
    imaginary_cutoff_cm1: float = IMAGINARY_CUTOFF_CM1


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections to the electronic energy, hartree; entropies in hartree/K."""

    zpe: float
    enthalpy: float  # zero-point energy included
    entropy: float  # soft vibrations as rotors
    entropy_rrho: float  # all vibrations harmonic

    def gibbs(self, temperature_k: float) -> float:
        """The correction to the free energy."""
        return self.enthalpy - temperature_k * self.entropy

    def gibbs_rrho(self, temperature_k: float) -> float:
        """The correction to the free energy, all vibrations harmonic."""
        return self.enthalpy - temperature_k * self.entropy_rrho


def corrections(molecule: Molecule, conditions: Conditions) -> Corrections:
    """Sum translation, rotation and vibration up; imaginary modes are left out."""
    kt = HARTREE_PER_KELVIN * conditions.temperature_k
    quanta = [
        value * HARTREE_PER_CM1
        for value in real_modes(molecule.frequencies_cm1, conditions.imaginary_cutoff_cm1)
    ]
    moments = [_inertia(moment) for moment in molecule.moments_u_angstrom2]
    free = _translation(molecule, conditions, kt) + _rotation(moments, molecule.symmetry_number, kt)
    rotations = _ROTATIONS[len(moments)]
    # Of a linear molecule one moment of the three is zero, and two are the same.
    mean = (2 * sum(moments) if rotations == _LINEAR else sum(moments)) / 3
    cutoff = conditions.rotor_cutoff_cm1 * HARTREE_PER_CM1
    harmonic = sum(_vibration(quantum, kt) for quantum in quanta)
    mixed = sum(_mixed(quantum, kt, mean, cutoff) for quantum in quanta)
    zpe = sum(quanta) / 2
    heat = kt * (5 + rotations) / 2 + sum(_heat(quantum, kt) for quantum in quanta)
    return Corrections(
        zpe=zpe,
        enthalpy=zpe + heat,
        entropy=HARTREE_PER_KELVIN * (free + mixed),
        entropy_rrho=HARTREE_PER_KELVIN * (free + harmonic),
    )


def real_modes(frequencies_cm1: Iterable[float], imaginary_cutoff_cm1: float) -> list[float]:
    """The vibrations that count: soft imaginary ones turned real, further ones left out."""
    return [abs(value) for value in frequencies_cm1 if value and value >= imaginary_cutoff_cm1]


def _inertia(moment_u_angstrom2: float) -> float:
    return moment_u_angstrom2 * ELECTRON_MASSES_PER_U / ANGSTROM_PER_BOHR**2


def _translation(molecule: Molecule, conditions: Conditions, kt: float) -> float:
    """The entropy of translation (Sackur and Tetrode), in units of k."""
    wave = (molecule.mass_u * ELECTRON_MASSES_PER_U * kt / (2 * math.pi)) ** 1.5
    return 2.5 + math.log(wave * kt * PASCAL_PER_AU / conditions.pressure_pa)


def _rotation(moments: Sequence[float], symmetry_number: int, kt: float) -> float:
    """The entropy of rotation at high temperature, in units of k."""
    if not moments:
        return 0.0
    if len(moments) == 1:
        return 1 + math.log(2 * moments[0] * kt / symmetry_number)
    return 1.5 + math.log(
        math.sqrt(math.pi * math.prod(2 * moment * kt for moment in moments)) / symmetry_number
    )


def _heat(quantum: float, kt: float) -> float:
    """The energy of a vibration above its zero-point energy."""
    left = math.exp(-quantum / kt)
    return quantum * left / (1 - left)


def _vibration(quantum: float, kt: float) -> float:
    """The entropy of a harmonic vibration, in units of k."""
    return _heat(quantum, kt) / kt - math.log1p(-math.exp(-quantum / kt))


def _mixed(quantum: float, kt: float, mean_moment: float, cutoff: float) -> float:
    """The entropy between a vibration's and a free rotor's, in units of k."""
    moment = 1 / (2 * quantum)
    if mean_moment:
        moment = moment * mean_moment / (moment + mean_moment)
    rotor = 0.5 + math.log(math.sqrt(2 * math.pi * moment * kt))
    weight = 1 / (1 + (cutoff / quantum) ** _SHARPNESS)
    return weight * _vibration(quantum, kt) + (1 - weight) * rotor
