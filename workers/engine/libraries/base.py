"""The common part of the engines that are libraries; they differ in the calculator they make."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING

from workers.engine import printout
from workers.engine.calculator import Surface, positions_of
from workers.engine.distributions import version_of
from workers.engine.levels import settle
from workers.engine.molecule.checks import check_orbitals
from workers.engine.summary import Clock, summarise, threads
from workers.engine.verdicts import judged_whatever
from workers.spec import ChemistrySpec, Structure

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from workers.engine.calculator import Calculator
    from workers.job import Progress
    from workers.result import ChemistryResult
    from workers.spec import EchoSpec


# Up to here linear algebra gets one thread: its own and the library's wait for each other's cores.  Two of
# each on two cores take 1.9 x as long for aspirin and 1.6 x for taxol (113 atoms), the same for 390 atoms and
# 0.76 x for 900, where the algebra is most of the work.
ONE_THREAD_ATOMS = 300

_HYDROGEN = Structure(symbols=("H", "H"), positions_angstrom=((0.1, 0.2, 0.3), (0.4, 0.7, 0.7)))


class ChemistryEngine:
    """Runs calculations with one library.

    Args:
        name: the engine's.
        distribution: the installed distribution whose version is the engine's.
        make: gives a calculator for a specification and an accuracy.
    """

    def __init__(
        self, name: str, distribution: str, make: Callable[[ChemistrySpec, float], Calculator]
    ) -> None:
        self.name = name
        self._distribution = distribution
        self._make = make

    def version(self) -> str:
        """The version of the library."""
        return self._version

    def warm(self) -> None:
        """Compute the smallest molecule.

        A BLAS takes its buffer with the first call; where a memory limit leaves no room for that by then,
        one of them tries again for ever.
        """
        spec = ChemistrySpec(kind="sp", structure=_HYDROGEN)
        self._make(spec, 1.0).compute(positions_of(spec), is_verbose=False)

    @cached_property
    def _version(self) -> str:
        return version_of(self._distribution)

    def run(
        self,
        spec: EchoSpec | ChemistrySpec,
        scratch: Path,
        report: Callable[[Progress], None],
        warn: Callable[[str], None],
    ) -> ChemistryResult:
        """Run a calculation; every kind gives all numbers of its geometry.

        Raises:
            InputRefused: the electrons do not fit the orbitals.
            NotConverged: the optimiser's cycle limit was reached; `partial` is the last result.
            ScfNotConverged: the self-consistent iterations reached their limit.
            EngineInput: the library refuses the structure.
            EngineCrashed: the library failed, or a number is not finite.
        """
        assert isinstance(spec, ChemistrySpec)
        # Checked again here: else the libraries overwrite their own memory, and the next job's numbers.
        check_orbitals(spec.structure.symbols, spec.charge, spec.unpaired, spec.method)
        engine = (self.name, self.version())
        settled = settle(spec)
        printout.header(settled, *engine)
        with _algebra(len(spec.structure.symbols)):
            return judged_whatever(settled, lambda: self._compute(settled, engine, scratch, report), warn)

    def _compute(
        self,
        spec: ChemistrySpec,
        engine: tuple[str, str],
        scratch: Path,
        report: Callable[[Progress], None],
    ) -> ChemistryResult:
        make = partial(self._make, spec, spec.accuracy)
        if spec.kind in {"hess", "opt", "ohess"}:
            from workers.engine.libraries.steps import in_steps

            return in_steps(spec, engine, make, scratch, report)
        return singlepoint(spec, engine, make())


def singlepoint(spec: ChemistrySpec, engine: tuple[str, str], calculator: Calculator) -> ChemistryResult:
    """Compute the numbers of the input's geometry.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    clock = Clock()
    surface = Surface(calculator)
    point = surface.at(positions_of(spec))
    result = summarise(spec, engine, point, surface.properties(), clock)
    printout.footer(result)
    return result


def _algebra(atoms: int) -> AbstractContextManager[object]:
    """Let linear algebra have the threads it is worth, of those there are."""
    if threads() == 1 or atoms > ONE_THREAD_ATOMS:
        return nullcontext()
    from threadpoolctl import ThreadpoolController

    limited: AbstractContextManager[object] = ThreadpoolController().limit(limits=1, user_api="blas")
    return limited
