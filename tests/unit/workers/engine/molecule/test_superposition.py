"""Which geometries can be laid on others, and on their own mirror images."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.standin import molecules
from tests.unit.workers.engine.molecule.test_configuration import arrays
from workers.engine.molecule import superposition
from workers.engine.molecule.superposition import SAME_ANGSTROM, are_superimposable, is_chiral

DICE = np.random.default_rng(5)


def scrambled(numbers: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn and move a structure, and put its atoms in another order."""
    turn = np.linalg.qr(DICE.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    order = DICE.permutation(len(numbers))
    return numbers[order], (positions @ turn.T + DICE.normal(size=3))[order]


@pytest.mark.parametrize(
    ("name", "chiral"),
    [
        ("butane-anti", False),
        ("butane-gauche", True),
        ("pentane-tt", False),
        ("pentane-tg", True),
        ("pentane-gg", True),
        ("pentane-gx", True),
        ("biphenyl", True),
        ("biphenyl-planar", False),
        ("benzene", False),
        ("toluene-upright", False),
        ("alanine", True),
        ("water", False),
        ("methanol", False),
    ],
)
def test_chiral_geometries(name: str, chiral: bool) -> None:
    """
    A geometry is chiral if no rotation lays it on its mirror image, also where an optimisation was loose.
    """
    numbers, positions = arrays(*molecules.molecule(name))
    shaken = positions + DICE.uniform(-0.03, 0.03, positions.shape)

    assert chiral is is_chiral(numbers, positions)
    assert chiral is is_chiral(*scrambled(numbers, positions))
    assert chiral is is_chiral(numbers, shaken)


@pytest.mark.parametrize("name", ["butane-gauche", "pentane-gx", "biphenyl", "alanine", "caffeine", "pep200"])
def test_turned_and_shuffled_it_is_the_same(name: str) -> None:
    """
    However it is turned and its atoms are ordered; its mirror image, if it is chiral, is not.
    """
    structure = arrays(*molecules.molecule(name))
    other = scrambled(*structure)

    assert are_superimposable(*structure, *other)
    assert is_chiral(*structure) is not are_superimposable(structure[0], -structure[1], *other)


def test_superposition_other_conformers_are_not() -> None:
    """
    Torsions that differ, an atom too many Å off, or other elements, are seen.
    """
    numbers, positions = arrays(*molecules.molecule("butane-gauche"))
    far = positions.copy()
    far[13] += 3 * SAME_ANGSTROM / 3**0.5

    assert not are_superimposable(numbers, positions, *arrays(*molecules.molecule("butane-anti")))
    assert not are_superimposable(numbers, positions, numbers, far)
    assert not are_superimposable(numbers, positions, np.where(numbers == 6, 14, numbers), positions)


def test_superposition_too_many_atoms_alike_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where all ways of laying them on each other are more than the limit, it cannot be told.
    """
    monkeypatch.setattr(superposition, "MAX_TURNS", 3)

    assert is_chiral(*arrays(*molecules.molecule("biphenyl"))) is None


def test_hundreds_of_atoms_take_no_second() -> None:
    """
    A peptide of 203 atoms is laid on its mirror image in vain.
    """
    structure = arrays(*molecules.molecule("pep200"))
    begun = time.process_time()

    assert is_chiral(*structure)
    assert time.process_time() - begun < 1.0
