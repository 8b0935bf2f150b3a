"""Rows in columns: whole in a pipe, cut to the width of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.render.terminal.columns import laid_out
from nox_cli.render.terminal.out import Painted
from nox_cli.render.terminal.table import cut, width

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


def test_nothing_is_cut_in_a_pipe() -> None:
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
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]], columns: int) -> None:
    """
    Whatever stands in the cells, no line takes more columns than the terminal has.
    """
    lines = laid_out(rows, right=[1], gives=[0, 2], columns=columns)

    assert columns >= max(width("".join(map(text_of, line))) for line in lines)
