"""Rows in columns: whole in a pipe, cut to the width of a terminal; tables for programs."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.render.terminal.columns import Table, cut, laid_out, width
from nox_cli.render.terminal.out import Painted
from nox_cli.results.columns import ENERGY_FIELDS, JOB_FIELDS, NUMBER_FIELDS, EnergyUnit
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.record import RESULT_FIELDS
from nox_cli.text import markdown, safe

if TYPE_CHECKING:
    from nox_cli.render.terminal.columns import Cell

HEADER = ("#", "name", "state", "note")
ROWS = (HEADER, ("1", "conformer_of_a_molecule", Painted("done", "green"), "a note of some length"))


def text_of(cell: Cell) -> str:
    """Tell what a cell shows."""
    return cell.text if isinstance(cell, Painted) else cell


def shown(columns: int | None, gives: tuple[int, ...] = (1, 3)) -> list[str]:
    """Lay the rows out, and join their cells."""
    lines = laid_out(ROWS, gives=gives, columns=columns)
    return ["".join(map(text_of, line)) for line in lines]


def test_columns_nothing_is_cut_in_a_pipe() -> None:
    """
    Where there is no terminal, every cell is whole.
    """
    assert [
        "#  name                     state  note",
        "1  conformer_of_a_molecule  done   a note of some length",
    ] == shown(None)


def test_the_widest_of_the_columns_that_give_is_cut_first() -> None:
    """
    What is too much is taken from the widest column that gives, then from both alike.
    """
    assert "1  conformer_of_a_molecule  done   a note of some length" == shown(56)[1]
    assert "1  conformer_of_a_molec…  done   a note of some length" == shown(54)[1]
    assert "1  conformer_of_…  done   a note of som…" == shown(40)[1]


def test_spare_columns_go_before_the_others_become_unreadable() -> None:
    """
    Where columns that give would be too short to be read, spare ones are left out, in their order.
    """
    rows = [("1", "conformer_of_a_molecule", "done", "2.5 s", "note")]
    lines = {
        columns: "".join(map(text_of, laid_out(rows, gives=[1], spare=[3, 2], columns=columns)[0]))
        for columns in (36, 35, 28, 25)
    }

    assert {
        36: "1  conformer_of_…  done  2.5 s  note",
        35: "1  conformer_of_a_mole…  done  note",
        28: "1  conformer_of_a_mol…  note",
        25: "1  conformer_of_a_…  note",
    } == lines


def test_a_column_that_was_left_out_gives_nothing() -> None:
    """
    A column that gives and was left out counts no more: what is too much is taken from those that are shown.
    """
    rows = [("conformer_of_a_molecule", "-42.15390000", "a column that goes, long as it is")]
    (line,) = laid_out(rows, gives=[0, 2], spare=[2], columns=24)

    assert "conformer…  -42.15390000" == "".join(map(text_of, line))


def test_a_line_is_cut_where_the_terminal_ends() -> None:
    """
    What no column gives is cut at the end of the line.
    """
    assert "1  confo…  done   a n…" == shown(22)[1]
    assert "1  conformer_of_a_molecule  do…" == shown(31, gives=())[1]


def test_a_cut_cell_keeps_its_style() -> None:
    """
    A painted cell that is cut is painted still.
    """
    line = laid_out([["a"], [Painted("cancelled", "yellow")]], gives=[0], columns=7)[1]

    assert [Painted("cancel…", "yellow")] == line


@pytest.mark.parametrize(
    ("columns", "text"), [(9, "分子分子"), (7, "分子分…"), (6, "分子 …"), (1, "…"), (0, "")]
)
def test_wide_characters_are_cut_whole(columns: int, text: str) -> None:
    """
    A wide character that has no room for both its halves is left out, and its place stays filled.
    """
    assert text == cut("分子分子", columns)


@given(
    st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(1, 60),
)
def test_columns_no_line_is_wider_than_the_terminal(rows: list[list[str]], columns: int) -> None:
    """
    Whatever stands in the cells, no line takes more columns than the terminal has.
    """
    lines = laid_out(rows, right=[1], gives=[0, 2], columns=columns)

    assert columns >= max(width("".join(map(text_of, line))) for line in lines)


TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
TEXTS = st.text(st.sampled_from((*TRIGGERS, " ", ",", ";", '"', "'", "a", "1")), max_size=6)


def table(*rows: tuple[object, object], raw: bool = False) -> Table:
    """Make a table of a column of text and one of numbers."""
    return Table(("name", "charge"), rows, {"charge"}, raw=raw)


def read(lines: list[str], delimiter: str = ",") -> list[list[str]]:
    """Read lines as a program does, without the header."""
    return list(csv.reader(StringIO("\n".join(lines[1:])), delimiter=delimiter))


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_formula_is_text(trigger: str) -> None:
    """
    A text that begins as a formula does, after blanks too, gets a single quote in front.
    """
    for text in (f"{trigger}1+1", f"  {trigger}1", f"{trigger}cmd|' /C calc'!A0"):
        lines = table((text, 0))

        assert [[f"'{safe(text)}", "0"]] == read(list(lines.csv()))
        assert [[f"'{safe(text)}", "0"]] == read(list(lines.tsv()), "\t")


@pytest.mark.parametrize("number", [-1, "-5.0705441235", -0.5, "+1", None])
def test_a_number_stays_a_number(number: object) -> None:
    """
    The column decides: a number in one of numbers is as it is, the same word as a name is text.
    """
    shown = "" if number is None else str(number)

    assert f"ok,{shown}" == list(table(("ok", number)).csv())[1]
    assert f"ok\t{shown}" == list(table(("ok", number)).tsv())[1]
    assert [["'-5", "-5"]] == read(list(table(("-5", -5)).csv()))


def test_raw_text_is_as_it_is() -> None:
    """
    With `raw` CSV quotes what CSV needs, and TSV nothing.
    """
    lines = table(("=1+1", -1), ('a,"b"; c', 0), raw=True)

    assert ["=1+1,-1", '"a,""b""; c",0'] == list(lines.csv())[1:]
    assert ["=1+1\t-1", 'a,"b"; c\t0'] == list(lines.tsv())[1:]


def test_columns_what_would_split_a_cell_is_quoted() -> None:
    """
    Separators of any program, and quotes, are in double quotes.
    """
    lines = table(("a;=1", 0), ('"=1', 0), ("N,N", 0), ("plain", 0))

    assert ['"a;=1",0', '"""=1",0', '"N,N",0', "plain,0"] == list(lines.csv())[1:]
    assert ['"a;=1"\t0', '"""=1"\t0', '"N,N"\t0', "plain\t0"] == list(lines.tsv())[1:]


def test_a_row_of_nothing_is_a_row() -> None:
    """
    CSV of one column whose value is missing has a line that readers do not skip.
    """
    assert ["name", '""', "a"] == list(Table(("name",), [(None,), ("a",)], ()).csv())


@given(st.lists(st.tuples(TEXTS, st.integers()), max_size=4))
def test_every_table_is_read_back(rows: list[tuple[str, int]]) -> None:
    """
    Whatever texts hold, a reader finds their rows and cells, and no text begins as a formula.
    """
    lines = table(*rows)
    for found in (read(list(lines.csv())), read(list(lines.tsv()), "\t")):
        assert [[str(number)] for _, number in rows] == [row[1:] for row in found]
        assert [] == [row[0] for row in found if row[0].lstrip().startswith(TRIGGERS)]
        assert [safe(text) for text, _ in rows] == [
            shown if safe(text) == shown else shown.removeprefix("'")
            for (text, _), (shown, _) in zip(rows, found, strict=True)
        ]


def test_columns_of_numbers_are_columns() -> None:
    """
    Each column declared to hold numbers is there, and energies in every unit are numbers too.
    """
    assert set() == NUMBER_FIELDS - set(JOB_FIELDS) - set(RESULT_FIELDS)
    for unit in (None, *EnergyUnit):
        compared = ComparisonOptions(unit=unit, relative=True, boltzmann=True)
        assert {compared.named(name) for name in ENERGY_FIELDS} <= compared.numbers()
        assert compared.relative_field in compared.numbers()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[x](y) `z` *b*", r"\[x\](y) \`z\` \*b\*"),
        ("_a_ snake_case_1", r"\_a\_ snake_case_1"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_markdown_shows_text_and_obeys_none(text: str, shown: str) -> None:
    """
    What would end a cell, or be markup, HTML or a link, is escaped.
    """
    assert shown == markdown(text)
