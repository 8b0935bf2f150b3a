"""What a calculation asks of an engine beyond the plain methods, and which engine can do it.

Pure Python: the command line chooses by it, the engine child refuses by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.names import EngineName, Method, Solvation

if TYPE_CHECKING:
    from collections.abc import Iterable

ALPB = "ALPB"
GBSA = "GBSA"
SPIN_POLARISATION = "spin polarisation"
IPEA1 = "IPEA1-xTB"

ABILITIES = {
    EngineName.XTB: frozenset({GBSA}),
    EngineName.TBLITE: frozenset({ALPB, GBSA, SPIN_POLARISATION, IPEA1}),
}


def needs(method: str, solvation: str | None, *, spin_polarised: bool) -> frozenset[str]:
    """Name what a calculation needs that not every engine has, or has as well."""
    wanted = {
        ALPB: solvation == Solvation.ALPB,
        GBSA: solvation == Solvation.GBSA,
        SPIN_POLARISATION: spin_polarised,
        IPEA1: method == Method.IPEA1,
    }
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


def preferred(wanted: Iterable[str]) -> list[EngineName]:
    """Name the engines, the one to take first where it is there.

    xtb-python comes before tblite: it equals the xtb program to more digits, and large molecules are faster.
    Not in GBSA, whose surface grid does not turn with the molecule as `workers.engine.xtb` turns it: there
    frequencies may be off by 20 cm-1, while tblite has the program's.
    """
    usual = list(EngineName)
    return usual[::-1] if GBSA in wanted else usual


def lacking(engine: EngineName, wanted: Iterable[str]) -> list[str]:
    """Name what an engine cannot do of it."""
    return sorted(set(wanted) - ABILITIES[engine])
