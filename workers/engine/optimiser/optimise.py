"""Optimisation: steps until energy and gradient say it is enough, or the cycles are used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from workers.engine import bonds, printout
from workers.engine.calculator import Surface, frozen_of, lattice_of, numbers_of, positions_of
from workers.engine.molecule.connectivity import is_connected
from workers.engine.optimiser.cartesian import CartesianStepper
from workers.engine.optimiser.internal import InternalStepper, StepperLost
from workers.engine.summary import Clock, summarise
from workers.errors import NotConverged
from workers.result import Convergence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.engine.arrays import Array
    from workers.engine.calculator import Calculator, Point, Properties
    from workers.engine.levels import Level
    from workers.engine.optimiser.trail import Trail
    from workers.result import BondsChanged, ChemistryResult
    from workers.spec import ChemistrySpec

# Beyond, pyberny's own work costs more than the gradients it saves.
MAX_INTERNAL_ATOMS = 150


class Stepper(Protocol):
    """Proposes geometries."""

    name: str

    def step(self, point: Point) -> Array:
        """Propose the geometry after `point`."""


@dataclass(frozen=True, slots=True)
class RelaxedPoint:
    """The last point of an optimisation, and how far it has converged."""

    point: Point
    properties: Properties
    convergence: Convergence
    bonds_changed: BondsChanged | None


def optimise(
    spec: ChemistrySpec, engine: tuple[str, str], calculator: Calculator, level: Level, trail: Trail
) -> ChemistryResult:
    """Walk downhill from the input's geometry.

    Raises:
        NotConverged: the cycle limit was reached; `partial` is the last result.
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    clock = Clock()
    return finish(spec, engine, relax(spec, Surface(calculator, frozen_of(spec)), level, trail), clock)


def relax(spec: ChemistrySpec, surface: Surface, level: Level, trail: Trail) -> RelaxedPoint:
    """Walk until it is enough, or the cycles are used up, from where an earlier attempt was stopped.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    reached = trail.checkpoint.positions()
    start = surface.at(positions_of(spec) if reached is None else reached)
    if reached is None:
        orders = surface.properties().bond_orders
        assert orders is not None
        trail.checkpoint.begin(orders)
    point, is_converged, internal_steps = _walk(spec, surface, level, trail, start)
    trail.end(point)
    last = surface.properties()
    convergence = Convergence(
        converged=is_converged,
        steps=len(trail.energies),
        gradients=surface.evaluations,
        energy_change_threshold_hartree=level.energy_change,
        gradient_norm_threshold_hartree_per_bohr=level.gradient_norm,
        energy_change_hartree=trail.change,
        gradient_norm_hartree_per_bohr=point.norm,
        trajectory_energies_hartree=tuple(trail.energies),
        internal_steps=internal_steps,
    )
    return RelaxedPoint(
        point, last, convergence, bonds.changed(trail.checkpoint.bond_orders(), last.bond_orders)
    )


def finish(
    spec: ChemistrySpec, engine: tuple[str, str], relaxed: RelaxedPoint, clock: Clock
) -> ChemistryResult:
    """Make the result of where an optimisation ended.

    Raises:
        NotConverged: it was not far enough; `partial` is the result all the same.
    """
    reached = relaxed.convergence
    result = summarise(spec, engine, relaxed.point, relaxed.properties, clock, reached).model_copy(
        update={"bonds_changed": relaxed.bonds_changed}
    )
    printout.footer(result)
    if not reached.converged:
        raise NotConverged(
            f"not converged in {reached.steps} step{'s' * (reached.steps > 1)}: {_missed(reached)}",
            partial=result,
            evidence=tuple(_evidence(reached)),
            hint="go on from the last geometry, allow more --cycles, or ask for a looser --opt level",
        )
    return result


def _missed(reached: Convergence) -> str:
    """Name the criteria that were missed.

    The xtb program has another one: its last step must lower the energy.
    """
    missed = [
        f"{name} is {_wanted(value, unit, limit)}"
        for name, value, unit, limit in _criteria(reached)
        if value >= limit
    ]
    change = reached.energy_change_hartree
    if change is None:
        missed.append("a single step has no energy change")
    elif not missed:
        missed.append(f"the optimiser asks for more, its last step changed the energy by {change:+.1e} Eh")
    return "; ".join(missed)


def _evidence(reached: Convergence) -> Iterator[str]:
    """List what was reached and what was wanted."""
    for name, value, unit, limit in _criteria(reached):
        yield f"{name} {_wanted(value, unit, limit)}"
    energies = reached.trajectory_energies_hartree
    lowest = min(energies)
    yield f"lowest energy {lowest:.8f} Eh at step {energies.index(lowest) + 1} of {len(energies)}"


def _criteria(reached: Convergence) -> Iterator[tuple[str, float, str, float]]:
    """List the criteria of a level: name, what was reached, its unit, and what it had to be below."""
    if reached.energy_change_hartree is not None:
        yield "|dE|", abs(reached.energy_change_hartree), "Eh", reached.energy_change_threshold_hartree
    norm = reached.gradient_norm_hartree_per_bohr
    yield "|g|", norm, "Eh/bohr", reached.gradient_norm_threshold_hartree_per_bohr


def _wanted(value: float, unit: str, limit: float) -> str:
    """Compare a number with its limit, in as many digits as tell them apart."""
    wanted = f"{limit:.1e}"
    shown = next((text for digits in range(1, 6) if float(text := f"{value:.{digits}e}") != limit), wanted)
    return f"{shown} {unit}, wanted below {wanted}"


def _walk(
    spec: ChemistrySpec, surface: Surface, level: Level, trail: Trail, point: Point
) -> tuple[Point, bool, int]:
    """Take steps; give the last point, whether it is good enough, and how many steps were internal."""
    cycles = (spec.cycles or level.cycles(len(spec.structure.symbols))) - trail.checkpoint.steps
    stepper, internal = _stepper(spec, point.positions, cycles), 0
    printout.optimisation(level, cycles, stepper.name)
    printout.table_head()
    trail.add(point)
    if len(point.positions) == 1:
        return point, True, internal
    while not _is_enough(level, point, trail.change):
        if len(trail.energies) >= cycles:
            return point, False, internal
        try:
            positions = stepper.step(point)
            internal += isinstance(stepper, InternalStepper)
        except StepperLost as error:
            printout.note(f"{error}: going on in Cartesian coordinates")
            stepper = CartesianStepper(numbers_of(spec), point.positions)
            positions = stepper.step(point)
        point = surface.at(positions)
        trail.add(point)
    return point, True, internal


def _is_enough(level: Level, point: Point, change: float | None) -> bool:
    return change is not None and abs(change) < level.energy_change and point.norm < level.gradient_norm


def _stepper(spec: ChemistrySpec, positions: Array, cycles: int) -> Stepper:
    """Internal coordinates for a molecule, Cartesian ones for everything else.

    Frozen positions are Cartesian: internal coordinates would have to be solved for them.  So are crystals,
    whose bonds lead into neighbouring cells.
    """
    numbers, lattice = numbers_of(spec), lattice_of(spec)
    if spec.frozen_atoms or lattice is not None:
        return CartesianStepper(numbers, positions, frozen_of(spec), lattice)
    if 1 < len(numbers) <= MAX_INTERNAL_ATOMS and is_connected(numbers, positions):
        try:
            return InternalStepper(spec.structure.symbols, positions, cycles)
        except StepperLost:
            pass
    return CartesianStepper(numbers, positions)
