"""Which molecules are chiral for good, whatever their conformers look like."""

from __future__ import annotations

import time

import numpy as np
import pytest

from nox_cli.inputs.smiles import frame_of
from tests.standin import molecules
from workers.engine.molecule import configuration
from workers.engine.molecule.configuration import is_achiral
from workers.engine.molecule.elements import NUMBERS

ACHIRAL = {
    "butane": "CCCC",
    "biphenyl, which turns": "c1ccccc1-c1ccccc1",
    "glycine": "NCC(=O)O",
    "meso-tartaric acid": "O[C@H](C(=O)O)[C@@H](O)C(=O)O",
    "cis-1,2-dimethylcyclohexane, whose ring flips": "C[C@@H]1CCCC[C@@H]1C",
    "trans-1,4-dimethylcyclohexane": "C[C@H]1CC[C@@H](C)CC1",
    "meso-2,4-pentanediol": "C[C@H](O)C[C@@H](C)O",
    "meso-2,3-diphenylbutane": "c1ccc([C@H](C)[C@H](C)c2ccccc2)cc1",
    "an amine, which inverts": "CN(CC)c1ccccc1",
    "a sulfoxide with equal ends": "CS(=O)C",
    "an allene with an end of two equal groups": "CC(C)=C=CC",
    "a biaryl with two substituents beside the bond": "Cc1ccccc1-c1ccccc1C",
    "a biaryl whose rings are symmetric": "Cc1cccc(C)c1-c1c(C)cccc1C",
    "3,3-diethylpentane": "CCC(CC)(CC)CC",
}
CHIRAL = {
    "alanine": "N[C@@H](C)C(=O)O",
    "L-tartaric acid": "O[C@@H](C(=O)O)[C@@H](O)C(=O)O",
    "trans-1,2-dimethylcyclohexane": "C[C@H]1CCCC[C@@H]1C",
    "one 2,4-pentanediol": "C[C@H](O)C[C@H](C)O",
    "a sulfoxide": "CCS(C)=O",
    "a phosphine": "CCP(C)c1ccccc1",
    "an ammonium ion": "C[N+](CC)(CCC)c1ccccc1",
    "an allene": "CC=C=CC",
    "binaphthol, whose rings do not pass each other": "Oc1ccc2ccccc2c1-c1c(O)ccc2ccccc12",
    "camphor": "CC1(C)C2CCC1(C)C(=O)C2",
    "a spiro compound": "C12(CCC(=O)C1)CCC(=O)C2",
}


def arrays(symbols: tuple[str, ...] | list[str], positions: object) -> tuple[np.ndarray, np.ndarray]:
    """Write a structure as atomic numbers and positions."""
    numbers = np.array([NUMBERS[symbol] for symbol in symbols], dtype=np.int32)
    return numbers, np.array(positions, dtype=float)


def made(smiles: str) -> tuple[np.ndarray, np.ndarray]:
    """Make a structure of a SMILES."""
    frame = frame_of(smiles)
    return arrays(list(frame.symbols), frame.positions_angstrom)


@pytest.mark.parametrize("name", ACHIRAL)
def test_molecules_that_are_their_mirror_images(name: str) -> None:
    """
    No centre is fixed, or an exchange of equal parts inverts all of them.
    """
    numbers, positions = made(ACHIRAL[name])

    assert is_achiral(numbers, positions) is True
    assert is_achiral(numbers, -positions) is True


@pytest.mark.parametrize("name", CHIRAL)
def test_molecules_of_one_hand(name: str) -> None:
    """
    A fixed centre has no partner of the other hand.
    """
    numbers, positions = made(CHIRAL[name])

    assert is_achiral(numbers, positions) is False
    assert is_achiral(numbers, -positions) is False


def test_a_pair_of_both_hands_is_achiral() -> None:
    """
    Two molecules beside each other, one the other's mirror image, exchange; two of one hand do not.
    """
    numbers, positions = made("N[C@@H](C)C(=O)O")
    beside = positions + np.array([20.0, 0.0, 0.0])
    two = np.concatenate([numbers, numbers])

    assert is_achiral(two, np.concatenate([-positions, beside])) is True
    assert is_achiral(two, np.concatenate([positions, beside])) is False


def test_configuration_more_than_four_neighbours_are_not_judged() -> None:
    """
    What is fixed about a metal, nobody says.
    """
    shell = [[2.0, 0, 0], [-2.0, 0, 0], [0, 2.0, 0], [0, -2.0, 0], [0, 0, 2.0], [0, 0, -2.0]]

    assert is_achiral(*arrays(["Fe", *"FFFFFF"], [[0.0, 0, 0], *shell])) is None


def test_a_search_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Beyond the limit of placed atoms it cannot be told.
    """
    monkeypatch.setattr(configuration, "MAX_PLACED", 3)

    assert is_achiral(*made(ACHIRAL["meso-tartaric acid"])) is None


def test_hundreds_of_atoms_are_judged_at_once() -> None:
    """
    A peptide of 203 atoms is chiral, and that takes no second.
    """
    structure = arrays(*molecules.molecule("pep200"))
    begun = time.process_time()

    assert is_achiral(*structure) is False
    assert time.process_time() - begun < 1.0
