"""The POSCAR reader: what it hands on, and where it says a file is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.inputs.files import Input
from nox_cli.inputs.formats import reader_of
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.poscar import read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

SALT = """rock salt
  2.0
  2.8 0.0 0.0
  0.1 2.8 0.0
  0.0 0.0 2.8
  Na Cl
  1 2
Direct
  0.0 0.0 0.0
  0.5 0.5 0.5
  -0.25 1.5 0.0
"""


def read(text: str) -> Frame:
    """Read a file of this content, named POSCAR."""
    [frame] = all_or_refused(read_records(Input("POSCAR", text.encode())))
    return frame


def test_reads_what_the_file_says() -> None:
    """
    Elements stand for so many atoms each; Direct positions are shares of the scaled vectors, inside or not.
    """
    frame = read(SALT)

    assert ("Na", "Cl", "Cl") == frame.symbols
    assert ((5.6, 0.0, 0.0), (0.2, 5.6, 0.0), (0.0, 0.0, 5.6)) == frame.lattice_angstrom
    assert pytest.approx((0, 0, 0)) == frame.positions_angstrom[0]
    assert pytest.approx((2.9, 2.8, 2.8)) == frame.positions_angstrom[1]
    assert pytest.approx((-1.1, 8.4, 0)) == frame.positions_angstrom[2]


def test_cartesian_positions_are_scaled_too() -> None:
    """
    The scale is of every length, as in VASP.
    """
    frame = read(SALT.replace("Direct", "Cartesian"))

    assert ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (-0.5, 3.0, 0.0)) == frame.positions_angstrom


def test_a_negative_scale_is_the_volume() -> None:
    """
    The vectors are scaled to it, and Cartesian positions by as much.
    """
    frame = read(SALT.replace("  2.0\n", f"  {-((2.8 * 3) ** 3)}\n").replace("Direct", "kartesisch"))

    assert frame.lattice_angstrom is not None
    assert pytest.approx(8.4) == frame.lattice_angstrom[2][2]
    assert pytest.approx((1.5, 1.5, 1.5)) == frame.positions_angstrom[1]


@pytest.mark.parametrize(
    "text",
    [
        SALT.replace("\n", "\r\n"),
        SALT.replace("0.5 0.5 0.5", "0.5 0.5 0.5 Cl"),
        SALT.replace("Direct", "direct"),
        SALT + "\n  0.0 0.0 0.1\n  0.0 0.0 0.1\n  0.0 0.0 0.1\n",
        SALT.replace("Direct", "Selective dynamics\nDirect")
        .replace("  0.0 0.0 0.0\n  0.5", "  0.0 0.0 0.0 T T T\n  0.5")
        .replace("0.5 0.5 0.5", "0.5 0.5 0.5 T .TRUE. t Cl")
        .replace("1.5 0.0\n", "1.5 0.0 T T T\n"),
    ],
    ids=["CR LF", "the element again", "a small letter", "velocities", "free atoms"],
)
def test_poscar_what_says_the_same_is_the_same(text: str) -> None:
    """
    Line ends, elements said twice, velocities and flags that hold no atom change nothing.
    """
    assert read(SALT) == read(text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  2.0\n", "  2.0 1.0 1.0\n", "POSCAR:2:7: one scale was expected"),
        ("  2.0\n", "  0.0\n", "POSCAR:2:3: a scale of 0 leaves no cell"),
        ("  2.0\n", "  nan\n", 'POSCAR:2:3: "nan" is not a finite number'),
        (
            "  2.0\n  2.8 0.0 0.0",
            "  -9.0\n  0.0 0.0 0.0",
            "POSCAR:3:1: the vectors of the cell lie in a plane",
        ),
        ("  0.1 2.8 0.0\n", "  0.1 2.8\n", "POSCAR:4:10: three numbers of a vector was expected"),
        ("  0.1 2.8 0.0\n", "  0.1 2.8 0.0 9\n", "POSCAR:4:15: a vector of the cell has three numbers"),
        ("  Na Cl\n", "", "POSCAR:6:3: no line of elements"),
        ("  Na Cl\n", "  Na_pv Cl\n", 'POSCAR:6:3: "Na_pv" is not an element'),
        ("  1 2\n", "  1\n", "POSCAR:7:4: a number of atoms for each element was expected"),
        ("  1 2\n", "  1 2 3\n", "POSCAR:7:7: a number more than the 2 elements"),
        ("  1 2\n", "  0 2\n", "POSCAR:7:3: no atoms"),
        ("  1 2\n", "  900 200\n", "POSCAR:7:3: 1,100 atoms, more than 1,000"),
        ("  1 2\n", "  1 1\n", "POSCAR:11:1: more lines than there are atoms"),
        ("  1 2\n", "  1 3\n", "POSCAR:11:1: the file ends where x y z was expected"),
        ("Direct", "Fractional", 'POSCAR:8:1: "Fractional" is neither Direct nor Cartesian'),
        ("Direct\n", "", 'POSCAR:8:3: "0.0" is neither Direct nor Cartesian'),
        ("0.5 0.5 0.5", "0.5 0.5", "POSCAR:10:10: x y z was expected"),
        ("0.5 0.5 0.5", "0.5 0.5 1,5", 'POSCAR:10:11: "1,5" is not a number'),
        ("0.5 0.5 0.5", "0.5 0.5 0.5 Na", 'POSCAR:10:15: "Na" where Cl or nothing was expected'),
        ("0.5 0.5 0.5", "0.5 0.5 0.5 T T F", 'POSCAR:10:19: "F" where Cl or nothing was expected'),
        ("Direct\n  0.0 0.0 0.0", "S\nDirect\n  0.0 0.0 0.0", "POSCAR:10:14: x y z and three flags was"),
        ("Direct\n  0.0 0.0 0.0", "S\nDirect\n  0.0 0.0 0.0 T T F", "POSCAR:10:19: an atom held in place"),
        ("Direct\n  0.0 0.0 0.0", "S\nDirect\n  0.0 0.0 0.0 T T 1", 'POSCAR:10:19: "1" is neither T nor F'),
    ],
)
def test_poscar_is_refused_where_it_is_wrong(old: str, new: str, words: str) -> None:
    """
    What is malformed, or would be read otherwise by VASP, is refused with line and column.
    """
    assert SALT.replace(old, new, 1) != SALT
    with pytest.raises(InputRefused) as caught:
        read(SALT.replace(old, new, 1))

    assert words in caught.value.what


@given(st.text(alphabet="POSCAR dDcCsS\n0123456789.-+eTFNaCl ", max_size=300))
def test_poscar_whatever_it_holds_there_is_a_frame_or_a_refusal(text: str) -> None:
    """
    No content raises anything but a refusal that names the file.
    """
    try:
        said = str(read(SALT[: len(text)] + text).lattice_angstrom)
    except InputRefused as error:
        said = error.what
    assert said.startswith(("POSCAR:", "(("))


@pytest.mark.parametrize("path", ["POSCAR", "run/CONTCAR", "a.vasp", "a.poscar", "POSCAR_urea", "CONTCAR.1"])
def test_poscar_its_names_are_known(path: str) -> None:
    """
    VASP's own names, also with something behind, and the endings other programs give.
    """
    assert "nox_cli.inputs.poscar" == reader_of(Input(path, SALT.encode())).__name__
    assert "nox_cli.inputs.xyz" == reader_of(Input(f"{path}-opt.xyz", SALT.encode())).__name__
