"""Text from outside is shown, never obeyed."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.render.json import dumps
from nox_cli.render.terminal.columns import Table, aligned, width
from nox_cli.render.terminal.out import Out, Painted
from nox_cli.session import Streams
from nox_cli.text import safe, safe_lines

HOSTILE = st.text(st.characters() | st.sampled_from("\x1b\x07\x00\r\n\t\x9b\x7f\u202e\u2028\ud800[]m;"))
LINE_ENDS = {"\n", "\t"}


def steering(text: str) -> set[str]:
    """Find the characters in `text` that a terminal obeys or that hide what is there."""
    categories = {"Cc", "Cs", "Zl", "Zp"}
    return {c for c in text if unicodedata.category(c) in categories or unicodedata.bidirectional(c) in BIDI}


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(HOSTILE)
def test_text_one_line_holds_nothing_that_steers(text: str) -> None:
    """
    Whatever comes in, no control character, surrogate, line end or override of direction comes out.
    """
    assert set() == steering(safe(text))


@given(HOSTILE)
def test_text_several_lines_keep_line_ends_and_tabs_only(text: str) -> None:
    """
    Of all control characters only line ends and tabs pass where several lines are shown.
    """
    assert steering(safe_lines(text)) <= LINE_ENDS


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"])))
def test_harmless_text_is_untouched(text: str) -> None:
    """
    Letters, marks, numbers and signs of every script are shown as they are.
    """
    assert text == safe(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u202eb", r"a\u202eb"),
        ("[red]markup[/red]", "[red]markup[/red]"),
        ("\udcff", r"\udcff"),
        ("Ångström é", "Ångström é"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escapes_can_be_read(text: str, shown: str) -> None:
    """
    A character that is not shown as it is appears as the escape that names it.
    """
    assert shown == safe(text)


@given(HOSTILE, HOSTILE)
def test_text_nothing_that_is_printed_steers(name: str, value: str) -> None:
    """
    Lines, painted lines, CSV, TSV, JSON and notes: no way out of nox lets a control character through.
    """
    printed = io.StringIO()
    out = Out(Streams(io.StringIO(), printed, printed))

    out.line(name, Painted(value, "red"))
    for line in aligned([("name", "value"), (name, value)]):
        out.line(line)
    for raw in (True, False):
        table = Table(("name", value), [(name, None)], {"name"}, raw=raw)
        for line in (*table.csv(), *table.tsv()):
            out.write(line + "\n")
    out.write(dumps({"name": name, value: [value]}) + "\n")
    out.note(name)

    assert steering(printed.getvalue()) <= LINE_ENDS


@given(HOSTILE)
def test_json_is_whole_behind_its_escapes(text: str) -> None:
    """
    What JSON output says is read back as it was, whatever characters it holds.
    """
    assert {"schema": 1, text: [text]} == json.loads(safe_lines(dumps({text: [text]})))


def test_colours_are_the_only_escapes() -> None:
    """
    With colours, an escape sequence stands around a painted piece, and none comes from its text.
    """
    printed = io.StringIO()

    Out(Streams(io.StringIO(), printed, printed), color=True).line("49 ", Painted("FAILED\x1b[0m", "red"))

    assert printed.getvalue() == "49 \x1b[31mFAILED\\x1b[0m\x1b[0m\n"


def test_columns_are_counted_as_a_terminal_does() -> None:
    """
    Wide characters take two columns and combining marks none, so that columns line up.
    """
    assert 4 == width("分子")
    assert 1 == width("e\u0301")
    assert ["分子  1", "mol   2"] == aligned([("分子", 1), ("mol", 2)])


def test_numbers_stand_to_the_right() -> None:
    """
    A column can be told to line up at its right end.
    """
    assert ["no  name", " 9  a", "10  b"] == aligned([("no", "name"), (9, "a"), (10, "b")], right=[0])


def test_a_table_without_rows_has_no_lines() -> None:
    """
    Nothing to lay out gives no line, and no error.
    """
    assert [] == aligned([])
