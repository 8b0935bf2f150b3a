"""The xyz reader: what it hands on, and where it says a file is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.xyz import read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

WATER = "3\nwater\nO 0.0 0.4 0.0\nH -0.8 -0.2 0.0\nH 0.8 -0.2 0.0\n"
PROPERTIES = "Properties=id:I:1:pos:R:3:species:S:1"


def read(text: str | bytes) -> list[Frame]:
    """Read a file of this content, named `f.xyz`."""
    return all_or_refused(read_records(Input("f.xyz", text.encode() if isinstance(text, str) else text)))


def refusal(text: str | bytes) -> InputRefused:
    """Read a file that is refused, and hand the refusal over."""
    with pytest.raises(InputRefused) as caught:
        read(text)
    return caught.value


def outcome(content: bytes) -> list[Frame] | str:
    """Read a file, or hand over the words of its refusal."""
    try:
        return read(content)
    except InputRefused as error:
        return error.what


def test_reads_what_the_file_says() -> None:
    """
    Symbols and positions come as they stand in the file.
    """
    [frame] = read(WATER)

    assert ("O", "H", "H") == frame.symbols
    assert ((0.0, 0.4, 0.0), (-0.8, -0.2, 0.0), (0.8, -0.2, 0.0)) == frame.positions_angstrom


@pytest.mark.parametrize(
    "text",
    [
        WATER.rstrip("\n"),
        WATER + "\n \n\t\n",
        WATER.replace("\n", "\r\n"),
        WATER.replace("\n", "\r"),
        "\ufeff" + WATER,
        WATER.replace("O 0.0", "  o\t+0.e0 "),
        WATER.replace("O 0.0", "O .0"),
        WATER.replace("0.4 0.0", "0.4 0.0 0.31 C_alpha é"),
        WATER.replace("water", ""),
        WATER.replace("water", "C1=CC=CC=C1 SMILES, and a=b"),
        WATER.replace("3\n", "  3 \n"),
    ],
)
def test_bears_what_is_harmless(text: str) -> None:
    """
    Line ends, blanks, a byte order mark, further columns and any comment change nothing.
    """
    assert read(WATER)[0].positions_angstrom == read(text)[0].positions_angstrom
    assert ("O", "H", "H") == read(text)[0].symbols


def test_symbols_are_read_in_any_case() -> None:
    """
    `CL`, `cl`, `cL` and `Cl` are chlorine.
    """
    [frame] = read("4\n\nCL 0 0 0\ncl 0 0 3\ncL 0 0 6\nCl 0 0 9\n")

    assert ("Cl", "Cl", "Cl", "Cl") == frame.symbols


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "", "empty"),
        (" \n\n", "", "empty"),
        ("water\n", ":1:1", 'not "water"'),
        ("\n3\n", ":1:1", 'not ""'),
        ("3.0\n\n", ":1:1", "number of atoms"),
        ("-1\n\n", ":1:1", "number of atoms"),
        ("0\n\n", ":1:1", "no atoms"),
        ("1001\n\n", ":1:1", "1,001 atoms, more than 1,000"),
        ("999999999\n\n", ":1:1", "more than 1,000"),
        ("3\n", ":1:1", "3 atoms are said here, the file ends after 0"),
        ("2\n\nH 0 0 0\n", ":1:1", "2 atoms are said here, the file ends after 1"),
        ("1\n\nH 0 0 0\nH 0 0 1\n", ":4:1", "one more atom"),
        ("1\n\nH 0 0 0\n\n\nend\n", ":6:1", 'not "end"'),
        ("2\n\n\nH 0 0 0\n", ":3:1", "a blank line among the atoms"),
        ("1\n\nH 0 0\n", ":3:6", "three coordinates"),
        ("1\n\n 6 0 0 0\n", ":3:2", '"6" is not an element'),
        ("1\n\nXx 0 0 0\n", ":3:1", '"Xx" is not an element'),
        ("1\n\nH  1.0D0 0 0\n", ":3:4", '"1.0D0" is not a number'),
        ("1\n\nH 0 0,5 0\n", ":3:5", '"0,5" is not a number'),
        ("1\n\nH 0 0 ******\n", ":3:7", '"******" is not a number'),
        ("1\n\nH 0 0 nan\n", ":3:7", "not a finite number"),
        ("1\n\nH 0 -inf 0\n", ":3:5", "not a finite number"),
        ("1\n\nH 0 0 1e999\n", ":3:7", "farther out"),
        ("1\n\nH 0 0 1_0\n", ":3:7", '"1_0" is not a number'),
        ("1\n\nH 0 0 \u0661\n", ":3:7", "is not a number"),
        ("1\n\nH\u00a00 0 0\n", ":3:8", "three coordinates"),
        ("1\n\nH 0 0 0x1\n", ":3:7", "is not a number"),
        ("1\n\nH 0 0 \x1b[31m\n", ":3:7", "is not a number"),
        (b"1\n\nH 0 \x00 0\n", ":3:5", "NUL"),
        (WATER.encode("utf-16"), ":1:1", "UTF-16"),
        (WATER.encode("utf-16-le"), ":1:2", "NUL"),
        (b"BZh91AY", "", "compressed"),
        (b"PK\x03\x04", "", "compressed"),
    ],
)
def test_a_refusal_names_line_and_column(text: str | bytes, place: str, words: str) -> None:
    """
    What is wrong is told with the file, the line and the column where it stands.
    """
    said = refusal(text)

    assert said.what.startswith(f"f.xyz{place}: ")
    assert words in said.what


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("6 0 0 0", "write the symbol: C"),
        ("D 0 0 0", "write H: xTB knows no isotopes"),
        ("C12 0 0 0", "write C without the label"),
        ("H 0,5 0 0", "write a decimal point, not a comma"),
        ("H 1.0D0 0 0", "write the exponent with e, not D"),
        ("H **** 0 0", "the program that wrote it ran out of room for it"),
    ],
)
def test_a_refusal_says_what_to_write(line: str, hint: str) -> None:
    """
    Where a person can only have meant one thing, the hint says how to write it.
    """
    assert hint == refusal(f"1\n\n{line}\n").hint


def test_an_atom_in_the_place_of_the_comment_is_recognised() -> None:
    """
    A file without its comment line ends one atom early, and the hint says why.
    """
    assert "the second line is a comment, not an atom" == refusal("2\nH 0 0 0\nH 0 0 1\n").hint


def test_reads_every_frame() -> None:
    """
    Several structures may follow each other, with blank lines between them, and know where they start.
    """
    frames = read(WATER + "\n" + WATER.replace("O", "S") + WATER)

    assert [("O", "H", "H"), ("S", "H", "H"), ("O", "H", "H")] == [frame.symbols for frame in frames]
    assert [1, 7, 12] == [frame.line for frame in frames]


def test_properties_say_where_the_columns_are() -> None:
    """
    An extended-xyz file may have its columns in any order.
    """
    [frame] = read(f"2\n{PROPERTIES}\n1 0 0 0 O\n2 0 0 1 H\n")

    assert ("O", "H") == frame.symbols
    assert ((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)) == frame.positions_angstrom


def test_properties_hold_for_every_line() -> None:
    """
    Where Properties= names the columns, a line with more or fewer of them is refused.
    """
    assert "f.xyz:3:1: 6 columns where Properties= names 5" == refusal(f"1\n{PROPERTIES}\n1 0 0 0 O 9\n").what


coordinate = st.floats(-9e4, 9e4, allow_nan=False)


@given(
    st.lists(
        st.tuples(st.sampled_from(["H", "C", "Cl", "U"]), coordinate, coordinate, coordinate), min_size=1
    )
)
def test_xyz_what_was_written_is_read_back(atoms: list[tuple[str, float, float, float]]) -> None:
    """
    Any structure that was written with all its digits is read back exactly.
    """
    lines = [f"{symbol} {x!r} {y!r} {z!r}" for symbol, x, y, z in atoms]

    [frame] = read("\n".join([str(len(atoms)), "", *lines]))

    assert [atom[0] for atom in atoms] == list(frame.symbols)
    assert [atom[1:] for atom in atoms] == list(frame.positions_angstrom)


@given(st.binary(max_size=400))
@example(b"1\n=\nH 0 0 0")
@example(b"1\r\n\r\nH\x0b0 0 0")
def test_xyz_no_bytes_break_the_reader(content: bytes) -> None:
    """
    Any bytes are read as structures of finite numbers, or refused; nothing else happens.
    """
    frames = outcome(content)

    if not isinstance(frames, str):
        assert all(math.isfinite(x) for frame in frames for row in frame.positions_angstrom for x in row)


word = st.sampled_from(
    ["H", "Cl", "1", "0.5", "-1e3", "nan", "0,5", "1.0D0", "\t", "\x00", "1e999", "é", "_", ""]
)
line = st.lists(word, max_size=6).map(" ".join)


@given(st.lists(line, max_size=8).map("\n".join))
def test_xyz_no_text_that_looks_like_xyz_breaks_the_reader(text: str) -> None:
    """
    Text made of the pieces of xyz files is read or refused, with a place that exists.
    """
    said = outcome(text.encode())

    if isinstance(said, str):
        place = said.split(" ")[0].removesuffix(":").split(":")
        assert "f.xyz" == place[0]
        assert all(int(number) >= 1 for number in place[1:])
