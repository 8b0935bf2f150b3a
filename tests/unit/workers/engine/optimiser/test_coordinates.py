"""Internal coordinates evaluated all at once: pyberny's own, and what finite differences say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from berny.coords import InternalCoords
from berny.geomlib import Geometry

from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.optimiser.coordinates import ArrayCoords

if TYPE_CHECKING:
    from workers.engine.arrays import Array

MOLECULES = Path(__file__).parents[5] / "tests/molecules"
EXAMPLES = Path(__file__).parents[5] / "examples"
# Acetonitrile, straight at one carbon, where pyberny adds helpers beside the chain.
STRAIGHT = """6

C 0.0 0.0 0.0
C 0.0 0.0 1.46
N 0.0 0.0 2.62
H 1.03 0.0 -0.37
H -0.515 0.892 -0.37
H -0.515 -0.892 -0.37
"""
STEP_BOHR = 1e-4


def read(text: str) -> Geometry:
    """Read an xyz file's text."""
    rows = [line.split() for line in text.splitlines()[2:] if line.strip()]
    return Geometry([row[0] for row in rows], np.array([row[1:4] for row in rows], dtype=float))


GEOMETRIES = {
    path.stem: read(path.read_text())
    for path in (
        MOLECULES / "adenine.xyz",
        MOLECULES / "dopamine.xyz",
        EXAMPLES / "benzene.xyz",
        EXAMPLES / "water.xyz",
    )
} | {"acetonitrile": read(STRAIGHT)}


def shaken(geom: Geometry, seed: int) -> Geometry:
    """Move every atom a little, so that nothing is planar or straight by symmetry."""
    moves = np.random.default_rng(seed).normal(0, 0.03, geom.coords.shape)
    return Geometry(geom.species, geom.coords + moves)


def apart(one: Any, other: Any) -> float:
    """The largest difference of coordinates; angles a turn apart are the same."""
    difference = np.abs(one - other)
    return float(np.minimum(difference, np.abs(difference - 2 * np.pi)).max())


@pytest.mark.parametrize("name", GEOMETRIES)
def test_values_and_derivatives_are_pybernys(name: str) -> None:
    """
    As pyberny evaluates them one by one: planar rings, a straight chain with its helpers, distorted ones.
    """
    for geom in (GEOMETRIES[name], shaken(GEOMETRIES[name], 1), shaken(GEOMETRIES[name], 2)):
        theirs, ours = InternalCoords(geom), ArrayCoords(geom)

        # Near 0 and pi their arccosine is good to the root of the machine's precision.
        assert apart(theirs.eval_geom(geom), ours.eval_geom(geom)) < 3e-4
        assert np.abs(theirs.B_matrix(geom) - ours.B_matrix(geom)).max() < 1e-3


@pytest.mark.parametrize("name", GEOMETRIES)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    """
    Central differences of the values, by every coordinate of every atom.
    """
    geom = shaken(GEOMETRIES[name], 3)
    coords = ArrayCoords(geom)
    start = coords.eval_geom(geom)

    numbers = range(geom.coords.size)

    def at(number: int, step: float) -> Array:
        moved = geom.coords.copy()
        moved.flat[number] += step * ANGSTROM_PER_BOHR
        return np.asarray(coords.eval_geom(Geometry(geom.species, moved), template=start), dtype=float)

    slopes = [(at(number, STEP_BOHR) - at(number, -STEP_BOHR)) / (2 * STEP_BOHR) for number in numbers]

    assert np.abs(np.transpose(slopes) - coords.B_matrix(geom)).max() < 1e-5


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("turn", [0.0, 2 * np.pi, -2 * np.pi, np.pi])
def test_a_template_is_followed_as_pyberny_does(name: str, turn: float) -> None:
    """
    Dihedrals are told on the template's side of the circle, and those that flipped through a straight angle
    as pyberny tells them.
    """
    geom = shaken(GEOMETRIES[name], 4)
    theirs, ours = InternalCoords(geom), ArrayCoords(geom)
    template = ours.eval_geom(geom) + 0.05
    template[ours._dihedrals[0]] += turn

    found = ours.eval_geom(geom, template=template)

    assert np.abs(theirs.eval_geom(geom, template=template) - found).max() < 3e-4


def test_a_chain_that_becomes_straight_is_described_anew() -> None:
    """
    When an angle becomes straight or ceases to be, both ask for other coordinates, and not before.
    """
    straight = GEOMETRIES["acetonitrile"]
    bent = Geometry(straight.species, straight.coords.copy())
    bent.coords[2] += (0.5, 0.0, 0.0)

    for built, now in ((straight, bent), (bent, straight), (straight, straight), (bent, bent)):
        wanted = InternalCoords(built).needs_rebuild(now)
        assert wanted is ArrayCoords(built).needs_rebuild(now)
        assert wanted is (built is not now)
