"""What submit shows of many files in few lines."""

from __future__ import annotations

from nox_cli.inputs.charges import ChargeAndSpin
from nox_cli.submission.jobs import KEPT_NAMES, ChargeGroup, Draft, group


def draft(
    name: str, charge: int = 0, origin: str = "default", unpaired: int = 0, spin: str = "default"
) -> Draft:
    """Make a draft of a calculation."""
    return Draft("sp", "{}", "xtb@22.1", name, decided=ChargeAndSpin(charge, origin, unpaired, spin))


def test_equal_ones_share_a_line() -> None:
    """
    Structures of equal charge and spin by the same word are one group, in the order they come.
    """
    found = group([draft("a"), draft("b", 1, "-c", 1, "-u"), draft("c"), draft("d", 1, "-c", 1, "-u")])

    assert (ChargeGroup(0, 0, "default", 2, ["a", "c"]), ChargeGroup(1, 1, "-c, -u", 2, ["b", "d"])) == found


def test_files_of_their_own_names_are_one_word() -> None:
    """
    NAME.CHRG is shown by its name while it is the only one, and as NAME.CHRG for several.
    """
    one, two = draft("a", 1, "a.CHRG", 1, "extxyz comment"), draft("b", 1, "b.CHRG", 1, "extxyz comment")

    assert "a.CHRG, extxyz comment" == group([one])[0].origin
    assert [("NAME.CHRG, extxyz comment", 2)] == [(g.origin, g.count) for g in group([one, two])]
    assert "conf/.CHRG" == group([draft("a", 0, "conf/.CHRG"), draft("b", 0, "conf/.CHRG")])[0].origin


def test_jobs_without_charge_have_no_line() -> None:
    """
    Echo jobs are no calculations.
    """
    assert () == group([Draft("echo", "{}", "echo")])


def test_names_are_kept_up_to_a_limit() -> None:
    """
    Of many jobs all are counted and the first are named.
    """
    [found] = group([draft(str(i)) for i in range(KEPT_NAMES + 5)])

    assert (KEPT_NAMES + 5, KEPT_NAMES) == (found.count, len(found.names))
