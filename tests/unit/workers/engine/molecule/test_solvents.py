"""Solvents by name, and which engine can do what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nox_cli.submission.calculation import USUAL
from nox_cli.submission.engine_choice import EngineWanted, Pin, pin
from tests.unit.nox_cli.submission.test_engine_choice import having
from workers.engine.abilities import ALPB, GBSA, IPEA1, SPIN_POLARISATION, lacking, needs
from workers.engine.molecule.solvents import check_solvent, solvents, spelled
from workers.errors import InputRefused, UsageError
from workers.names import EngineName, Method, Solvation

BOTH = {"tblite": "0.8.0", "xtb": "22.1"}


@pytest.mark.parametrize(
    ("written", "name"),
    [("H2O", "water"), ("THF", "thf"), (" n-Hexane", "hexane"), ("chloroform", "chcl3"), ("mud", "mud")],
)
def test_a_solvent_is_spelled_in_one_way(written: str, name: str) -> None:
    """
    Capitals and common other names mean the same solvent; what nobody knows stays as it is.
    """
    assert name == spelled(written)


@pytest.mark.parametrize(("model", "method"), [("alpb", "gfn2"), ("gbsa", "gfn2"), ("gbsa", "gfn1")])
def test_known_solvents_pass(model: str, method: str) -> None:
    """
    Water is in every model, and every solvent of a list passes.
    """
    assert "water" in solvents(model, method)
    for solvent in solvents(model, method):
        check_solvent(model, solvent, method)


def test_an_unknown_solvent_is_refused_with_the_nearest() -> None:
    """
    The nearest names are told, else all there are.
    """
    with pytest.raises(InputRefused, match='ALPB has no solvent "watr"') as near:
        check_solvent("alpb", "watr", "gfn2")
    with pytest.raises(InputRefused, match='GBSA has no solvent "xyzzy"') as far:
        check_solvent("gbsa", "xyzzy", "gfn2")

    assert "did you mean water?" == near.value.hint
    assert far.value.hint.startswith("one of acetone, acetonitrile, ")


@pytest.mark.parametrize(("solvent", "method"), [("octanol", "gfn2"), ("dmf", "gfn1"), ("hexane", "gfn1")])
def test_solvents_one_model_never_stands_in_for_the_other(solvent: str, method: str) -> None:
    """
    A solvent that only ALPB has is refused for GBSA, and ALPB is named as another model.
    """
    with pytest.raises(InputRefused) as caught:
        check_solvent("gbsa", solvent, method)

    assert f"--alpb {solvent}, which is another model" == caught.value.hint


def test_needs_are_what_not_every_engine_has() -> None:
    """
    ALPB, spin polarisation and IPEA1 are tblite's alone; the plain methods and GBSA are both engines'.
    """
    special = needs(
        replace(USUAL, method=Method.IPEA1, solvation=Solvation.ALPB, solvent="water", spin_polarised=True)
    )

    assert {ALPB, SPIN_POLARISATION, IPEA1} == special
    assert frozenset() == needs(replace(USUAL, method=Method.GFN1))
    assert [] == lacking(EngineName.XTB, needs(replace(USUAL, solvation=Solvation.GBSA, solvent="water")))
    assert [] == lacking(EngineName.TBLITE, special)
    assert sorted(special) == lacking(EngineName.XTB, special)


def test_gbsa_is_both_libraries() -> None:
    """
    Both have GBSA, and xtb-python comes first as elsewhere.
    """
    needed = frozenset({GBSA})

    assert EngineName.XTB == pin(EngineWanted.AUTO, having(BOTH), list, needed).engine
    assert EngineName.TBLITE == pin(EngineWanted.TBLITE, having(BOTH), list, needed).engine
    assert EngineName.TBLITE == pin(EngineWanted.AUTO, having({"tblite": "0.8.0"}), list, needed).engine


def test_the_engine_is_chosen_by_what_is_needed() -> None:
    """
    What only tblite can do goes to tblite, though xtb comes first; asked of xtb it is refused.
    """
    needed = frozenset({ALPB})

    assert Pin(EngineName.TBLITE, "0.8.0") == pin(EngineWanted.AUTO, having(BOTH), list, needed)
    assert EngineName.TBLITE == pin(EngineWanted.AUTO, having({"xtb": "22.1"}), list, needed).engine
    with pytest.raises(UsageError, match="--engine xtb has no ALPB"):
        pin(EngineWanted.XTB, having(BOTH), list, needed)
