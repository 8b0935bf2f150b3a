"""The pdb reader: fixed columns, models, charges, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.pdb import read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

OXYGEN = "HETATM    1  O1  HOH     1       0.000   0.100   0.000  1.00  0.00           O  \n"
HYDROGEN = "HETATM    2  H1  HOH     1       0.000   0.000   0.960  1.00  0.00           H  \n"
HYDROXIDE = f"REMARK made by hand\n{OXYGEN}{HYDROGEN}CONECT    1    2\nEND\n"


def read(text: str) -> list[Frame]:
    """Read a pdb file of this content, named `f.pdb`."""
    return all_or_refused(read_records(Input("f.pdb", text.encode())))


def test_reads_what_the_file_says() -> None:
    """
    Elements come from columns 77 and 78, positions from theirs; nothing is said of charge.
    """
    [frame] = read(HYDROXIDE)

    assert ("O", "H") == frame.symbols
    assert ((0.0, 0.1, 0.0), (0.0, 0.0, 0.96)) == frame.positions_angstrom
    assert (None, None, 2) == (frame.comment.charge, frame.comment.unpaired, frame.line)


def test_charges_are_summed() -> None:
    """
    The charges of columns 79 and 80 are added up.
    """
    [frame] = read(HYDROXIDE.replace("O  \n", "O2-\n").replace("H  \n", "H1+\n"))

    assert (-1, "pdb charges") == (frame.comment.charge, frame.comment.origin)


def test_every_model_is_a_frame() -> None:
    """
    Models are structures of their own.
    """
    one = f"MODEL        1\n{OXYGEN}{HYDROGEN}ENDMDL\n"

    assert [2, 2] == [len(frame.symbols) for frame in read(one + one + "END\n")]


def test_a_cell_of_nothing_is_none() -> None:
    """
    Programs write a cell of 1 or 0 Å where there is none.
    """
    for edge in ("0.000", "1.000"):
        cell = f"CRYST1{edge:>9}{edge:>9}{edge:>9}  90.00  90.00  90.00 P 1           1\n"

        assert 1 == len(read(cell + HYDROXIDE))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "REMARK made by hand",
            "CRYST1   10.000   10.000   10.000  90.00",
            ":1:1: the structure is periodic",
        ),
        ("O1  HOH", "O1 AHOH", ":2:17: this atom is in more than one place, and this is A"),
        ("           O  ", "", ":2:77: no element stands in columns 77 and 78"),
        ("           O  ", "          Ow  ", ':2:77: "Ow" is not an element'),
        ("           O  ", "           D  ", ':2:77: "D" is not an element'),
        ("           O  ", "           O+1", ':2:79: "+1" is no charge'),
        ("   0.100", "     nan", ':2:39: "nan" is not a finite number'),
        ("   0.100", "********", ':2:39: "********" is not a number'),
        ("HETATM", "REMARK", ":1:1: no atoms"),
    ],
)
def test_a_refusal_names_line_and_column(old: str, new: str, words: str) -> None:
    """
    A cell, an atom in two places or without an element, and what is malformed is refused where it stands.
    """
    with pytest.raises(InputRefused) as caught:
        read(HYDROXIDE.replace(old, new))

    assert f"f.pdb{words}" in caught.value.what


def test_pdb_too_many_atoms_are_refused() -> None:
    """
    A protein is told how many atoms it has.
    """
    with pytest.raises(InputRefused, match=r"f.pdb:1:1: 1,001 atoms, more than 1,000"):
        read(OXYGEN * 1_001)
