"""Who decides on charge and spin, and what is said where nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs.charges import ChargeAndSpin, Flags, Sourced, Surroundings, flags
from nox_cli.inputs.comment import PLAIN, Comment
from nox_cli.inputs.files import STDIN
from workers.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from pathlib import Path

WATER = ("O", "H", "H")
METHYL = ("C", "H", "H", "H")


@pytest.fixture
def water(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a structure in a folder below the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    return "in/water.xyz"


def decide(
    path: str, *, said: Flags | None = None, comment: Comment = PLAIN, symbols: tuple[str, ...] = WATER
) -> ChargeAndSpin:
    """Decide for one structure."""
    return Surroundings().decide(said or Flags(), comment, path, symbols)


def test_charges_nobody_says_anything(water: str) -> None:
    """
    Where nobody says anything both are 0, and that is said too.
    """
    assert ChargeAndSpin(0, "default", 0, "default") == decide(water)


def test_the_nearest_word_counts(water: str, tmp_path: Path) -> None:
    """
    A flag goes before the comment, that before NAME.CHRG, that before .CHRG beside the file.
    """
    said = Flags(Sourced(-2, "-c"), Sourced(4, "-u"))
    (tmp_path / "in/.CHRG").write_text("2\n")
    (tmp_path / "in/.UHF").write_text("2\n")

    assert ChargeAndSpin(2, "in/.CHRG", 2, "in/.UHF") == decide(water)

    (tmp_path / "in/water.CHRG").write_text("-2")
    (tmp_path / "in/water.UHF").write_text(" 4 \n")

    assert ChargeAndSpin(-2, "water.CHRG", 4, "water.UHF") == decide(water)

    comment = Comment(charge=4, unpaired=0)

    assert ChargeAndSpin(4, "extxyz comment", 0, "extxyz comment") == decide(water, comment=comment)
    assert ChargeAndSpin(-2, "-c", 4, "-u") == decide(water, comment=comment, said=said)


def test_charges_each_is_decided_by_itself(water: str, tmp_path: Path) -> None:
    """
    The charge may come from one place and the spin from another.
    """
    (tmp_path / "in/.CHRG").write_text("1")

    assert ChargeAndSpin(1, "in/.CHRG", 1, "--mult") == decide(water, said=flags(None, None, 2))


def test_the_file_is_not_asked_where_a_flag_speaks(water: str, tmp_path: Path) -> None:
    """
    A .CHRG nobody needs may hold anything.
    """
    (tmp_path / "in/.CHRG").write_text("neutral")

    assert "-c" == decide(water, said=flags(0, None, None)).charge_origin


def test_charges_what_lies_here_is_not_beside_the_file(water: str, tmp_path: Path) -> None:
    """
    A .CHRG in the current directory does nothing for files elsewhere, and is named for a warning.
    """
    (tmp_path / ".CHRG").write_text("-1\n")

    assert ChargeAndSpin(0, "default", 0, "default") == decide(water)
    assert ["./.CHRG (-1)"] == Surroundings().not_used(Flags(), [water])
    assert ["./.CHRG (-1)"] == Surroundings().not_used(Flags(), [STDIN])


def test_charges_nobody_is_warned_of_what_is_used_or_not_looked_for(water: str, tmp_path: Path) -> None:
    """
    A .CHRG beside one of the files is used, and with -c none is looked for.
    """
    (tmp_path / ".CHRG").write_text("-1\n")

    assert [] == Surroundings().not_used(Flags(), [water, "methane.xyz"])
    assert [] == Surroundings().not_used(flags(1, None, None), [water])


def test_stdin_has_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    For a structure from stdin no file is looked for.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".CHRG").write_text("1")

    assert ChargeAndSpin(0, "default", 0, "default") == decide(STDIN)


@pytest.mark.parametrize("content", ["", "one", "1 2", "0.5", "1001", "\x00", "9" * 5_000])
def test_a_number_file_that_holds_none_is_refused(water: str, tmp_path: Path, content: str) -> None:
    """
    A .CHRG that is not one whole number is refused, not passed over.
    """
    (tmp_path / "in/.CHRG").write_text(content)

    with pytest.raises(InputRefused, match=r"in/\.CHRG"):
        decide(water)


def test_a_directory_in_its_place_is_refused(water: str, tmp_path: Path) -> None:
    """
    A .UHF that is a directory is refused as such.
    """
    (tmp_path / "in/.UHF").mkdir()

    with pytest.raises(InputRefused, match="a directory"):
        decide(water)


def test_an_odd_number_of_electrons_asks_for_a_word(water: str) -> None:
    """
    With an odd number of electrons somebody must speak of spin.
    """
    with pytest.raises(InputRefused, match="9 electrons at charge 0, an odd number") as caught:
        decide(water, symbols=METHYL)

    assert caught.value.hint.startswith("-u 1")


def test_the_refusal_names_who_charged_it(water: str, tmp_path: Path) -> None:
    """
    Where the charge made the number odd, its origin is named.
    """
    (tmp_path / "in/water.CHRG").write_text("1")

    with pytest.raises(InputRefused, match=r"9 electrons at charge 1 \(water.CHRG\)"):
        decide(water)


@pytest.mark.parametrize(("symbols", "unpaired"), [(WATER, 0), (METHYL, 1)])
def test_auto_takes_the_parity(water: str, symbols: tuple[str, ...], unpaired: int) -> None:
    """
    `-u auto` is 0 for an even number of electrons and 1 for an odd one.
    """
    assert ChargeAndSpin(0, "default", unpaired, "-u auto") == decide(
        water, said=flags(None, "auto", None), symbols=symbols
    )


def test_a_lanthanide_counts_without_its_4f_shell(water: str) -> None:
    """
    A gadolinium(III) ion needs no word about spin; at another charge the refusal says what is not counted.
    """
    assert 0 == decide(water, comment=Comment(charge=3), symbols=("Gd",)).unpaired
    with pytest.raises(InputRefused, match=r"55 electrons.*4f electrons do not count"):
        decide(water, comment=Comment(charge=2), symbols=("Gd",))


def test_spin_can_be_meant_in_two_ways(water: str) -> None:
    """
    `spin=1` is refused unless a flag or another key decides; `spin=0` can only mean one thing.
    """
    with pytest.raises(InputRefused, match="spin=1 means"):
        decide(water, comment=Comment(unclear="spin=1 means much"))

    assert 0 == decide(water, comment=Comment(unclear="spin=1"), said=flags(None, "0", None)).unpaired
    assert 2 == decide(water, comment=Comment(unclear="spin=1", unpaired=2)).unpaired
    assert "extxyz comment" == decide(water, comment=Comment(unpaired=0)).unpaired_origin


def test_a_multiplicity_is_one_more() -> None:
    """
    `--mult 3` means two unpaired electrons.
    """
    assert Flags(None, Sourced(2, "--mult")) == flags(None, None, 3)


def test_spin_is_said_once() -> None:
    """
    `-u` and `--mult` together are an error of usage, whatever they say.
    """
    with pytest.raises(UsageError):
        flags(None, "0", 1)
