"""The features of calculations beyond the plain methods, and the engines that have them.

Pure Python: the command line chooses an engine by it, and the engine process refuses by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workers.names import EngineName, Method, Solvation

if TYPE_CHECKING:
    from collections.abc import Iterable

ALPB = "ALPB"
GBSA = "GBSA"
SPIN_POLARISATION = "spin polarisation"
IPEA1 = "IPEA1-xTB"
GFN0 = "GFN0-xTB"
GFNFF = "GFN-FF"
BIASED_HESSIAN = "biased Hessian"
FROZEN = "--freeze"
PASSED_ON = "options of the xtb program's"
CELLS = "cells of crystals"

ABILITIES = {
    EngineName.XTB: frozenset({GBSA, FROZEN}),
    EngineName.TBLITE: frozenset({ALPB, GBSA, SPIN_POLARISATION, IPEA1, FROZEN, CELLS}),
    EngineName.XTB_CLI: frozenset({ALPB, GBSA, GFN0, GFNFF, BIASED_HESSIAN, PASSED_ON}),
}
_METHODS = {Method.IPEA1: IPEA1, Method.GFN0: GFN0, Method.GFNFF: GFNFF}
_SOLVATIONS = {Solvation.ALPB: ALPB, Solvation.GBSA: GBSA}


class Calculation(Protocol):
    """The features of a calculation, requested or stored, that decide which engines can compute it."""

    @property
    def kind(self) -> str:
        """The kind of calculation: `sp`, `opt`, ..."""

    @property
    def method(self) -> Method:
        """By which method."""

    @property
    def solvation(self) -> Solvation | None:
        """In which model of a solvent."""

    @property
    def spin_polarised(self) -> bool:
        """Whether each spin has orbitals of its own."""

    @property
    def frozen_atoms(self) -> tuple[int, ...]:
        """Atoms that may not move, which nox's own steps see to."""

    @property
    def program_input(self) -> str:
        """An input file for the xtb program."""

    @property
    def program_options(self) -> tuple[str, ...]:
        """Options for the xtb program."""


def needs(of: Calculation, *, has_cell: bool = False) -> frozenset[str]:
    """Name what a calculation needs that not every engine has, or has as well; `has_cell`: of a crystal."""
    wanted = {
        _METHODS.get(of.method),
        None if of.solvation is None else _SOLVATIONS[of.solvation],
        SPIN_POLARISATION if of.spin_polarised else None,
        FROZEN if of.frozen_atoms else None,
        BIASED_HESSIAN if of.kind == "bhess" else None,
        PASSED_ON if of.program_input or of.program_options else None,
        CELLS if has_cell else None,
    }
    return frozenset(name for name in wanted if name is not None)


def preferred(wanted: Iterable[str]) -> list[EngineName]:
    """Name the engines that can do it, the one to take first where it is there; empty: none can.

    xtb-python comes before tblite: it equals the xtb program to more digits, and large molecules are faster.
    The program itself is started anew for each step of a job, so it is taken only for what no library can do.
    """
    wanted = frozenset(wanted)
    libraries = (EngineName.XTB, EngineName.TBLITE)
    able = [name for name in libraries if not lacking(name, wanted)]
    if able or lacking(EngineName.XTB_CLI, wanted):
        return able
    return [EngineName.XTB_CLI]


def able(wanted: Iterable[str]) -> list[EngineName]:
    """Name every engine that can do it."""
    wanted = frozenset(wanted)
    return [name for name in EngineName if not lacking(name, wanted)]


def lacking(engine: EngineName, wanted: Iterable[str]) -> list[str]:
    """Name what an engine cannot do of it."""
    return sorted(set(wanted) - ABILITIES[engine])
