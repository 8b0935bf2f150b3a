"""Crystals by tblite: their numbers do not depend on how a cell is cut, and hold against differences.

Other engines refuse them.  The energies of other programs, and of tblite before 0.8, are no reference: they
sum the electrostatics of the methods in other ways, and part by 5e-3 hartree for carbon dioxide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.standin import crystals, molecules
from tests.standin.crystals import CARBON_DIOXIDE, WATERS, crystal_of
from tests.support.engines import ENGINES, Engine, chemistry
from workers.job import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tests.standin.crystals import Crystal
    from workers.result import ChemistryResult

pytestmark = pytest.mark.skipif("tblite" not in ENGINES, reason="tblite is not installed")
METHODS = ("gfn1", "gfn2")
SAME_HARTREE = 1e-6


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine of crystals."""
    engine = Engine("tblite", tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


def computed(engine: Engine, crystal: Crystal, **fields: Any) -> ChemistryResult:
    """Compute a crystal, which must succeed."""
    return chemistry(engine.driver.run(crystal_of(crystal, **({"accuracy": 0.1} | fields))))


def moved(crystal: Crystal, positions: NDArray[np.float64], lattice: Any = None) -> Crystal:
    """The same atoms elsewhere."""
    return crystal[0], positions.tolist(), crystal[2] if lattice is None else np.asarray(lattice).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_crystal_is_the_same_however_its_cell_is_cut(engine: Engine, method: str) -> None:
    """
    Atoms moved by whole vectors, all atoms moved by anything, the cell turned, its vectors exchanged or one
    added to another: the energy stays.
    """
    positions, lattice = np.array(WATERS[1]), np.array(WATERS[2], dtype=float)
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    ways = {
        "wrapped": moved(WATERS, positions + np.random.default_rng(1).integers(-2, 3, (6, 3)) @ lattice),
        "shifted": moved(WATERS, positions + np.array([1.3, 2.2, 0.7])),
        "turned": moved(WATERS, positions @ turn, lattice @ turn),
        "exchanged": moved(WATERS, positions, lattice[[1, 2, 0]]),
        "sheared": moved(WATERS, positions, np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]]) @ lattice),
    }
    energy = computed(engine, WATERS, method=method).energy_hartree
    found = {name: computed(engine, way, method=method).energy_hartree for name, way in ways.items()}

    assert {name: pytest.approx(energy, abs=SAME_HARTREE) for name in ways} == found


@pytest.mark.parametrize("method", METHODS)
def test_gradient_and_virial_are_the_slopes_of_the_energy(engine: Engine, method: str) -> None:
    """
    Along a direction of all atoms, and along a strain of cell and atoms.
    """
    positions, lattice = np.array(WATERS[1]), np.array(WATERS[2], dtype=float)
    result = computed(engine, WATERS, method=method, kind="grad")
    assert result.gradient_hartree_per_bohr is not None
    assert result.virial_hartree is not None

    def slope(step: float, change: Any) -> float:
        there, back = (
            computed(engine, moved(WATERS, *change(way)), method=method).energy_hartree
            for way in (step, -step)
        )
        return (there - back) / (2 * step)

    direction = np.random.default_rng(2).normal(size=(6, 3))
    direction /= np.linalg.norm(direction)
    along = slope(2e-3, lambda step: (positions + step * molecules.BOHR * direction,))
    strain = np.array([[0.5, 0.3, -0.2], [0.3, -0.4, 0.1], [-0.2, 0.1, 0.6]])
    strained = slope(
        1e-3, lambda step: (positions @ (np.eye(3) + step * strain), lattice @ (np.eye(3) + step * strain))
    )

    assert pytest.approx(along, abs=1e-5) == float(np.sum(result.gradient_hartree_per_bohr * direction))
    assert pytest.approx(strained, abs=1e-4) == float(np.sum(result.virial_hartree * strain))
    assert np.abs(np.sum(result.gradient_hartree_per_bohr, axis=0)).max() < 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_a_molecule_far_from_its_images_is_a_molecule(engine: Engine, method: str) -> None:
    """
    In a cube of 30 Å energy, charges and orbitals are those without a cell; dipoles still see one another.
    """
    symbols, positions = crystals.AMMONIA
    lone = engine.compute((symbols, positions), method=method, accuracy=0.1)
    boxed = computed(engine, (symbols, positions, (np.eye(3) * 30).tolist()), method=method)

    assert pytest.approx(lone.energy_hartree, abs=3e-6) == boxed.energy_hartree
    assert lone.charges_e is not None
    assert pytest.approx(lone.charges_e, abs=1e-4) == boxed.charges_e
    assert pytest.approx(lone.gap_ev, abs=1e-2) == boxed.gap_ev


def test_engine_crystals_two_cells_have_twice_the_energy(engine: Engine) -> None:
    """
    But for what the gamma point alone misses: 7e-6 hartree for carbon dioxide, whose cell is 5.7 Å long.
    """
    symbols, positions, lattice = CARBON_DIOXIDE
    further = np.array(positions) + lattice[0]
    double: Crystal = (
        symbols * 2,
        [*positions, *further.tolist()],
        [[2 * value for value in lattice[0]], *lattice[1:]],
    )
    one = computed(engine, CARBON_DIOXIDE, method="gfn1")
    two = computed(engine, double, method="gfn1")

    assert pytest.approx(one.energy_hartree, abs=2e-5) == two.energy_hartree / 2


def test_a_crystal_has_the_numbers_of_a_molecule_but_a_dipole(engine: Engine) -> None:
    """
    The dipole is null; the cell is what it was to the last digit; that one k-point was used is a verdict, and
    is told.
    """
    ended = engine.driver.run(crystal_of(WATERS, method="gfn1"))
    result = chemistry(ended)

    assert (None, None) == (result.dipole_debye, result.dipole_vector_debye)
    assert tuple(map(tuple, WATERS[2])) == result.lattice_angstrom
    assert tuple(map(tuple, WATERS[1])) == result.positions_angstrom
    assert ("gamma_point",) == result.verdicts
    assert any("gamma point alone" in warning for warning in ended.warnings)
    assert "  cell         vectors of 5.200, 4.410, 5.120 Å, 116.69 Å^3, gamma point\n" in ended.log.decode()
    assert None not in (result.charges_e, result.bond_orders, result.gap_ev, result.orbitals)
    molecule = engine.compute(molecules.WATER)
    assert (None, None, ()) == (molecule.lattice_angstrom, molecule.virial_hartree, molecule.verdicts)


def test_an_optimisation_ends_where_no_force_is_left(engine: Engine) -> None:
    """
    Molecules turn and move in a cell that stays, across its borders as well: from another cut of the same
    crystal the same minimum is reached.
    """
    positions, lattice = np.array(WATERS[1]), np.array(WATERS[2], dtype=float)
    wrapped = moved(WATERS, positions + np.random.default_rng(3).integers(-1, 2, (6, 3)) @ lattice)
    asked = {"method": "gfn1", "kind": "opt", "opt_level": "vtight", "accuracy": 1.0}
    result, other = (computed(engine, crystal, **asked) for crystal in (WATERS, wrapped))

    assert result.convergence is not None
    assert result.gradient_hartree_per_bohr is not None
    assert np.linalg.norm(result.gradient_hartree_per_bohr) < 2e-4
    assert result.energy_hartree < result.convergence.trajectory_energies_hartree[0] - 1e-3
    assert tuple(map(tuple, WATERS[2])) == result.lattice_angstrom
    assert pytest.approx(result.energy_hartree, abs=1e-5) == other.energy_hartree
    assert 0 == result.convergence.internal_steps
    for name in ("opt.xyz", "trajectory.xyz"):
        comment = (engine.driver.scratch / name).read_text().splitlines()[1]
        assert comment.endswith('Lattice="5.2 0.0 0.0 0.3 4.4 0.0 0.4 -0.2 5.1" pbc="T T T"')


def test_frozen_atoms_of_a_crystal_stay(engine: Engine) -> None:
    """
    One molecule is held, the other finds its place.
    """
    asked = {"method": "gfn1", "kind": "opt", "frozen_atoms": (1, 2, 3), "accuracy": 1.0}
    result = computed(engine, WATERS, **asked)

    assert result.gradient_norm_hartree_per_bohr is not None
    assert result.gradient_norm_hartree_per_bohr < 1e-3
    assert np.abs(np.array(result.positions_angstrom) - WATERS[1])[:3].max() < 1e-12


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({"engine": name}, f"{name} has no cells of crystals") for name in ENGINES if name != "tblite"),
        ({"kind": "hess"}, "frequencies of a crystal"),
        ({"solvation": "alpb", "solvent": "water"}, "no solvent around it"),
        ({"charge": 2}, "a charge of +2 in each cell"),
        ({"method": "ipea1"}, "cannot be computed with ipea1"),
    ],
)
def test_engine_crystals_what_is_no_engines_is_refused_there_too(
    engine: Engine, changes: dict[str, Any], words: str
) -> None:
    """
    A record that was made by other hands than submit's is refused before an engine sees it.
    """
    ended = engine.driver.run(crystal_of(WATERS) | changes)

    assert ended.failure is not None
    assert Reason.INPUT == ended.failure.reason
    assert words in ended.failure.message
