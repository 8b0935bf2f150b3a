"""Tables for programs: a spreadsheet runs none of their text as a formula, and every number is a number."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.render.terminal.table import Table
from nox_cli.results.columns import ENERGY_FIELDS, JOB_FIELDS, NUMBER_FIELDS, RESULT_FIELDS
from nox_cli.results.comparison_options import ComparisonOptions
from nox_cli.results.energies import EnergyUnit
from nox_cli.text import markdown, safe

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


def test_what_would_split_a_cell_is_quoted() -> None:
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
