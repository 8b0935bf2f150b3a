"""Measured durations of short jobs, and the number of them that a slot may hold at once."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from workers.job import MAX_BUNDLED
from workers.names import EngineName

if TYPE_CHECKING:
    from workers.job import Job

# The work that a slot holds at once: the longest time that a job waits behind others of its slot.  While one
# half is computed, the ends of the other are recorded, which takes 10 to 30 ms where engines have all cores.
BUNDLE_S = 0.1
# Jobs of a kind that take longer run alone; so does a larger one that is expected to take twice as long.
_SHORT_S = 0.025
# The number of jobs of a kind that are measured before a slot holds several, and of the newest that count.
_KNOWN, _NEWEST = 4, 32
# With twice the atoms, a calculation takes eight times as long at most.
_POWER = 3
_LEAST_S = 1e-6


class Pace(NamedTuple):
    """The expected duration of the jobs of one engine and kind, and what follows from it."""

    seconds: float  # the median of the newest
    jobs: int  # the number that a slot may hold at once, 1 or more
    atoms: int  # the largest job that counts as short


class Durations:
    """Measures how long jobs take, by engine and kind.  Safe for several threads."""

    def __init__(self, most: int = MAX_BUNDLED) -> None:
        """Begin without a measurement.

        Args:
            most: the most jobs that a slot may hold at once.
        """
        self._most = most
        self._newest: dict[tuple[str, str], deque[tuple[int, float]]] = defaultdict(
            lambda: deque(maxlen=_NEWEST)
        )
        self._paces: dict[tuple[str, str], Pace] = {}

    def note(self, job: Job, seconds: float) -> None:
        """Note how long a job took."""
        self._newest[job.engine, job.kind].append((job.atoms, seconds))
        self._paces.pop((job.engine, job.kind), None)

    def pace(self, job: Job) -> Pace | None:
        """Return what is expected of jobs like this one; None: it runs alone."""
        kind = job.engine, job.kind
        pace = self._paces.get(kind)
        if pace is None and len(newest := tuple(self._newest.get(kind, ()))) >= _KNOWN:
            pace = self._paces[kind] = self._pace(newest)
        is_short = pace is not None and job.atoms <= pace.atoms and pace.seconds <= _SHORT_S
        return pace if is_short and _is_plain(job) else None

    def _pace(self, newest: tuple[tuple[int, float], ...]) -> Pace:
        usual_s = max(median(seconds for _, seconds in newest), _LEAST_S)
        jobs = min(self._most, max(1, int(BUNDLE_S / usual_s)))
        largest = sorted(newest)[len(newest) // 2 :]
        atoms = median(
            size * (2 * _SHORT_S / max(seconds, _LEAST_S)) ** (1 / _POWER) for size, seconds in largest
        )
        return Pace(usual_s, jobs, int(atoms))


def _is_plain(job: Job) -> bool:
    """Whether nothing of a job asks for care: a program, limits, parents, earlier attempts."""
    is_program = job.engine.partition("@")[0] == EngineName.XTB_CLI
    return job.attempt == 1 and job.cores == 1 and not (is_program or job.time_limit_s or job.parents)
