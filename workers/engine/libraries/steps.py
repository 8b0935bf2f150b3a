"""Calculations of a library that take many gradients: optimisations and frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.engine.checkpoint import Checkpoint, credited
from workers.engine.levels import LEVELS
from workers.engine.optimiser.optimise import optimise
from workers.engine.optimiser.trail import Trail
from workers.engine.vibrations.frequencies import frequencies
from workers.errors import NotConverged
from workers.result import ChemistryResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.engine.calculator import Calculator
    from workers.job import Progress
    from workers.spec import ChemistrySpec


def in_steps(
    spec: ChemistrySpec,
    engine: tuple[str, str],
    make: Callable[[], Calculator],
    scratch: Path,
    report: Callable[[Progress], None],
) -> ChemistryResult:
    """Run an optimisation, frequencies, or both; from a checkpoint, if `scratch` has one of this calculation.

    Raises:
        NotConverged: the optimiser's cycle limit was reached; `partial` is the last result.
        ScfNotConverged, EngineInput, EngineCrashed: as `Surface` raises them.
    """
    checkpoint = Checkpoint(scratch, spec, engine)
    if spec.opt_level is None:
        found = frequencies(spec, engine, make, report, checkpoint)
        return credited(found, checkpoint)
    level = LEVELS[spec.opt_level]
    trail = Trail(spec, level, scratch, report, checkpoint)
    try:
        if spec.kind == "ohess":
            found = frequencies(spec, engine, make, report, checkpoint, (level, trail))
        else:
            found = optimise(spec, engine, make(), level, trail)
    except NotConverged as error:
        if isinstance(error.partial, ChemistryResult):
            error.partial = credited(error.partial, checkpoint)
        raise
    return credited(found, checkpoint)
