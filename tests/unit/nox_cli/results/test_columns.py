"""Names of columns, and units of energies."""

from __future__ import annotations

import pytest

from nox_cli.results.columns import EnergyUnit, column, column_names
from workers.errors import UsageError

KNOWN = ("name", "gap_ev", "gibbs_hartree", "gibbs_rrho_hartree")


def test_a_name_may_end_before_its_unit() -> None:
    """
    What only one column begins with names it; a whole name goes before that.
    """
    assert "gap_ev" == column("gap", KNOWN)
    assert "gibbs_rrho_hartree" == column("gibbs_rrho", KNOWN)
    assert ("name", "gap_ev") == column_names("name, gap,", KNOWN)


def test_columns_what_may_also_be_named_must_be_named_whole() -> None:
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
def test_columns_what_names_no_column(word: str, words: str, hint: str) -> None:
    """
    A name nobody knows, or that several columns begin with, is refused with those there are.
    """
    with pytest.raises(UsageError) as caught:
        column(word, KNOWN)

    assert (words, hint) == (caught.value.what, caught.value.hint)


@pytest.mark.parametrize(
    ("unit", "worth", "name"),
    [
        ("hartree", 1.0, "zpe_hartree"),
        ("ev", 27.2114, "zpe_ev"),
        ("kcal", 627.5095, "zpe_kcal_per_mol"),
        ("kj", 2625.4996, "zpe_kj_per_mol"),
    ],
)
def test_a_hartree_in_other_units(unit: str, worth: float, name: str) -> None:
    """
    A hartree is worth what CODATA says, and the unit is in the name.
    """
    assert worth == pytest.approx(EnergyUnit(unit).of(1.0), rel=1e-6)
    assert name == EnergyUnit(unit).named("zpe_hartree")


def test_kj_and_kcal_agree() -> None:
    """
    A kilocalorie is 4.184 kilojoules.
    """
    assert 4.184 == pytest.approx(EnergyUnit.KJ.of(1.0) / EnergyUnit.KCAL.of(1.0), rel=1e-12)
