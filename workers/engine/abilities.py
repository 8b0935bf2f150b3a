"""What a calculation asks of an engine beyond the plain methods, and which engine can do it.

Pure Python: the command line chooses by it, the engine child refuses by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.names import EngineName, Method, Solvation

if TYPE_CHECKING:
    from collections.abc import Iterable

ALPB = "ALPB"
SPIN_POLARISATION = "spin polarisation"
IPEA1 = "IPEA1-xTB"

ABILITIES = {
    EngineName.XTB: frozenset[str](),
    EngineName.TBLITE: frozenset({ALPB, SPIN_POLARISATION, IPEA1}),
}


def needs(method: str, solvation: str | None, *, spin_polarised: bool) -> frozenset[str]:
    """Name what a calculation needs that not every engine has."""
    wanted = {
        ALPB: solvation == Solvation.ALPB,
        SPIN_POLARISATION: spin_polarised,
        IPEA1: method == Method.IPEA1,
    }
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


def lacking(engine: EngineName, wanted: Iterable[str]) -> list[str]:
    """Name what an engine cannot do of it."""
    return sorted(set(wanted) - ABILITIES[engine])
