"""What the comment line of an extended-xyz file says."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.inputs.comment import PLAIN, Columns, CommentFault, read_comment


@pytest.mark.parametrize(
    ("line", "charge", "unpaired"),
    [
        ("charge=-1", -1, None),
        ("charge=+2 multiplicity=3", 2, 2),
        ("Charge=1.0 uhf=1", 1, 1),
        ('charge="0" unpaired=0', 0, 0),
        ("energy=-5.07 charge = 1 name=x", 1, None),
        ('title="charge=5" charge=1', 1, None),
        ("charge={2}", 2, None),
        ("initial_charge=5 total charge", None, None),
        ("charge=1 charge=1", 1, None),
        ("multiplicity=1 uhf=0", None, 0),
        ("chrg=1 mult=2", 1, 1),
        ("Q = -2", -2, None),
        ("charge: +1", 1, None),
        ("energy: -5.0 Charge:-1, multiplicity: 3; uhf=2,", -1, 2),
        ("net charge: 1", 1, None),
        ("q=0.37 charge=1", 1, None),
        ("charge=1 chrg=1 q: 1", 1, None),
    ],
)
def test_reads_charge_and_spin(line: str, charge: int | None, unpaired: int | None) -> None:
    """
    `charge=`, and the spin by any of its names, are read; a multiplicity is one more than what is unpaired.
    """
    said = read_comment(line)

    assert (charge, unpaired) == (said.charge, said.unpaired)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chg 1", "chg"),
        ("charge 1", "charge"),
        ("charge: 1.5", "charge"),
        ("charge: one", "charge"),
        ("Net Charge -1", "charge"),
        ("formal charge of +1", "charge"),
        ("charge (1)", "charge"),
        ("chrg=1.5", "chrg"),
        ("q=0.5 a=b", "q"),
        ("total_charge=1 total_spin=1", "total_charge total_spin"),
        ("mult 2", "mult"),
        ("2 unpaired electrons, unpaired electrons = 2", "unpaired"),
        ("spin: 1", "spin"),
        ('{"charge": 1, "multiplicity": 2}', "charge multiplicity"),
        ("netcharge=1 q_tot=1", "netcharge q_tot"),
        ("total charge (e): 1", "charge"),
        ("charge \u22121", "charge"),
    ],
)
def test_comment_what_is_like_it_and_not_understood_is_noted(line: str, words: str) -> None:
    """
    Words that seem to be about charge or spin say nothing, and are handed on for a warning.
    """
    said = read_comment(line)

    assert (None, None, tuple(words.split())) == (said.charge, said.unpaired, said.unread)


@pytest.mark.parametrize(
    "line",
    [
        "energy: -5.07 gnorm: 0.0003 xtb: 6.7.1 (edcfbbe)",
        "Q-Chem 5",
        "charge transfer state 2",
        "recharge 1",
        'title="charge 5"',
        "Properties=species:S:1:pos:R:3:q:R:1:charge:R:1",
    ],
)
def test_comment_other_words_are_left_alone(line: str) -> None:
    """
    What only looks a little like it is not warned of.
    """
    assert () == read_comment(line).unread


@pytest.mark.parametrize("line", ["", "water", "CC(=O)O", "energy: -5.07 gnorm: 0.0003", "=", "a= b", "x=y"])
def test_plain_comments_say_nothing(line: str) -> None:
    """
    A comment without a key nox knows says nothing.
    """
    assert PLAIN == read_comment(line)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("charge=0.5", 1, "charge=0.5 is not a whole number"),
        ("x charge=one", 3, "charge=one"),
        ("charge=99999", 1, "from -1000 to 1,000"),
        ("multiplicity=0", 1, "from 1 to"),
        ("uhf=-1", 1, "from 0 to"),
        ("charge=1 charge=2", 10, "said twice"),
        ("charge=1 chrg=2", 10, "charge is said twice"),
        ("x=1 charge: 1 q=2", 5, "charge is said twice"),
        ("chrg=2000", 1, "from -1000 to 1,000"),
        ("mult: 2 uhf: 0", 9, "contradict each other"),
        ("multiplicity=2 uhf=0", 16, "contradict each other"),
        ('Lattice="9 0 0 0 9 0 0 0"', 1, "8 numbers, not 9"),
        ('a=1 Lattice="9 0 0 0 nan 0 0 0 9"', 5, '"nan" is not a number'),
        ('a=1 Lattice="9 0 0 0 9 0 0 0 1_0"', 5, '"1_0" is not a number'),
        ('Lattice="9 0 0 0 9 0 0 0 9" pbc="T T F"', 29, "periodic along some of its vectors only"),
        ('a=1 pbc="T F F"', 5, "periodic along some of its vectors only"),
        ('a=1 pbc="T T T"', 5, "there is no Lattice="),
        ('Lattice="9 0 0 0 9 0 0 0 9" pbc="T T"', 29, "not three of T and F"),
        ('Lattice="9 0 0 0 9 0 0 0 9" pbc="yes"', 29, "not three of T and F"),
        ("Properties=species:S:1", 1, "no species:S:1 or no pos:R:3"),
        ("Properties=species", 1, "not a list"),
    ],
)
def test_refuses_what_it_cannot_follow(line: str, column: int, words: str) -> None:
    """
    A key nox knows with a value it cannot follow is refused, with the column it stands at.
    """
    with pytest.raises(CommentFault, match=words) as caught:
        read_comment(line)

    assert column == caught.value.column


def test_a_box_that_is_not_periodic_is_no_lattice() -> None:
    """
    A molecule in a box is a molecule where pbc says so.
    """
    assert PLAIN == read_comment('Lattice="9 0 0 0 9 0 0 0 9" pbc="F F F"')


@pytest.mark.parametrize("pbc", ["", ' pbc="T T T"', " pbc=[True,True,True]", " pbc=T"])
def test_a_lattice_is_a_cell(pbc: str) -> None:
    """
    Three vectors, one after the other; without a word on pbc they are periodic, as extended xyz has it.
    """
    said = read_comment(f'Lattice="9 0 0 1.5 8 0 -1 2e0 +7."{pbc}')

    assert ((9.0, 0.0, 0.0), (1.5, 8.0, 0.0), (-1.0, 2.0, 7.0)) == said.lattice_angstrom


def test_properties_give_the_places_of_the_columns() -> None:
    """
    The widths in Properties= are added up.
    """
    said = read_comment("Properties=forces:R:3:species:S:1:pos:R:3:q:R:1")

    assert Columns(symbol=3, position=4, total=8) == said.columns


def test_spin_is_kept_as_it_was_said() -> None:
    """
    `spin=` is no number of electrons yet: programs differ on what it means.
    """
    assert read_comment("spin=2").unclear.startswith("spin=2 means")
    assert ("", 0) == (read_comment("spin=0").unclear, read_comment("spin=0").unpaired)


@given(st.text(max_size=300))
def test_comment_no_comment_breaks_the_reader(line: str) -> None:
    """
    Any line is read or refused.
    """
    with suppress(CommentFault):
        read_comment(line)


@pytest.mark.parametrize(
    "unit", ['a="', "a={", "a=[", "a a=", "aaaa", "a='", '\\"', "charge ", "q:", "charge of ", "q\t"]
)
def test_long_comments_are_read_once(unit: str) -> None:
    """
    A comment of a megabyte takes no time that grows with its square (the test would run into its limit).
    """
    read_comment(unit * (1_000_000 // len(unit)) + "=")
