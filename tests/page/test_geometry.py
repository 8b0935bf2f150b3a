"""Structures in the page: what is read from XYZ files, and what is measured between atoms."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ase import Atoms
from ase.io import read as read_atoms

from tests.support.examples import EXAMPLES
from tests.support.javascript import called
from workers.engine.molecule.checks import formula

READ = "text => { const {frames, isWhole} = library.read(text); return [frames.length, isWhole]; }"
FRAME = "2\nenergy=-1.500000000000 gnorm=0.250000000 nox=0.1.0\nO 0 0 0.1\nH 0 0.7 -0.4\n"


def test_geometry_is_measured_as_ase_does() -> None:
    """
    Distances, angles and dihedrals of any atoms are those of ASE, dihedrals with the sign of IUPAC.
    """
    atoms: Any = read_atoms(EXAMPLES / "aspirin.xyz")
    frame = {"symbols": atoms.get_chemical_symbols(), "positions": atoms.positions.tolist()}
    chosen = [
        [1, 2],
        [5, 20],
        [1, 2, 3],
        [9, 4, 12],
        [1, 2, 4, 5],
        [5, 4, 2, 1],
        [3, 2, 4, 10],
        [14, 1, 2, 3],
    ]
    shown = called("molecules/geometry", "library.measurement", [(frame, one) for one in chosen])
    for numbers, text in zip(chosen, shown, strict=True):
        places = [number - 1 for number in numbers]
        name, value = text.split(" ", 1)
        assert "\N{EN DASH}".join(f"{atoms.symbols[place]}{place + 1}" for place in places) == name
        if len(places) == 2:
            assert f"{atoms.get_distance(*places):.4f} Å" == value
        elif len(places) == 3:
            assert atoms.get_angle(*places) == pytest.approx(float(value[:-1]), abs=0.006)
        else:
            turned = (atoms.get_dihedral(*places) + 180.0) % 360.0 - 180.0
            assert math.isclose(turned, float(value[:-1]), abs_tol=0.006), text


def test_geometry_formulas_are_those_of_nox() -> None:
    """
    Carbon and hydrogen are first where there is carbon; all others go by the alphabet.
    """
    molecules = [
        list(Atoms(text).symbols) for text in ("C9H8O4", "OH2", "Cl3CH", "ClH", "C", "NaCl", "NH3", "Br2")
    ]

    assert [formula(one) for one in molecules] == called(
        "molecules/geometry", "library.formula", [(one,) for one in molecules]
    )


@pytest.mark.parametrize(
    ("text", "frames", "is_whole"),
    [
        (FRAME, 1, True),
        (FRAME * 3, 3, True),
        (FRAME * 2 + "\n", 2, True),
        (FRAME.replace("\n", "\r\n"), 1, True),
        ("", 0, True),
        (FRAME + FRAME[:40], 1, False),
        (FRAME + "-1\n\n", 1, False),
        (FRAME + "999999999\n\n", 1, False),
        (FRAME.replace("0.7", "1e999"), 0, False),
        (FRAME.replace("O 0", "<b> 0"), 0, False),
        (FRAME.replace("0 0.7 -0.4", "0 0.7"), 0, False),
        ("2\n", 0, False),
        ("no structure", 0, False),
    ],
)
def test_xyz_frames_are_read_up_to_damage(text: str, frames: int, *, is_whole: bool) -> None:
    """
    A file that is cut, or no structure at all, gives the frames before the damage.
    """
    assert [[frames, is_whole]] == called("molecules/xyz", READ, [(text,)])


def test_xyz_files_have_bounds() -> None:
    """
    A page reads 5,000 frames, and no frame of more than 20,000 atoms.
    """
    atoms = "H 0 0 0\n" * 20_001

    assert [[5_000, False], [0, False], [1, True]] == called(
        "molecules/xyz", READ, [(FRAME * 5_001,), (f"20001\n\n{atoms}",), (f"20000\n\n{atoms[8:]}",)]
    )


def test_xyz_comments_never_leave_the_file() -> None:
    """
    What is written for the viewer has symbols and numbers only; an energy is read as a number.
    """
    first = "text => library.read(text).frames[0]"
    hostile = FRAME.replace("nox=0.1.0", '<img src=x onerror=alert(1)> Lattice="1 0 0 0 1 0 0 0 1"')
    (frame,) = called("molecules/xyz", first, [(hostile,)])

    assert -1.5 == frame["energy"]
    assert ["2\n\nO 0 0 0.1\nH 0 0.7 -0.4\n"] == called("molecules/xyz", "library.written", [(frame,)])
