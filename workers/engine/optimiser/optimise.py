"""Optimisation: steps until energy and gradient say it is enough, or the cycles are used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workers.engine import bonds, printout
from workers.engine.calculator import Surface, frozen_of, lattice_of, numbers_of, positions_of
from workers.engine.molecule.connectivity import FAR_APART, repulsion
from workers.engine.optimiser.coordinates import Cartesian, Internal, NoCoordinates
from workers.engine.optimiser.stepper import RISE, Stepper
from workers.engine.summary import Clock, summarise
from workers.errors import EngineCrashed, EngineInput, NotConverged, ScfNotConverged
from workers.result import Convergence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.engine.calculator import Calculator, Properties, SurfacePoint
    from workers.engine.levels import Level
    from workers.engine.optimiser.trail import Trail
    from workers.result import BondsChanged, ChemistryResult
    from workers.spec import ChemistrySpec

# This many rejections in a row change the coordinates; with Cartesian ones they end the optimisation.
_MOST_INTERNAL, _MOST_REJECTED = 4, 8
# What a point may end with that the optimiser has proposed: it is rejected, whatever the reason.
FAILURES = (EngineCrashed, EngineInput, ScfNotConverged)
_ELSE = "look at the last geometry; else try another method or engine, or --opt crude first"


@dataclass(frozen=True, slots=True)
class RelaxedPoint:
    """The last point of an optimisation, and how far it has converged."""

    point: SurfacePoint
    properties: Properties
    convergence: Convergence
    bonds_changed: BondsChanged | None
    stuck: str = ""  # why no step leads further
    is_apart: bool = False  # pieces fly apart: there is no minimum to converge to


@dataclass(frozen=True, slots=True)
class Walked:
    """The best point of a walk."""

    point: SurfacePoint
    internal_steps: int = 0
    is_converged: bool = False
    stuck: str = ""
    is_apart: bool = False


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
    walked = _walk(spec, surface, level, trail, start)
    point = walked.point
    trail.end(point)
    last = _properties(surface, walked)
    convergence = Convergence(
        converged=walked.is_converged,
        steps=trail.passed,
        gradients=surface.evaluations,
        energy_change_threshold_hartree=level.energy_change,
        gradient_norm_threshold_hartree_per_bohr=level.gradient_norm,
        energy_change_hartree=trail.change,
        gradient_norm_hartree_per_bohr=point.norm,
        trajectory_energies_hartree=tuple(trail.energies),
        internal_steps=walked.internal_steps,
    )
    changed = bonds.changed(trail.checkpoint.bond_orders(), last.bond_orders)
    return RelaxedPoint(point, last, convergence, changed, walked.stuck, walked.is_apart)


def _properties(surface: Surface, walked: Walked) -> Properties:
    """Read the properties at the best point, which may have to be computed once more.

    Raises:
        NotConverged: it cannot be computed any more.
    """
    if surface.last is not walked.point:
        try:
            surface.at(walked.point.positions)
        except FAILURES as error:
            raise NotConverged(
                f"the optimiser found no way on, and its best point cannot be computed again: {error.what}",
                evidence=error.evidence,
                hint=_ELSE,
            ) from None
    return surface.properties()


def finish(
    spec: ChemistrySpec, engine: tuple[str, str], relaxed: RelaxedPoint, clock: Clock
) -> ChemistryResult:
    """Make the result of where an optimisation ended.

    Raises:
        NotConverged: it was not far enough; `partial` is the result all the same.  One whose pieces fly
            apart is none: its verdict reports it.
    """
    reached = relaxed.convergence
    result = summarise(spec, engine, relaxed.point, relaxed.properties, clock, reached)
    result = replace(result, bonds_changed=relaxed.bonds_changed)
    printout.footer(result)
    if relaxed.stuck:
        raise NotConverged(
            f"the optimiser found no way on from frame {len(reached.trajectory_energies_hartree)} of the "
            f"trajectory, the best: {relaxed.stuck}",
            partial=result,
            evidence=tuple(_evidence(reached)),
            hint=_ELSE,
        )
    if not reached.converged and not relaxed.is_apart:
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
    yield f"lowest energy {lowest:.8f} Eh in frame {energies.index(lowest) + 1} of {len(energies)}"


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


def _walk(spec: ChemistrySpec, surface: Surface, level: Level, trail: Trail, start: SurfacePoint) -> Walked:
    """Take steps until it is enough, the cycles are used up, or no step leads further."""
    cycles = (spec.cycles or level.cycles(len(spec.structure.symbols))) - trail.checkpoint.steps
    stepper, internal_steps = _stepper(spec, start), 0
    printout.optimisation(level, cycles, stepper.name)
    printout.table_head()
    trail.add(start)
    again = None
    while len(start.positions) > 1 and not _is_enough(level, stepper.best, trail.change):
        if trail.passed >= cycles:
            return Walked(stepper.best, internal_steps)
        was_internal = stepper.is_internal
        try:
            failure, is_lost = _take_step(stepper, surface, trail), False
        except NoCoordinates as error:
            failure, is_lost = str(error), True
        internal_steps = trail.passed - 1 if was_internal else internal_steps
        if _flies_apart(spec, surface, stepper.best):
            return Walked(stepper.best, internal_steps, is_apart=True)
        if is_lost or stepper.rejected > (_MOST_INTERNAL if was_internal else _MOST_REJECTED):
            if again is stepper.best:
                return Walked(stepper.best, internal_steps, stuck=failure)
            again = None if was_internal else stepper.best
            stepper = _cartesian(spec, stepper.best, failure)
    return Walked(stepper.best, internal_steps, is_converged=True)


def _take_step(stepper: Stepper, surface: Surface, trail: Trail) -> str:
    """Take one step; return why it leads nowhere, and nothing if it leads down.

    Raises:
        NoCoordinates: the coordinates do not describe what was reached.
    """
    positions = stepper.step()
    try:
        point = surface.at(positions)
    except FAILURES as error:
        stepper.shorten()
        trail.reject(None, stepper.best)
        return error.what
    if point.energy - stepper.best.energy > RISE:
        trail.reject(point, stepper.best)
    else:
        trail.add(point)
    stepper.learn(point)
    return f"{stepper.rejected} steps in a row raise the energy"


def _flies_apart(spec: ChemistrySpec, surface: Surface, best: SurfacePoint) -> bool:
    """Whether the last step has brought charged pieces, which nothing holds, far apart."""
    is_held = bool(spec.frozen_atoms) or spec.structure.lattice_angstrom is not None
    if abs(spec.charge) < 2 or is_held or surface.last is not best:  # noqa: PLR2004 - a charge for each piece
        return False
    found = repulsion(numbers_of(spec), best.positions, surface.properties().charges)
    return found is not None and found[0] > FAR_APART


def _cartesian(spec: ChemistrySpec, best: SurfacePoint, why: str) -> Stepper:
    printout.note(f"{why}: continuing in Cartesian coordinates from the best geometry")
    return Stepper(Cartesian(numbers_of(spec), frozen_of(spec), lattice_of(spec)), best)


def _is_enough(level: Level, point: SurfacePoint, change: float | None) -> bool:
    return change is not None and abs(change) < level.energy_change and point.norm < level.gradient_norm


def _stepper(spec: ChemistrySpec, start: SurfacePoint) -> Stepper:
    """Choose internal coordinates for molecules, Cartesian ones for everything else.

    Crystals are Cartesian, because their bonds lead into neighbouring cells.
    """
    numbers, lattice = numbers_of(spec), lattice_of(spec)
    if len(numbers) > 1 and lattice is None:
        try:
            return Stepper(Internal(numbers, start.positions, frozen_of(spec)), start)
        except NoCoordinates:
            pass
    return Stepper(Cartesian(numbers, frozen_of(spec), lattice), start)
