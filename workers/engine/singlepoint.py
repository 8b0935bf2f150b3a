"""One geometry: energy, gradient and properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine import printout
from workers.engine.calculator import Surface, positions_of
from workers.engine.summary import Clock, summarise

if TYPE_CHECKING:
    from workers.engine.calculator import Calculator
    from workers.result import ChemistryResult
    from workers.spec import ChemistrySpec


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
