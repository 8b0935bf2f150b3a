"""The result of a calculation: the numbers of its last point, in the units of results (eV, Å, debye)."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workers import __version__
from workers.engine.bonds import listed
from workers.engine.calculator import norm
from workers.engine.molecule.units import ANGSTROM_PER_BOHR, DEBYE_PER_AU, EV_PER_HARTREE
from workers.engine.program_options import interpreted
from workers.result import ChemistryResult, Orbitals, Provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.engine.arrays import Array
    from workers.engine.calculator import Properties, SurfacePoint
    from workers.result import Convergence
    from workers.spec import ChemistrySpec, Lattice, Vector

# Weaker bonds are not in a result.
MIN_BOND_ORDER = 0.1


class Clock:
    """Measures the wall time and the CPU time since it was made."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def wall_s(self) -> float:
        """Return the wall time in seconds."""
        return time.perf_counter() - self._wall

    def cpu_s(self) -> float:
        """Return the CPU time of all threads, in seconds."""
        return time.process_time() - self._cpu


def summarise(
    spec: ChemistrySpec,
    engine: tuple[str, str],
    point: SurfacePoint,
    properties: Properties,
    clock: Clock,
    convergence: Convergence | None = None,
) -> ChemistryResult:
    """Make the result of a calculation.

    Args:
        spec: the specification.
        engine: its name and version.
        point: the last geometry, in bohr, with energy and gradient in atomic units.
        properties: the properties at that geometry.
        clock: was made when the calculation began.
        convergence: the end of the optimisation; None: there was none.
    """
    name, version = engine
    passed = interpreted(spec.program_options, spec.program_input)
    dipole = None if properties.dipole is None else properties.dipole * DEBYE_PER_AU
    orbitals = _orbitals(properties)
    alpha, beta = (*orbitals, None, None)[:2]
    homo, lumo = frontier(orbitals, spec.unpaired)
    return ChemistryResult(
        kind=spec.kind,
        method=spec.method,
        engine=name,
        engine_version=version,
        charge=spec.charge,
        unpaired=spec.unpaired,
        solvation=spec.solvation or ("cosmo" if passed.solvation == "cosmo" else None),
        solvent=spec.solvent or passed.solvent,
        spin_polarised=spec.spin_polarised,
        program_options=spec.program_options,
        program_input=spec.program_input,
        symbols=spec.structure.symbols,
        positions_angstrom=_positions(spec, point),
        lattice_angstrom=spec.structure.lattice_angstrom,
        energy_hartree=point.energy,
        gradient_hartree_per_bohr=_vectors(point.gradient),
        gradient_norm_hartree_per_bohr=point.norm,
        virial_hartree=_matrix(properties.virial),
        dipole_vector_debye=None if dipole is None else _vectors(dipole[None])[0],
        dipole_debye=None if dipole is None else norm(dipole),
        charges_e=tuple(properties.charges.tolist()),
        bond_orders=listed(properties.bond_orders, MIN_BOND_ORDER),
        orbitals=alpha,
        beta_orbitals=beta,
        homo_ev=homo,
        lumo_ev=lumo,
        gap_ev=None if homo is None or lumo is None else lumo - homo,
        convergence=convergence,
        provenance=_provenance(spec),
        libraries=_libraries(),
        threads=threads(),
        wall_s=clock.wall_s(),
        cpu_s=clock.cpu_s(),
        peak_memory_bytes=_peak_memory(),
    )


def frontier(orbitals: Sequence[Orbitals], unpaired: int) -> tuple[float | None, float | None]:
    """Find the highest occupied and the lowest empty orbital's energy (eV).

    A singly occupied orbital counts as occupied, as in xtb.  Counted by electrons, not by occupations, which
    the electronic temperature smears.

    Args:
        orbitals: one set, or alpha and beta; none of a force field.
        unpaired: the number of unpaired electrons.
    """
    electrons = round(sum(sum(spin.occupations) for spin in orbitals))
    spins = [spin.energies_ev for spin in orbitals]
    # Spin-polarised, each spin has orbitals of its own; else the more occupied one speaks for both.
    occupied = [(electrons + unpaired + 1) // 2, (electrons - unpaired) // 2][: len(spins)]
    pairs = list(zip(spins, occupied, strict=True))
    filled = [energies[count - 1] for energies, count in pairs if count]
    empty = [energies[count] for energies, count in pairs if count < len(energies)]
    return max(filled, default=None), min(empty, default=None)


def threads() -> int:
    """Return the number of threads of engines in this process."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def _provenance(spec: ChemistrySpec) -> Provenance:
    return Provenance(
        nox_version=__version__,
        host=platform.node(),
        source_file=spec.source.file,
        input_sha256=spec.source.sha256,
        source_job=spec.source.job,
        charge_origin=spec.charge_origin,
        unpaired_origin=spec.unpaired_origin,
        opt_level=spec.opt_level,
        frozen_atoms=spec.frozen_atoms,
        accuracy=spec.accuracy,
        electronic_temperature_k=spec.electronic_temperature_k,
        iterations=spec.iterations,
    )


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    """List Python and the library that compute besides the engine, with versions."""
    python = ".".join(map(str, sys.version_info[:3]))
    return (("python", python), ("numpy", np.__version__))


def _positions(spec: ChemistrySpec, point: SurfacePoint) -> tuple[Vector, ...]:
    """Return the geometry in Å; without an optimisation, the numbers of the input unchanged."""
    if spec.opt_level is None:
        return spec.structure.positions_angstrom
    return _vectors(point.positions * ANGSTROM_PER_BOHR)


def _vectors(array: Array) -> tuple[Vector, ...]:
    return tuple((x, y, z) for x, y, z in array.tolist())


def _matrix(array: Array | None) -> Lattice | None:
    if array is None:
        return None
    first, second, third = _vectors(array)
    return first, second, third


def _orbitals(properties: Properties) -> list[Orbitals]:
    """Return the orbitals: one set, or alpha and beta if spin-polarised; a force field has none."""
    if properties.occupations is None or properties.orbital_energies is None:
        return []
    shape = (-1, properties.occupations.shape[-1])
    energies = (properties.orbital_energies * EV_PER_HARTREE).reshape(shape)
    occupations = properties.occupations.reshape(shape)
    return [
        Orbitals(energies_ev=tuple(levels), occupations=tuple(electrons))
        for levels, electrons in zip(energies.tolist(), occupations.tolist(), strict=True)
    ]


def _peak_memory() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
