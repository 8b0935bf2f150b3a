"""The readers of Turbomole coord and DFTB+ gen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs import gen, turbomole
from nox_cli.inputs.files import Input
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

COORD = "$title\nwater\n$coord\n 0.0 0.0 0.5 o\n 0.0 1.5 -0.5 H f\n 0.0 -1.5 -0.5 h\n$end\n"
GEN = "3 C\n O H\n 1 1 0.0 0.0 0.1\n 2 2 0.0 0.8 -0.4\n 3 2 0.0 -0.8 -0.4\n"


def coord(text: str) -> Frame:
    """Read a file named `coord`."""
    [frame] = turbomole.read_records(Input("coord", text.encode()))
    return frame


def dftb(text: str) -> Frame:
    """Read a file named `f.gen`."""
    [frame] = gen.read_records(Input("f.gen", text.encode()))
    return frame


def test_coord_is_in_bohr() -> None:
    """
    Positions are in bohr unless the file says Å.
    """
    in_bohr, in_angstrom = coord(COORD), coord(COORD.replace("$coord", "$coord angs"))

    assert ("O", "H", "H") == in_bohr.symbols
    assert 1.5 * 0.529177210903 == pytest.approx(in_bohr.positions_angstrom[1][1], abs=1e-12)
    assert 1.5 == in_angstrom.positions_angstrom[1][1]


def test_coord_may_say_charge_and_spin() -> None:
    """
    `$eht` says both; without it nothing is said.
    """
    said = coord(COORD.replace("$end", "$eht charge=-1 unpaired=1\n$end")).comment

    assert (-1, 1, "$eht in coord") == (said.charge, said.unpaired, said.origin)


@pytest.mark.parametrize("words", ["charge=1.5", "charge=one", "unpaired=", "charge=0 unpaired=1,"])
def test_charge_and_spin_that_are_no_numbers_are_refused(words: str) -> None:
    """
    What $eht says and nox does not understand is not passed over.
    """
    with pytest.raises(InputRefused, match="is no whole number"):
        coord(COORD.replace("$end", f"$eht {words}\n$end"))
    assert (None, None) == (coord(COORD).comment.charge, coord(COORD).comment.unpaired)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("$title", "$periodic 3", "coord:1:1: the structure is periodic"),
        ("$title", "$cell angs", "coord:1:1: the structure is periodic"),
        ("$coord", "$coord frac", "coord:3:1: the structure is periodic"),
        ("$coord", "$coords", "coord:1:1: there is no $coord"),
        ("$title", "$coord", "coord:3:1: a second $coord"),
        ("$end", "", "coord:6:1: the file ends where $end was expected"),
        (" 0.5 o", " o", "coord:4:11: x y z and a symbol was expected"),
        (" 0.5 o", " 5.0D-1 o", 'coord:4:10: "5.0D-1" is not a number here'),
        (" 0.5 o", " 0.5 q", 'coord:4:14: "q" is not an element'),
        (" 0.0 0.0 0.5 o\n 0.0 1.5 -0.5 H f\n 0.0 -1.5 -0.5 h\n", "", "coord:3:1: no atoms"),
    ],
)
def test_coord_is_refused_where_it_is_wrong(old: str, new: str, words: str) -> None:
    """
    A cell, a missing group and what is malformed is refused where it stands.
    """
    with pytest.raises(InputRefused) as caught:
        coord(COORD.replace(old, new, 1))

    assert words in caught.value.what


def test_gen_is_read() -> None:
    """
    The kinds of the second line are the symbols of the atoms.
    """
    frame = dftb(GEN)

    assert ("O", "H", "H") == frame.symbols
    assert (0.0, -0.8, -0.4) == frame.positions_angstrom[2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("3 C", "3 S", "f.gen:1:3: the structure is periodic"),
        ("3 C", "3 F", "f.gen:1:3: the structure is periodic"),
        ("3 C", "3 X", 'f.gen:1:3: "X" is no kind of structure'),
        ("3 C", "0 C", "f.gen:1:1: no atoms"),
        ("3 C", "2 C", "f.gen:5:1: more lines than there are atoms"),
        ("3 C", "4 C", "f.gen:5:1: the file ends where number, kind and x y z was expected"),
        ("O H", "O D", 'f.gen:2:4: "D" is not an element'),
        ("1 1 0.0", "1 3 0.0", "f.gen:3:4: there are kinds 1 to 2"),
        ("1 1 0.0", "1 1 inf", 'f.gen:3:6: "inf" is not a finite number'),
    ],
)
def test_gen_is_refused_where_it_is_wrong(old: str, new: str, words: str) -> None:
    """
    A cell, a wrong count and what is malformed is refused where it stands.
    """
    with pytest.raises(InputRefused) as caught:
        dftb(GEN.replace(old, new, 1))

    assert words in caught.value.what
