"""The trail of an optimisation: frames in files, progress for the store, lines in the log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workers.engine import printout, xyz
from workers.job import OPTIMISATION, Progress, gradients_of_frequencies
from workers.names import OPT_XYZ, TRAJECTORY_XYZ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.engine.calculator import Passed, SurfacePoint
    from workers.engine.checkpoint import Checkpoint
    from workers.engine.levels import Level
    from workers.spec import ChemistrySpec

TRAJECTORY, LAST = TRAJECTORY_XYZ, OPT_XYZ
_ALMOST = 0.99
_USUAL_STEPS = 25


class Trail:
    """Writes each point of an optimisation to files, store and log."""

    def __init__(
        self,
        spec: ChemistrySpec,
        level: Level,
        scratch: Path,
        report: Callable[[Progress], None],
        checkpoint: Checkpoint,
        *,
        prints: bool = True,
    ) -> None:
        self.checkpoint = checkpoint
        self._prints = prints  # a program prints its steps itself
        self.share = _share(spec)  # how much of the whole job's way the optimisation is
        self.passed = 0  # points, those that were rejected too
        self.energies: list[float] = []  # of the points that were not
        self.change: float | None = None  # hartree, from the point before to the last
        self._spec = spec
        self._goal = level.gradient_norm
        self._first_norm = 0.0
        self._fraction = 0.0
        self._scratch = scratch
        self._report = report

    def add(self, point: Passed) -> None:
        """Pass a point."""
        if self.energies:
            self.change = point.energy - self.energies[-1]
        else:
            earlier = self.checkpoint.earlier
            self._first_norm = (earlier.first_norm if earlier is not None else None) or point.norm
        self.energies.append(point.energy)
        with (self._scratch / TRAJECTORY).open("a") as trajectory:
            trajectory.write(xyz.frame(self._spec, point))
        self._count(point)
        if self._prints:
            printout.step(self.passed, point, self.change)

    def reject(self, point: SurfacePoint | None, best: SurfacePoint) -> None:
        """Leave a point that raised the energy, or one that could not be computed, for the best one."""
        self._count(best)
        printout.rejected(self.passed, point, best)

    def _count(self, best: Passed) -> None:
        """Note and report that a point was computed, and which one is the best."""
        self.passed += 1
        self.checkpoint.step(best.positions, self.passed, self._first_norm)
        self._report(
            Progress(
                fraction=self.share * self._progress(best.norm),
                phase=OPTIMISATION,
                step=self.checkpoint.steps + self.passed,
                energy_hartree=best.energy,
                energy_change_hartree=self.change,
                gradient_norm_hartree_per_bohr=best.norm,
            )
        )

    def end(self, point: SurfacePoint) -> None:
        """Keep the last point's geometry."""
        (self._scratch / LAST).write_text(xyz.frame(self._spec, point))

    def _progress(self, norm: float) -> float:
        """Return the share of the way from the first gradient to the threshold, by powers of ten."""
        if norm > self._goal and self._first_norm > self._goal:
            gone = math.log(self._first_norm / norm) / math.log(self._first_norm / self._goal)
            self._fraction = min(max(self._fraction, gone), _ALMOST)
        elif norm <= self._goal:
            self._fraction = _ALMOST
        return self._fraction


def _share(spec: ChemistrySpec) -> float:
    """Compare a usual optimisation with the gradients that frequencies take after it."""
    atoms = len(spec.structure.symbols)
    following = gradients_of_frequencies(atoms) if spec.kind in {"ohess", "bhess"} else 0
    return _USUAL_STEPS / (_USUAL_STEPS + following)
