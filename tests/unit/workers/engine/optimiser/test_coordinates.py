"""Internal coordinates: which there are, and their derivatives beside finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.standin import molecules
from workers.engine.molecule.checks import atomic_numbers
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.optimiser.coordinates import Cartesian, Internal, NoCoordinates, rigid_motions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.engine.arrays import Array

    Structure = tuple[NDArray[np.int32], Array]

MOLECULES = Path(__file__).parents[5] / "tests/molecules"
EXAMPLES = Path(__file__).parents[5] / "examples"
STEP_BOHR = 1e-4


def read(text: str) -> Structure:
    """Read an xyz file's text: atomic numbers, and positions in bohr."""
    rows = [line.split() for line in text.splitlines()[2:] if line.strip()]
    positions = np.array([row[1:4] for row in rows], dtype=float) / ANGSTROM_PER_BOHR
    return np.array(atomic_numbers([row[0] for row in rows]), dtype=np.int32), positions


def drawn(symbols: str, rows: list[tuple[float, float, float]]) -> Structure:
    """Make a structure of positions in angstrom."""
    numbers = np.array(atomic_numbers(symbols.split()), dtype=np.int32)
    return numbers, np.array(rows, dtype=float) / ANGSTROM_PER_BOHR


def chain(middle: str, lengths: list[float]) -> Structure:
    """A straight chain of atoms that begins with CH2."""
    along = np.cumsum([0.0, *lengths])
    rows = [(0.93, 0.0, -0.55), (-0.93, 0.0, -0.55), *((0.0, 0.0, float(z)) for z in along)]
    return drawn(f"H H {middle}", rows)


def octahedron() -> Structure:
    """Chromium hexacarbonyl."""
    rows = [(0.0, 0.0, 0.0)]
    for axis in np.eye(3):
        for sign in (1, -1):
            rows += [tuple(1.9 * sign * axis), tuple(3.05 * sign * axis)]
    return drawn("Cr " + "C O " * 6, rows)


STRUCTURES: dict[str, Structure] = {
    path.stem: read(path.read_text())
    for path in (
        MOLECULES / "adenine.xyz",
        MOLECULES / "dopamine.xyz",
        EXAMPLES / "benzene.xyz",
        EXAMPLES / "water.xyz",
    )
} | {
    "ketene": chain("C C O", [1.31, 1.16]),
    "diazomethane": chain("C N N", [1.3, 1.14]),
    "pentatetraene": drawn(
        "H H C C C C C H H",
        [
            *((x, 0, -0.55) for x in (0.93, -0.93)),
            *((0, 0, 1.3 * n) for n in range(5)),
            *((0, y, 5.75) for y in (0.93, -0.93)),
        ],
    ),
    "boron trifluoride": drawn("B F F F", [(0, 0, 0), (1.3, 0, 0), (-0.65, 1.126, 0), (-0.65, -1.126, 0)]),
    "carbon dioxide": drawn("C O O", [(0, 0, 0), (0, 0, 1.16), (0, 0, -1.16)]),
    "acetonitrile": drawn(
        "C C N H H H",
        [
            *((0, 0, z) for z in (0, 1.46, 2.62)),
            *((x, y, -0.37) for x, y in ((1.03, 0), (-0.515, 0.892), (-0.515, -0.892))),
        ],
    ),
    "cyclopropene": drawn(
        "C C C H H H H",
        [
            *((x, 0, z) for x, z in ((0, 0.86), (0.65, -0.5), (-0.65, -0.5))),
            *((0, y, 1.45) for y in (0.91, -0.91)),
            *((x, 0, -1.04) for x in (1.58, -1.58)),
        ],
    ),
    "chromium hexacarbonyl": octahedron(),
    "three waters": drawn(
        "O H H " * 3,
        [(x + dx, dy, 0.3 * x) for x in (0, 3, 6) for dx, dy in ((0, 0), (0.6, 0.76), (0.6, -0.76))],
    ),
}


def shaken(structure: Structure, seed: int, sigma: float = 0.05) -> Structure:
    """Move every atom a little, so that nothing is planar or straight by symmetry."""
    numbers, positions = structure
    return numbers, positions + np.random.default_rng(seed).normal(0, sigma, positions.shape)


def rank(coordinates: Internal, positions: Array) -> int:
    """Count the motions that coordinates see."""
    sizes = np.linalg.svd(coordinates.derivatives(positions), compute_uv=False)
    return int(np.sum(sizes > 1e-2))


@pytest.mark.parametrize("sigma", [0.0, 0.05])
@pytest.mark.parametrize("name", STRUCTURES)
def test_derivatives_are_those_of_finite_differences(name: str, sigma: float) -> None:
    """
    Central differences of the values by every coordinate of every atom, but for rigid motions.
    """
    numbers, positions = shaken(STRUCTURES[name], 3, sigma)
    coordinates = Internal(numbers, positions)
    rigid = rigid_motions(positions)

    def at(number: int, step: float) -> Array:
        moved = positions.copy()
        moved.flat[number] += step
        return coordinates.values(moved)

    slopes = np.transpose(
        [
            coordinates.difference(at(number, STEP_BOHR), at(number, -STEP_BOHR)) / (2 * STEP_BOHR)
            for number in range(positions.size)
        ]
    )
    expected = slopes - (slopes @ rigid) @ rigid.T

    assert np.abs(expected - coordinates.derivatives(positions)).max() < 1e-5


@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.05, 0.15])
@pytest.mark.parametrize("name", STRUCTURES)
def test_every_motion_changes_a_coordinate(name: str, sigma: float) -> None:
    """
    3N-6 motions are seen, 3N-5 of a straight molecule: chains, planes, rings, octahedra and pieces too.
    """
    numbers, positions = shaken(STRUCTURES[name], 5, sigma)

    assert positions.size - rigid_motions(positions).shape[1] == rank(Internal(numbers, positions), positions)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_tangent_relates_steps_coordinates_and_positions(name: str) -> None:
    """
    A short move changes coordinates by its rows, and they lead back to it; rigid motions change none.
    """
    numbers, positions = shaken(STRUCTURES[name], 7)
    coordinates = Internal(numbers, positions)
    tangent = coordinates.tangent(positions)
    step = np.random.default_rng(1).normal(0, 1e-5, positions.size)
    step -= tangent.rigid @ (tangent.rigid.T @ step)
    moved = positions + step.reshape(-1, 3)
    changed = coordinates.difference(coordinates.values(moved), coordinates.values(positions))

    assert np.abs(changed - tangent.rows @ step).max() < 1e-8
    assert np.allclose(tangent.move(tangent.rows @ step), step, atol=1e-11)
    assert np.allclose(tangent.rows.T @ tangent.slope(step), step, atol=1e-11)
    assert np.allclose(tangent.rows @ tangent.rigid, 0, atol=1e-8)
    assert np.allclose(tangent.rigid.T @ tangent.rigid, np.eye(tangent.rigid.shape[1]), atol=1e-8)


def test_dihedral_angles_differ_the_shorter_way() -> None:
    """
    From 179 to -179 degrees is a turn of 2 degrees.
    """
    peroxide = drawn("O O H H", [(0, 0, 0), (0, 0, 1.45), (0.95, 0.02, -0.2), (-0.95, 0.02, 1.65)])
    coordinates = Internal(*peroxide)
    other = peroxide[1].copy()
    other[2:, 1] *= -1
    turned = coordinates.difference(coordinates.values(other), coordinates.values(peroxide[1]))

    assert np.abs(turned).max() < 0.2


def test_straight_angles_are_described_as_bends() -> None:
    """
    An angle of 165 degrees and more is described by two bends; one that was straight keeps them to 160.
    """
    numbers, straight = STRUCTURES["acetonitrile"]

    def bent(sideways: float) -> Array:
        positions = straight.copy()
        positions[2, 0] += sideways / ANGSTROM_PER_BOHR
        return positions

    built, other = Internal(numbers, straight), Internal(numbers, bent(0.4))

    assert (1, 0) == (len(built.axes), len(other.axes))
    assert [False, False, True] == [built.is_outdated(bent(sideways)) for sideways in (0.0, 0.4, 0.5)]
    assert [False, False, True] == [other.is_outdated(bent(sideways)) for sideways in (0.5, 0.35, 0.2)]


def test_renewed_coordinates_keep_the_directions_of_bends() -> None:
    """
    What the Hessian has learnt of a bend still holds after another angle has become straight.
    """
    numbers, positions = STRUCTURES["pentatetraene"]
    coordinates = Internal(numbers, positions)
    renewed = coordinates.renewed(shaken((numbers, positions), 2, 0.01)[1])

    assert 3 == len(coordinates.axes)
    assert coordinates.names() == renewed.names()
    for triple, axis in coordinates.axes.items():
        assert axis.tolist() == renewed.axes[triple].tolist()


def test_a_torsion_leads_along_a_straight_chain() -> None:
    """
    The ends of a cumulene of any length are turned against each other by one kind of dihedral angle.
    """
    numbers, positions = STRUCTURES["pentatetraene"]
    ends = [atoms for kind, *atoms in Internal(numbers, positions).names() if kind == "dihedral"]

    assert {(2, 6)} == {tuple(atoms[1:3]) for atoms in ends}
    assert 4 == len(ends)


@pytest.mark.parametrize("sigma", [0.0, 0.05])
@pytest.mark.parametrize("name", ["ketene", "diazomethane", "boron trifluoride"])
def test_an_atom_without_a_dihedral_angle_has_a_coordinate_out_of_its_plane(name: str, sigma: float) -> None:
    """
    It sees the atom leave the plane of its three neighbours, so that no Cartesian direction is needed.
    """
    numbers, positions = shaken(STRUCTURES[name], 3, sigma)
    coordinates = Internal(numbers, positions)
    names = coordinates.names()
    (row,) = (row for row, (kind, *_) in enumerate(names) if kind == "plane")
    slope = coordinates.derivatives(positions)[row].reshape(-1, 3)

    assert len(names) == len(coordinates.values(positions))
    assert np.linalg.norm(slope, axis=1).max() > 0.2


def test_far_too_many_coordinates_are_refused() -> None:
    """
    A dense lump of metal would take more coordinates than are of use.
    """
    places = [(2.2 * x, 2.2 * y, 2.2 * z) for x in range(4) for y in range(4) for z in range(4)]
    with pytest.raises(NoCoordinates, match=r"it would take [0-9]+ coordinates"):
        Internal(*drawn("Au " * 64, places))


def test_cartesian_coordinates_leave_frozen_atoms_out() -> None:
    """
    There are three for each atom that may move, and no step moves another.
    """
    numbers, positions = STRUCTURES["benzene"]
    coordinates = Cartesian(numbers, frozen=(0, 5))
    tangent = coordinates.tangent(positions)

    assert 30 == len(coordinates.values(positions)) == len(coordinates.guess(positions))
    assert (30, 30) == tangent.rows.shape
    assert not {0, 1, 2, 15, 16, 17} & set(coordinates.free.tolist())


@pytest.mark.parametrize("frozen", [(0,), (0, 5), (0, 1, 2)])
@pytest.mark.parametrize("name", STRUCTURES)
def test_internal_coordinates_leave_frozen_atoms_where_they_are(name: str, frozen: tuple[int, ...]) -> None:
    """
    No step moves them, and every motion of the others changes a coordinate but those that turn about them.
    """
    numbers, positions = shaken(STRUCTURES[name], 9)
    if len(numbers) <= max(frozen) + 1:
        frozen = (0,)
    coordinates = Internal(numbers, positions, frozen)
    tangent = coordinates.tangent(positions)
    free = positions.size - 3 * len(frozen)

    assert free == tangent.rows.shape[1] == len(coordinates.free)
    assert not set(frozen) & set((coordinates.free // 3).tolist())
    assert free - rigid_motions(positions, frozen).shape[1] == rank(coordinates, positions)


def test_molecules_of_the_stand_ins_need_no_cartesian_direction() -> None:
    """
    Bonds, angles and dihedral angles are enough for an ordinary molecule.
    """
    for name in ("caffeine", "glycine", "dopamine"):
        symbols, places = molecules.molecule(name)
        numbers, positions = drawn(" ".join(symbols), [(x, y, z) for x, y, z in places])
        coordinates = Internal(numbers, positions)
        assert len(coordinates.names()) == len(coordinates.values(positions))
