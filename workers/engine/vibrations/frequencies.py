"""Frequencies and thermochemistry: the curvature at a geometry, of the input or optimised first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from workers.engine import printout
from workers.engine.calculator import Surface, numbers_of, positions_of
from workers.engine.checkpoint import Relaxed
from workers.engine.levels import STATIONARY
from workers.engine.optimiser.optimise import finish, relax
from workers.engine.summary import Clock, summarise, threads
from workers.engine.vibrations.hessian import STEP_BOHR, differentiate
from workers.engine.vibrations.normal_modes import normal_modes
from workers.engine.vibrations.rigid_body import body, symmetry_number
from workers.engine.vibrations.thermochemistry import (
    IMAGINARY_CUTOFF_CM1,
    Conditions,
    Corrections,
    Molecule,
    corrections,
)
from workers.engine.vibrations.threads import thread_count
from workers.job import FREQUENCIES, Progress, gradients_of_frequencies
from workers.result import Thermochemistry, Vibrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.engine.calculator import Calculator, SurfacePoint
    from workers.engine.checkpoint import Checkpoint
    from workers.engine.levels import Level
    from workers.engine.optimiser.trail import Trail
    from workers.engine.vibrations.normal_modes import Modes
    from workers.engine.vibrations.rigid_body import Body
    from workers.result import ChemistryResult
    from workers.spec import ChemistrySpec


def frequencies(
    spec: ChemistrySpec,
    engine: tuple[str, str],
    make: Callable[[], Calculator],
    report: Callable[[Progress], None],
    checkpoint: Checkpoint,
    driven: tuple[Level, Trail] | None = None,
) -> ChemistryResult:
    """Compute the vibrations and, at a stationary point, the thermochemistry.

    `make` makes a calculator for each thread.  `driven` is the level of an optimisation before;
    None: the geometry of the input is used.  The checkpoint has what an earlier attempt has computed of both.

    Raises:
        NotConverged: the optimiser's cycle limit was reached; `partial` is the last result.
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    clock, surface = Clock(), Surface(make())
    earlier = checkpoint.earlier.relaxed if checkpoint.earlier is not None else None
    relaxed = None if driven is None or earlier is not None else relax(spec, surface, *driven)
    if relaxed is not None and not relaxed.convergence.converged:
        return finish(spec, engine, relaxed, clock)
    if relaxed is not None:
        point, properties = relaxed.point, relaxed.properties
        earlier = Relaxed(convergence=relaxed.convergence, bonds_changed=relaxed.bonds_changed)
    else:
        reached = checkpoint.positions()
        point = surface.at(positions_of(spec) if reached is None else reached)
        properties = surface.properties()
        if driven is not None:
            driven[1].end(point)
    checkpoint.settle(point.positions, earlier, checkpoint.steps + surface.evaluations)
    surfaces = _surfaces(spec, surface, make)
    vibrations, thermochemistry = _curvature(spec, surfaces, point, _told(report, point, driven), checkpoint)
    convergence = None if earlier is None else earlier.convergence
    result = replace(
        summarise(spec, engine, point, properties, clock, convergence),
        bonds_changed=None if earlier is None else earlier.bonds_changed,
        vibrations=vibrations,
        thermochemistry=thermochemistry,
    )
    printout.vibrations(vibrations, thermochemistry)
    printout.footer(result)
    return result


def _told(
    report: Callable[[Progress], None], point: SurfacePoint, driven: tuple[Level, Trail] | None
) -> Callable[[int], None]:
    """Report how many gradients there are; the optimisation before has its share of the way."""
    total, begun = gradients_of_frequencies(len(point.positions)), 0.0 if driven is None else driven[1].share
    norm = point.norm

    def tell(gradients: int) -> None:
        report(
            Progress(
                fraction=begun + (1 - begun) * gradients / total,
                phase=FREQUENCIES,
                step=gradients,
                energy_hartree=point.energy,
                gradient_norm_hartree_per_bohr=norm,
            )
        )

    return tell


def _surfaces(spec: ChemistrySpec, surface: Surface, make: Callable[[], Calculator]) -> list[Surface]:
    """Make as many surfaces as displacements are computed side by side."""
    number = min(thread_count(spec), gradients_of_frequencies(len(spec.structure.symbols)) // 2)
    return [surface, *(Surface(make(), is_silent=True) for _ in range(1, number))]


def _beside(number: int, most: int) -> str:
    """Say how many displacements of `most` are computed side by side, where a job has several cores."""
    if threads() == 1:
        return ""
    why = ", as the memory limit has room for" if number < min(threads(), most) else ""
    return f", {number} side by side{why}"


def _curvature(
    spec: ChemistrySpec,
    surfaces: list[Surface],
    point: SurfacePoint,
    tell: Callable[[int], None],
    checkpoint: Checkpoint,
) -> tuple[Vibrations, Thermochemistry | None]:
    shape = body(numbers_of(spec), point.positions)
    gradients = gradients_of_frequencies(len(point.positions))
    beside = _beside(len(surfaces), gradients // 2)
    printout.note(f"central differences of {gradients} gradients, {STEP_BOHR} bohr either way{beside}")
    # The errors that the others leave to it move a heavy atom least.
    at_rest = int(np.argmax(shape.masses))
    found = differentiate(surfaces, point.positions, at_rest, spec.charge, tell, checkpoint)
    modes = normal_modes(found, shape)
    vibrations = vibrations_of(modes, gradients)
    is_stationary = point.norm <= STATIONARY
    return vibrations, thermochemistry_of(spec, point, shape, modes) if is_stationary else None


def vibrations_of(modes: Modes, gradients: int) -> Vibrations:
    """Put vibrations together; `gradients` is how many the differences took."""
    found = modes.frequencies_cm1.tolist()
    return Vibrations(
        frequencies_cm1=tuple(found),
        ir_intensities_km_per_mol=tuple(modes.intensities_km_per_mol.tolist()),
        imaginary_modes=sum(value < IMAGINARY_CUTOFF_CM1 for value in found),
        imaginary_cutoff_cm1=IMAGINARY_CUTOFF_CM1,
        lowest_mode_cm1=found[0] if found else None,
        gradients=gradients,
        step_bohr=STEP_BOHR,
    )


def thermochemistry_of(
    spec: ChemistrySpec, point: SurfacePoint, shape: Body, modes: Modes
) -> Thermochemistry:
    """Work out the ideal gas of molecules with these modes, and the energy of this point."""
    given = spec.symmetry_number
    sigma = symmetry_number(numbers_of(spec), shape) if given is None else given
    conditions = Conditions(temperature_k=spec.temperature_k, pressure_pa=spec.pressure_pa)
    molecule = Molecule(modes.frequencies_cm1.tolist(), shape.mass_u, shape.moments_u_angstrom2, sigma)
    found: Corrections = corrections(molecule, conditions)
    return Thermochemistry(
        temperature_k=conditions.temperature_k,
        pressure_pa=conditions.pressure_pa,
        symmetry_number=sigma,
        symmetry_number_origin="detected" if given is None else "given",
        mass_u=shape.mass_u,
        moments_of_inertia_u_angstrom2=shape.moments_u_angstrom2,
        rotor_cutoff_cm1=conditions.rotor_cutoff_cm1,
        zpe_hartree=found.zpe,
        enthalpy_hartree=point.energy + found.enthalpy,
        entropy_hartree_per_k=found.entropy,
        gibbs_hartree=point.energy + found.gibbs(conditions.temperature_k),
        entropy_rrho_hartree_per_k=found.entropy_rrho,
        gibbs_rrho_hartree=point.energy + found.gibbs_rrho(conditions.temperature_k),
    )
