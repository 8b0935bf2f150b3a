"""Columns by their names."""

from __future__ import annotations

import pytest

from nox_cli.commandline.arguments import column, column_names
from workers.errors import UsageError

KNOWN = ("name", "gap_ev", "gibbs_hartree", "gibbs_rrho_hartree")


def test_a_name_may_end_before_its_unit() -> None:
    """
    What only one column begins with names it; a whole name goes before that.
    """
    assert "gap_ev" == column("gap", KNOWN)
    assert "gibbs_rrho_hartree" == column("gibbs_rrho", KNOWN)
    assert ("name", "gap_ev") == column_names("name, gap,", KNOWN)


def test_what_may_also_be_named_must_be_named_whole() -> None:
    """
    A column that is not among the usual ones is found by its whole name only.
    """
    assert "zpe_hartree" == column("zpe_hartree", KNOWN, ("zpe_hartree",))
    with pytest.raises(UsageError):
        column("zpe", KNOWN, ("zpe_hartree",))


@pytest.mark.parametrize(
    ("word", "words", "hint"),
    [
        ("gibbs", 'several columns begin with "gibbs"', "one of gibbs_hartree gibbs_rrho_hartree"),
        ("ga", 'there is no column "ga"', "one of name gap_ev gibbs_hartree gibbs_rrho_hartree"),
        ("", 'there is no column ""', "one of name gap_ev gibbs_hartree gibbs_rrho_hartree"),
    ],
)
def test_what_names_no_column(word: str, words: str, hint: str) -> None:
    """
    A name nobody knows, or that several columns begin with, is refused with those there are.
    """
    with pytest.raises(UsageError) as caught:
        column(word, KNOWN)

    assert (words, hint) == (caught.value.what, caught.value.hint)
