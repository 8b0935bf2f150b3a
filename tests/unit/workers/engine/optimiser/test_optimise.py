"""Optimisation on surfaces of one's own, without a compute library: steppers, levels, and what they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.standin import molecules
from workers.documents import SPEC
from workers.engine.calculator import Properties, SurfacePoint, numbers_of, positions_of
from workers.engine.checkpoint import Checkpoint
from workers.engine.levels import LEVELS
from workers.engine.molecule.connectivity import FAR_APART, bonds, pieces, repulsion
from workers.engine.optimiser.coordinates import Cartesian, Internal, NoCoordinates
from workers.engine.optimiser.model_hessian import model_hessian
from workers.engine.optimiser.optimise import _missed, _stepper, optimise
from workers.engine.optimiser.stepper import Stepper
from workers.engine.optimiser.trail import Trail
from workers.engine.summary import frontier
from workers.errors import EngineCrashed, NotConverged, ScfNotConverged
from workers.result import Convergence, Orbitals
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure
    from workers.engine.arrays import Array
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


def point_at(calculator: Springs, positions: Array) -> SurfacePoint:
    """Compute a point."""
    return SurfacePoint(positions, *calculator.compute(positions, is_verbose=False))


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


@pytest.mark.parametrize("kind", [Internal, Cartesian])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_steps_go_downhill(structure: Structure, kind: type[Internal | Cartesian]) -> None:
    """
    On springs the end of the way is the bottom, in whatever coordinates; no step on it is uphill.
    """
    spec = asked(structure)
    calculator, numbers = Springs(spec), numbers_of(spec)
    start = point_at(calculator, positions_of(spec))
    stepper = Stepper(kind(numbers, start.positions) if kind is Internal else Cartesian(numbers), start)
    energies = [start.energy]
    for _ in range(60):
        stepper.learn(point_at(calculator, stepper.step()))
        energies.append(stepper.best.energy)

    assert energies[-1] < 1e-5
    assert max(np.diff(energies)) < 1e-5


def test_a_hessian_without_curvature_is_guessed_anew() -> None:
    """
    Steps lead down all the same.
    """
    spec = asked(molecules.METHANOL)
    calculator, numbers = Springs(spec), numbers_of(spec)
    start = point_at(calculator, positions_of(spec))
    stepper = Stepper(Internal(numbers, start.positions), start)
    stepper._hessian *= -1

    assert stepper.learn(point_at(calculator, stepper.step()))
    assert stepper.best.energy < start.energy


@pytest.mark.parametrize("kind", [Internal, Cartesian])
def test_steps_are_no_longer_than_the_trust(kind: type[Internal | Cartesian]) -> None:
    """
    However far the bottom is, no atom moves more than 0.3 bohr at first.
    """
    spec = asked(molecules.METHANOL)
    numbers, positions = numbers_of(spec), positions_of(spec)
    start = point_at(Springs(spec, stretch=5), positions)
    stepper = Stepper(kind(numbers, positions) if kind is Internal else Cartesian(numbers), start)

    assert 0.14 < np.max(np.linalg.norm(stepper.step() - positions, axis=1)) <= 0.3 * 1.05


@pytest.mark.parametrize("is_computed", [True, False])
def test_a_step_that_leads_up_or_nowhere_is_rejected(is_computed: bool) -> None:
    """
    What raised the energy, or cannot be computed, is followed by a shorter step from the best geometry.
    """
    spec = asked(molecules.WATER)
    start = point_at(Springs(spec), positions_of(spec))
    stepper = Stepper(Internal(numbers_of(spec), start.positions), start)
    first = stepper.step()
    if is_computed:
        assert not stepper.learn(SurfacePoint(first, start.energy + 1.0, start.gradient))
    else:
        stepper.shorten()
    second = stepper.step()

    assert stepper.best is start
    assert 1 == stepper.rejected
    assert 0 < np.linalg.norm(second - start.positions) < 0.5 * np.linalg.norm(first - start.positions)


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


class Cliffs(Springs):
    """Springs on which some calculations go wrong: one that fails, or one that leads far up."""

    def __init__(self, spec: ChemistrySpec, wrong: range, *, fails: bool) -> None:
        super().__init__(spec)
        self._wrong, self._fails = wrong, fails
        self._count = 0

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Count, and go wrong at times."""
        energy, gradient = super().compute(positions, is_verbose=is_verbose)
        self._count += 1
        if self._count not in self._wrong:
            return energy, gradient
        if self._fails:
            raise ScfNotConverged("the iterations did not converge", hint="check charge and spin")
        return energy + 1.0, gradient


@pytest.mark.parametrize("fails", [True, False])
def test_a_bad_step_is_not_in_the_trajectory(
    tmp_path: Path, fails: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    It counts as a step, in the log it is marked, and the next one starts from the best geometry.
    """
    spec = asked(molecules.METHANOL)
    # What fails is tried once more without the wavefunction of the point before.
    result, told = relax(spec, tmp_path, Cliffs(spec, range(4, 6 if fails else 5), fails=fails))
    reached = result.convergence

    assert reached is not None
    assert reached.converged
    kept, rejected = len(reached.trajectory_energies_hartree), capsys.readouterr().out.count("rejected")
    assert rejected > 0
    assert reached.steps == len(told) == kept + rejected
    assert max(np.diff(reached.trajectory_energies_hartree)) < 1e-5
    assert (tmp_path / "trajectory.xyz").read_text().count("gnorm=") == kept


@pytest.mark.parametrize("fails", [True, False])
def test_repeated_rejection_changes_the_coordinates(
    tmp_path: Path, fails: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    After five bad steps in a row an optimisation continues in Cartesian coordinates, and says why.
    """
    spec = asked(molecules.METHANOL)
    result, _ = relax(spec, tmp_path, Cliffs(spec, range(4, 14 if fails else 9), fails=fails))
    why = "the iterations did not converge" if fails else "5 steps in a row raise the energy"

    assert result.convergence is not None
    assert result.convergence.converged
    assert 7 == result.convergence.internal_steps
    assert f"{why}: continuing in Cartesian coordinates from the best geometry" in capsys.readouterr().out


@pytest.mark.parametrize("fails", [True, False])
def test_an_optimisation_that_is_stuck_names_the_reason(tmp_path: Path, fails: bool) -> None:
    """
    Where no step leads down it ends with its best geometry; charge and spin are not blamed.
    """
    spec = asked(molecules.METHANOL)
    calculator = Cliffs(spec, range(4, 50 if fails else 27), fails=fails)
    why = "the iterations did not converge" if fails else "9 steps in a row raise the energy"
    with pytest.raises(NotConverged, match=f"found no way on from frame 3 of .*, the best: {why}") as error:
        relax(spec, tmp_path, calculator)
    partial: Any = error.value.partial

    assert "spin" not in error.value.hint
    assert partial.energy_hartree == min(partial.convergence.trajectory_energies_hartree)
    assert 3 == len(partial.convergence.trajectory_energies_hartree)
    assert f"energy={partial.energy_hartree:.12f}" in (tmp_path / "opt.xyz").read_text()


def test_a_best_geometry_that_cannot_be_computed_again_is_kept(tmp_path: Path) -> None:
    """
    Where the engine gives no numbers any more, the error has the reason, and the file the geometry.
    """
    spec = asked(molecules.METHANOL)
    with pytest.raises(NotConverged, match="cannot be computed again: the iterations did not conv") as error:
        relax(spec, tmp_path, Cliffs(spec, range(4, 1_000), fails=True))

    assert error.value.partial is None
    assert "spin" not in error.value.hint
    frames = (tmp_path / "trajectory.xyz").read_text().split("energy=")
    assert (tmp_path / "opt.xyz").read_text().split("energy=")[1].startswith(frames[3][:18])


def test_coordinates_that_fail_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An optimisation whose internal coordinates fail is finished in Cartesian ones.
    """
    tangent, calls = Internal.tangent, []

    def lost(self: Internal, positions: Array) -> object:
        calls.append(positions)
        if len(calls) > 4:
            raise NoCoordinates("a motion changes no coordinate")
        return tangent(self, positions)

    monkeypatch.setattr(Internal, "tangent", lost)
    result, _ = relax(asked(molecules.METHANOL), tmp_path)

    assert result.energy_hartree < 1e-5
    assert "a motion changes no coordinate: continuing in Cartesian" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("structure", "fields", "name"),
    [
        (molecules.WATER, {}, Internal.name),
        (molecules.NITROGEN, {}, Internal.name),
        (molecules.HELIUM, {}, Cartesian.name),
        (molecules.WATER, {"frozen_atoms": [1]}, Internal.name),
        (molecules.beside(molecules.WATER, molecules.WATER, [6, 0, 0]), {}, Internal.name),
    ],
)
def test_the_structure_decides_the_coordinates(
    structure: Structure, fields: dict[str, Any], name: str
) -> None:
    """
    Molecules have internal coordinates, several and with frozen atoms too; an atom has Cartesian ones.
    """
    spec = asked(structure, **fields)

    assert (
        name == _stepper(spec, SurfacePoint(positions_of(spec), 0.0, np.zeros_like(positions_of(spec)))).name
    )


def test_pieces_are_counted() -> None:
    """
    A molecule is one piece, whatever its bonds, also with an atom displaced; two molecules are two.
    """
    for structure in (molecules.WATER, molecules.ACETYLENE, molecules.molecule("caffeine")):
        numbers, positions = numbers_of(asked(structure)), positions_of(asked(structure))
        positions[0] += 0.4
        assert not np.any(pieces(bonds(numbers, positions)))
    pair = asked(molecules.beside(molecules.WATER, molecules.WATER, [3, 0, 0]))

    assert [0, 0, 0, 3, 3, 3] == pieces(bonds(numbers_of(pair), positions_of(pair))).tolist()


def test_pieces_of_like_charge_are_found() -> None:
    """
    The two furthest apart, how far, and what each holds; pieces of unlike charge attract each other.
    """
    numbers = np.array([6, 1, 6, 1, 9])
    positions = np.array([[0, 0, 0], [2, 0, 0], [25, 0, 0], [27, 0, 0], [14.0, 0, 0]])

    found = repulsion(numbers, positions, np.array([0.7, 0.3, 0.8, 0.2, 0.0]))
    assert found is not None
    assert (23.0, 1.0, 1.0) == pytest.approx(found)
    assert found[0] > FAR_APART
    assert repulsion(numbers, positions, np.array([0.7, 0.3, -0.8, -0.2, 0.0])) is None
    assert repulsion(numbers, positions, np.array([0.7, 0.3, 0.0, 0.0, 0.0])) is None


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
    energies = (-10.0, -8.0, 3.0, 5.0)
    orbitals = Orbitals(energies_ev=energies, occupations=tuple(occupations))
    expected = [None if place is None else energies[place] for place in (homo, lumo)]

    assert expected == list(frontier([orbitals], unpaired))
