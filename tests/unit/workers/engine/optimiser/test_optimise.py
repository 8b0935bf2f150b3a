"""Optimisation on surfaces of one's own, without a compute library: steppers, levels, and what they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.standin import molecules
from workers.documents import SPEC
from workers.engine.calculator import Point, Properties, numbers_of, positions_of
from workers.engine.checkpoint import Checkpoint
from workers.engine.levels import LEVELS
from workers.engine.molecule.connectivity import is_connected
from workers.engine.optimiser.cartesian import CartesianStepper
from workers.engine.optimiser.internal import InternalStepper, StepperLost
from workers.engine.optimiser.model_hessian import model_hessian
from workers.engine.optimiser.optimise import _missed, _stepper, optimise
from workers.engine.optimiser.trail import Trail
from workers.engine.summary import frontier
from workers.errors import EngineCrashed, NotConverged
from workers.result import Convergence
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure
    from workers.engine.arrays import Array
    from workers.engine.optimiser.optimise import Stepper
    from workers.job import Progress
    from workers.result import ChemistryResult

ENGINE = ("springs", "1")


class Springs:
    """A calculator whose atoms are held by springs: between each two, of a length of its own."""

    def __init__(self, spec: ChemistrySpec, stretch: float = 1.1) -> None:
        rest = positions_of(spec) * stretch
        self._lengths = np.linalg.norm(rest[:, None] - rest, axis=2)
        self.poison: float | None = None

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Half the square of every spring's strain."""
        del is_verbose
        difference = positions[:, None] - positions
        distance = np.linalg.norm(difference, axis=2)
        strain = distance - self._lengths
        with np.errstate(invalid="ignore"):
            pull = np.nan_to_num(strain / distance)
        gradient = (pull[:, :, None] * difference).sum(axis=1) * 0.3
        energy = 0.3 * 0.25 * float((strain**2).sum())
        return (energy, gradient) if self.poison is None else (self.poison, gradient)

    def forget(self) -> None:
        """Springs remember nothing."""

    def dipole(self) -> Array:
        """None."""
        return np.zeros(3)

    def properties(self) -> Properties:
        """Two electrons in two orbitals."""
        atoms = len(self._lengths)
        return Properties(
            dipole=np.zeros(3),
            charges=np.zeros(atoms),
            bond_orders=np.zeros((atoms, atoms)),
            orbital_energies=np.array([-0.5, 0.1]),
            occupations=np.array([2.0, 0.0]),
        )


def asked(structure: Structure, **fields: Any) -> ChemistrySpec:
    """The specification of an optimisation."""
    symbols, positions = structure
    spec = SPEC.validate_python(
        {"kind": "opt", "structure": {"symbols": symbols, "positions_angstrom": positions}} | fields
    )
    assert isinstance(spec, ChemistrySpec)
    return spec


def relax(
    spec: ChemistrySpec, scratch: Path, calculator: Springs | None = None, level: str = "tight"
) -> tuple[ChemistryResult, list[Progress]]:
    """Optimise on springs."""
    told: list[Progress] = []
    trail = Trail(spec, LEVELS[level], scratch, told.append, Checkpoint(scratch, spec, ENGINE))
    return optimise(spec, ENGINE, calculator or Springs(spec), LEVELS[level], trail), told


def walk(stepper: Stepper, calculator: Springs, positions: Array, steps: int) -> Point:
    """Take so many steps."""
    for _ in range(steps):
        energy, gradient = calculator.compute(positions, is_verbose=False)
        point = Point(positions, energy, gradient)
        positions = stepper.step(point)
    return point


STRUCTURES = [
    pytest.param(molecules.HYDROGEN, id="hydrogen"),
    pytest.param(molecules.WATER, id="water"),
    pytest.param(molecules.ACETYLENE, id="acetylene"),
    pytest.param(molecules.METHANOL, id="methanol"),
    pytest.param(molecules.molecule("caffeine"), id="caffeine"),
]


def test_the_model_hessian_of_a_crystal_sees_across_borders() -> None:
    """
    Atoms moved by whole vectors of the cell are as stiffly bound as before.
    """
    spec = asked(molecules.METHANOL)
    positions, lattice = positions_of(spec), np.array([[12.0, 0.0, 0.0], [3.0, 13.0, 0.0], [0.0, -2.0, 14.0]])
    wrapped = positions + np.arange(positions.size).reshape(-1, 3) % 2 @ lattice

    expected = model_hessian(numbers_of(spec), positions, lattice)
    assert np.allclose(expected, model_hessian(numbers_of(spec), wrapped, lattice), atol=1e-10)
    assert not np.allclose(expected, model_hessian(numbers_of(spec), wrapped), atol=1e-2)


@pytest.mark.parametrize("structure", STRUCTURES[:4])
def test_the_model_hessian_is_symmetric_and_knows_no_place(structure: Structure) -> None:
    """
    It is symmetric, pushes nothing when all atoms move or turn together, and is nowhere downhill.
    """
    spec = asked(structure)
    positions = positions_of(spec)
    hessian = model_hessian(numbers_of(spec), positions)
    turn = np.cross([0.3, -0.2, 0.9], positions).ravel()

    assert np.allclose(hessian, hessian.T)
    assert np.allclose(0, hessian @ np.tile([1.0, 2.0, 3.0], len(positions)), atol=1e-10)
    assert np.allclose(0, hessian @ turn, atol=1e-8)
    assert np.linalg.eigvalsh(hessian)[0] > -1e-10


def test_the_model_hessian_turns_with_the_molecule() -> None:
    """
    Turning the molecule turns the Hessian: its curvatures stay.
    """
    straight, turned = asked(molecules.METHANOL), asked(molecules.turned(molecules.METHANOL))
    before = np.linalg.eigvalsh(model_hessian(numbers_of(straight), positions_of(straight)))
    after = np.linalg.eigvalsh(model_hessian(numbers_of(turned), positions_of(turned)))

    assert np.allclose(before, after)


def test_a_ring_of_three_and_atoms_in_one_place_are_no_trouble() -> None:
    """
    Three atoms in a ring have no torsion; atoms far apart have next to no stiffness.
    """
    ring = model_hessian(np.array([6, 6, 6]), np.array([[0, 0, 0], [2.8, 0, 0], [1.4, 2.4, 0]]))
    apart = model_hessian(np.array([2, 2]), np.array([[0, 0, 0], [0, 0, 30.0]]))

    assert np.isfinite(ring).all()
    assert np.allclose(0, apart)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_cartesian_steps_go_downhill(structure: Structure) -> None:
    """
    On springs the end of the way is the bottom.
    """
    spec = asked(structure)
    stepper = CartesianStepper(numbers_of(spec), positions_of(spec))

    assert walk(stepper, Springs(spec), positions_of(spec), 60).energy < 1e-5


def test_optimise_no_step_is_longer_than_the_trust() -> None:
    """
    However far the bottom is, no atom moves more than 0.3 bohr at first.
    """
    spec = asked(molecules.METHANOL)
    positions = positions_of(spec)
    energy, gradient = Springs(spec, stretch=5).compute(positions, is_verbose=False)
    step = CartesianStepper(numbers_of(spec), positions).step(Point(positions, energy, gradient)) - positions

    assert 0.29 < np.max(np.linalg.norm(step, axis=1)) <= 0.3 + 1e-6


def test_a_step_uphill_is_taken_back() -> None:
    """
    A step that raised the energy is followed by a shorter one from where it began.
    """
    spec = asked(molecules.WATER)
    start = positions_of(spec)
    calculator = Springs(spec)
    stepper = CartesianStepper(numbers_of(spec), start)
    energy, gradient = calculator.compute(start, is_verbose=False)
    first = stepper.step(Point(start, energy, gradient))
    second = stepper.step(Point(first, energy + 1.0, gradient))

    assert np.linalg.norm(second - start) < np.linalg.norm(first - start)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_an_optimisation_ends_at_the_bottom(structure: Structure, tmp_path: Path) -> None:
    """
    Energy and gradient are below the level's limits, and every step was told.
    """
    result, told = relax(asked(structure), tmp_path)

    assert result.convergence is not None
    assert result.convergence.converged
    assert result.energy_hartree < 1e-5
    assert result.convergence.steps == len(told)


def test_a_surface_that_is_flat_converges(tmp_path: Path) -> None:
    """
    Where there is no force at all, two points say so.
    """
    spec = asked(molecules.METHANOL)
    result, told = relax(spec, tmp_path, Springs(spec, stretch=1.0))

    assert result.energy_hartree < 1e-20
    assert 2 <= len(told) <= 3


def test_optimise_one_atom_is_converged_at_once(tmp_path: Path) -> None:
    """
    An atom has nowhere to go: one calculation, no step.
    """
    result, told = relax(asked(molecules.HELIUM), tmp_path)

    assert result.convergence is not None
    assert (1, 1, None) == (len(told), result.convergence.gradients, result.convergence.energy_change_hartree)
    assert pytest.approx(molecules.HELIUM[1][0]) == list(result.positions_angstrom[0])


def test_optimise_where_pyberny_is_lost_cartesian_steps_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An optimisation whose internal coordinates fail is finished in Cartesian ones.
    """

    def lost(*_: object) -> Array:
        raise StepperLost("RuntimeError: the trust radius got too small")

    monkeypatch.setattr(InternalStepper, "step", lost)
    result, _ = relax(asked(molecules.METHANOL), tmp_path)

    assert result.energy_hartree < 1e-5
    assert "the trust radius got too small: going on in Cartesian coordinates" in capsys.readouterr().out


def test_pyberny_refuses_what_is_not_finite() -> None:
    """
    A gradient that leads nowhere is a lost stepper, not a geometry of NaN.
    """
    spec = asked(molecules.WATER)
    stepper = InternalStepper(spec.structure.symbols, positions_of(spec), 10)
    point = Point(positions_of(spec), 0.0, np.full((3, 3), np.nan))

    with pytest.raises(StepperLost):
        stepper.step(point)


@pytest.mark.parametrize(
    ("structure", "name"),
    [
        (molecules.WATER, InternalStepper.name),
        (molecules.NITROGEN, InternalStepper.name),
        (molecules.HELIUM, CartesianStepper.name),
        (molecules.beside(molecules.WATER, molecules.WATER, [6, 0, 0]), CartesianStepper.name),
    ],
)
def test_the_structure_decides_the_coordinates(structure: Structure, name: str) -> None:
    """
    One molecule goes in internal coordinates; atoms and several molecules in Cartesian ones.
    """
    spec = asked(structure)

    assert name == _stepper(spec, positions_of(spec), 200).name


def test_fragments_are_told_apart() -> None:
    """
    A molecule is connected, whatever its bonds; two beside each other are not.
    """
    for structure in (molecules.WATER, molecules.ACETYLENE, molecules.molecule("caffeine")):
        assert is_connected(numbers_of(asked(structure)), positions_of(asked(structure)))
    pair = asked(molecules.beside(molecules.WATER, molecules.WATER, [3, 0, 0]))

    assert not is_connected(numbers_of(pair), positions_of(pair))


def test_a_number_that_is_not_finite_ends_it(tmp_path: Path) -> None:
    """
    NaN is told as what it is, by the engine already.
    """
    spec = asked(molecules.WATER)
    calculator = Springs(spec)
    calculator.poison = float("nan")

    with pytest.raises(EngineCrashed, match="the result is not finite: the engine's energy"):
        relax(spec, tmp_path, calculator)


def test_the_cycle_limit_is_kept_and_the_last_point_too(tmp_path: Path) -> None:
    """
    Three cycles are three calculations; the error carries what they reached.
    """
    with pytest.raises(NotConverged) as error:
        relax(asked(molecules.molecule("caffeine"), cycles=3), tmp_path, level="extreme")

    partial: Any = error.value.partial
    assert (3, False) == (partial.convergence.gradients, partial.convergence.converged)
    assert (tmp_path / "opt.xyz").read_text().count("\n") == 26


@pytest.mark.parametrize(
    ("change", "norm", "missed"),
    [
        (-9e-6, 5e-4, "|dE| is 9.0e-06 Eh, wanted below 5.0e-06"),
        (4e-6, 2e-3, "|g| is 2.0e-03 Eh/bohr, wanted below 1.0e-03"),
        (4e-6, 1.00004e-3, "|g| is 1.00004e-03 Eh/bohr, wanted below 1.0e-03"),
        (
            -5e-6,
            1e-3,
            "|dE| is 5.0e-06 Eh, wanted below 5.0e-06; |g| is 1.0e-03 Eh/bohr, wanted below 1.0e-03",
        ),
        (None, 5e-4, "a single step has no energy change"),
        (3e-6, 5e-4, "the optimiser asks for more, its last step changed the energy by +3.0e-06 Eh"),
    ],
)
def test_optimise_each_criterion_that_was_missed_is_named(
    change: float | None, norm: float, missed: str
) -> None:
    """
    One that was met is not, a fall of the energy counts as a change, and a near miss has the digits to tell.
    """
    reached = Convergence(
        converged=False,
        steps=2,
        gradients=2,
        energy_change_threshold_hartree=5e-6,
        gradient_norm_threshold_hartree_per_bohr=1e-3,
        energy_change_hartree=change,
        gradient_norm_hartree_per_bohr=norm,
        trajectory_energies_hartree=(-5.0, -5.0),
    )

    assert missed == _missed(reached)


@pytest.mark.parametrize(
    ("name", "atoms", "cycles"),
    [
        ("crude", 24, 200),
        ("normal", 24, 200),
        ("normal", 100, 300),
        ("tight", 100, 500),
        ("vtight", 24, 480),
        ("extreme", 600, 10_000),
        ("loose", 150, 300),
    ],
)
def test_the_cycle_limit_grows_with_size_and_level(name: str, atoms: int, cycles: int) -> None:
    """
    As xtb: by atoms and level, 200 at least and 10,000 at most.
    """
    assert cycles == LEVELS[name].cycles(atoms)


@pytest.mark.parametrize(
    ("occupations", "unpaired", "homo", "lumo"),
    [
        ([2, 2, 0, 0], 0, 1, 2),
        ([2, 1, 1, 0], 2, 2, 3),
        ([2, 1, 0, 0], 1, 1, 2),
        ([2, 1.5, 1.5, 0], 1, 2, 3),
        ([1.9, 1.1, 0.6, 0.4], 0, 1, 2),
        ([2, 2, 2, 2], 0, 3, None),
        ([0, 0, 0, 0], 0, None, 0),
    ],
)
def test_frontier_orbitals_are_counted_by_electrons(
    occupations: list[float], unpaired: int, homo: int | None, lumo: int | None
) -> None:
    """
    Singly occupied orbitals are occupied; smearing does not move the frontier.
    """
    energies = np.array([-0.4, -0.3, 0.1, 0.2])
    properties = Properties(np.zeros(3), np.zeros(1), np.zeros((1, 1)), energies, np.array(occupations))
    expected = [None if place is None else float(energies[place]) * 27.211386245988 for place in (homo, lumo)]

    assert expected == list(frontier(properties, unpaired))
