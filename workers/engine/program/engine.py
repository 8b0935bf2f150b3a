"""The engine that drives an `xtb` program: GFN-FF, GFN0-xTB, biased Hessians, input files and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine import printout
from workers.engine.levels import settle
from workers.engine.molecule.checks import check_atoms, check_orbitals
from workers.engine.program import discovery
from workers.engine.program.calculation import Work
from workers.engine.program_options import check_input, check_options
from workers.engine.verdicts import judged_whatever
from workers.errors import EngineMissing
from workers.spec import ChemistrySpec, EngineName, Method

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.engine.program.discovery import Program
    from workers.job import Progress
    from workers.result import ChemistryResult
    from workers.spec import EchoSpec

_HINT = "install xtb, or run the job where it is installed"


class ProgramEngine:
    """Runs calculations with the program."""

    name = EngineName.XTB_CLI.value

    def version(self) -> str:
        """The version of the program.

        Raises:
            EngineMissing: there is none here.
        """
        return _found().version

    def warm(self) -> None:
        """See that the program is there.

        Raises:
            EngineMissing: it is not.
        """
        _found()

    def run(
        self,
        spec: EchoSpec | ChemistrySpec,
        scratch: Path,
        report: Callable[[Progress], None],
        warn: Callable[[str], None],
    ) -> ChemistryResult:
        """Run a calculation; every kind gives all numbers of its geometry.

        Raises:
            InputRefused: the electrons do not fit the orbitals, or what is passed on may not be.
            EngineInput: the program refuses the structure, or does not understand what it was given.
            EngineMissing: there is no program, or it has no parameters for the method.
            NotConverged: the optimiser's cycle limit was reached; `partial` is the last result.
            ScfNotConverged: the self-consistent iterations reached their limit.
            EngineCrashed: the program failed, or a number is not finite.
        """
        assert isinstance(spec, ChemistrySpec)
        # Checked again here: without atoms the program does not end.
        check_atoms(spec.structure.symbols)
        check_orbitals(spec.structure.symbols, spec.charge, spec.unpaired, spec.method)
        check_options(spec.program_options, spec.solvation)
        check_input(spec.program_input)
        which, settled = _found(), settle(spec)
        work = Work(which, _parameters(which, spec), settled, scratch, report)
        printout.header(settled, self.name, which.version)
        result = judged_whatever(settled, work.compute, warn)
        if work.restraint:
            warn(f"the input file's restraints are in the energy: {work.restraint:.6f} Eh")
        return result


def _found() -> Program:
    """Find the program.

    Raises:
        EngineMissing: there is none, or it does not say which it is.
    """
    found = discovery.find()
    if found is None:
        raise EngineMissing("no xtb program is on PATH here", hint=_HINT)
    if not found.version:
        raise EngineMissing(f"{found.path} does not tell its version as the xtb program does", hint=_HINT)
    return found


def _parameters(which: Program, spec: ChemistrySpec) -> str:
    """Find the directory of the parameter files that the method needs; empty: it needs none.

    Raises:
        EngineMissing: there is none.
    """
    if spec.method is not Method.GFN0:
        return ""
    found = which.parameters()
    if found is None:
        raise EngineMissing(
            f"GFN0-xTB needs {discovery.GFN0_PARAMETERS}, and the xtb program at {which.path} has none",
            hint="start the worker with XTBPATH set to the directory that has it",
        )
    return found


ENGINE = ProgramEngine()
