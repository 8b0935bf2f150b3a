"""The expected run times of jobs, learnt from those that are done."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from workers.pools.report import Basis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.job import Job

# The number of the newest done jobs that are read, and those of one kind and size that count.
READ, _NEWEST = 1_000, 100
# The expected time of a job of which nothing is known.
ASSUMED_S = 60.0
# The time of a calculation grows with this power of its number of atoms, if only other sizes are known.
_POWER = 1.5
_DIGITS = 2


class RunTime(NamedTuple):
    """The expected run time of a job, in seconds, and where it comes from."""

    seconds: float
    basis: Basis


_ASSUMED = RunTime(ASSUMED_S, Basis.ASSUMED)


class RunTimes:
    """Expects of a job what the newest done ones of its kind, engine and size took: their median.

    Sizes are numbers of atoms, rounded to two digits.  If none of its size is known, that of the nearest size
    is scaled; if none of its kind is, half of its time limit or a minute is assumed.
    """

    def __init__(self, done: Iterable[Job]) -> None:
        """Learn from jobs that are done, the newest first."""
        times: defaultdict[tuple[str, str], defaultdict[int, list[float]]]
        times = defaultdict(lambda: defaultdict(list))
        for job in done:
            if job.started_ms is None or job.ended_ms is None:
                continue
            newest = times[job.kind, job.engine][_rounded(job.atoms)]
            if len(newest) < _NEWEST:
                newest.append(max(1, job.ended_ms - job.started_ms) / 1_000)
        self._medians = {
            work: {size: median(newest) for size, newest in sizes.items()} for work, sizes in times.items()
        }
        self._found: dict[tuple[str, str, int], RunTime | None] = {}

    def expect(self, kind: str, engine: str, atoms: int, time_limit_s: int = 0) -> RunTime:
        """Return the expected run time of a job; `time_limit_s`: its own, which it cannot exceed; 0: none."""
        work = kind, engine, _rounded(atoms)
        if work not in self._found:
            self._found[work] = self._known(*work)
        known = self._found[work]
        if known is None:
            return (
                RunTime(time_limit_s / 2, Basis.LIMIT) if time_limit_s else RunTime(ASSUMED_S, Basis.ASSUMED)
            )
        return known._replace(seconds=min(known.seconds, time_limit_s)) if time_limit_s else known

    def _known(self, kind: str, engine: str, size: int) -> RunTime | None:
        sizes = self._medians.get((kind, engine))
        if not sizes:
            return None
        if size in sizes:
            return RunTime(sizes[size], Basis.MEASURED)
        atoms = max(1, size)
        nearest = min(sizes, key=lambda one: abs(math.log(max(1, one) / atoms)))
        return RunTime(sizes[nearest] * (atoms / max(1, nearest)) ** _POWER, Basis.SCALED)


def _rounded(atoms: int) -> int:
    return round(atoms, min(0, _DIGITS - len(str(atoms))))
