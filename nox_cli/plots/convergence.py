"""The convergence of an optimisation: energy, change of energy and gradient norm of each step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted, job_title
from nox_cli.plots.figure import Axis, Figure, Limit, Panel, by_powers_of_ten, conditions, joined
from nox_cli.results.convergence import convergence
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.results.columns import EnergyUnit
    from nox_cli.results.convergence import Convergence
    from nox_cli.results.rows import Row
    from workers.store.base import Store
    from workers.store.values import Point


class Course(NamedTuple):
    """The optimisation of one job, with at least one point."""

    row: Row
    found: Convergence
    unit: EnergyUnit

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, oldest first."""
        return self.found.points

    @property
    def rejected(self) -> int:
        """The number of steps that an ended optimisation took, but its trajectory does not have."""
        taken = None if self.found.is_running else self.row.outcome.convergence.whole("steps")
        return max(0, (taken or 0) - len(self.points))

    @property
    def counted_as(self) -> str:
        """Name what the numbers of the points count: steps, or points without those that were rejected."""
        return "point" if self.rejected else "step"

    @property
    def steps(self) -> tuple[float, ...]:
        """The number of each step."""
        return tuple(float(point.step) for point in self.points)

    @property
    def lowest(self) -> Point:
        """The point of the lowest energy, the newest of equal ones."""
        return min(reversed(self.points), key=lambda point: point.energy_hartree)

    def relative(self) -> tuple[float, ...]:
        """Return the energies above the lowest, in the unit."""
        lowest = self.lowest.energy_hartree
        return tuple(self.unit.of(point.energy_hartree - lowest) for point in self.points)

    def changes(self) -> tuple[float | None, ...]:
        """Return the change of energy (hartree) at each step; the first has none, and none a rejected one: of
        these a running optimisation reports the energy of the step before.
        """
        changes = (two.energy_hartree - one.energy_hartree for one, two in pairwise(self.points))
        return (None, *(change or None if self.found.is_running else change for change in changes))

    def norms(self) -> tuple[float, ...]:
        """Return the gradient norm (hartree/bohr) of each step."""
        return tuple(point.gradient_norm for point in self.points)


def read_course(store: Store, row: Row, unit: EnergyUnit) -> Course:
    """Read the steps of an optimisation that runs or has ended.

    Args:
        store: the store of the job.
        row: the job and its result, if it has one.
        unit: the unit of energies above the lowest.

    Raises:
        NothingMatched: the job is no optimisation, or has no steps.
        ArtifactNotFound, StoreDamaged: its trajectory is out of reach or damaged.
        StoreError: the store cannot be read.
    """
    job, found = row.job, convergence(store, row.job)
    if found.points:
        return Course(row, found, unit)
    if found.energy_change_threshold_hartree is None:
        raise NothingMatched(
            f"job {job.number} is no optimisation: it has no convergence", hint="nox results shows its energy"
        )
    why = f"has left no steps: it is {job.state}" if job.state.is_final else "has no steps yet"
    raise NothingMatched(f"job {job.number} {why}", hint=f"nox explain {job.number}")


def draw(courses: Sequence[Course]) -> Figure:
    """Draw one optimisation in three diagrams, or the gradient norms of several below each other."""
    first = min(course.steps[0] for course in courses)
    last = max(course.steps[-1] for course in courses)
    counted_as = "point" if any(course.rejected for course in courses) else "step"
    x = Axis(counted_as, first, max(last, first + 1.0), is_whole=True)
    if len(courses) > 1:
        panels = tuple(_norms(one, joined(_named(one), _end(one))) for one in courses)
        return Figure("gradient |g| of each step (Eh/bohr)", panels, x=x)
    (course,) = courses
    panels = (_energies(course), _changes(course), _norms(course, "gradient |g| (Eh/bohr)"))
    title = joined(_named(course), *conditions(course.row.record), _end(course))
    return Figure(title, panels, x=x, notes=tuple(_notes(course)))


def _energies(course: Course) -> Panel:
    values = course.relative()
    title = f"energy above the lowest ({course.unit.words})"
    return Panel(title, by_powers_of_ten(course.unit.words, *values), course.steps, values)


def _changes(course: Course) -> Panel:
    limit = course.found.energy_change_threshold_hartree
    values = tuple(abs(change or 0.0) for change in course.changes()[1:])
    y = by_powers_of_ten("Eh", *values, limit or 0.0)
    return Panel("energy change |dE| (Eh)", y, course.steps[1:], values, limit=_limit(limit))


def _norms(course: Course, title: str) -> Panel:
    limit = course.found.gradient_norm_threshold_hartree_per_bohr
    y = by_powers_of_ten("Eh/bohr", *course.norms(), limit or 0.0)
    return Panel(title, y, course.steps, course.norms(), limit=_limit(limit))


def _limit(value: float | None) -> Limit | None:
    return None if value is None else Limit(value, f"below {value:.0e}")


def _named(course: Course) -> str:
    """Name an optimisation and its level: `2 aspirin  opt normal`."""
    job = course.row.job
    return job_title(job) + f"  opt {course.row.record.opt_level or ''}".rstrip()


def _end(course: Course) -> str:
    """Describe how far an optimisation is: `17 steps, converged`."""
    job, converged = course.row.job, course.row.outcome.convergence.flag("converged")
    steps = counted(course.points[-1].step + course.rejected, "step")
    if course.found.is_running or converged is None:
        return f"{steps}, {job.state}"
    return f"{steps}, {'converged' if converged else 'not converged'}"


def _notes(course: Course) -> Iterator[str]:
    """Name the lowest energy, and compare the last step with the thresholds."""
    lowest, change = course.lowest, course.changes()[-1]
    yield f"lowest energy {lowest.energy_hartree:.8f} Eh at {course.counted_as} {lowest.step}"
    reached = {
        "|dE|": (None if change is None else abs(change), course.found.energy_change_threshold_hartree),
        "|g|": (course.norms()[-1], course.found.gradient_norm_threshold_hartree_per_bohr),
    }
    yield f"last step: {', '.join(f'{name} {_verdict(*pair)}' for name, pair in reached.items())}"
    if course.rejected:
        yield f"{counted(course.rejected, 'step')} not drawn: the trajectory has no rejected ones"


def _verdict(value: float | None, limit: float | None) -> str:
    """Compare what a step reached with a threshold."""
    shown = "-" if value is None else f"{value:.1e}"
    if limit is None:
        return shown
    return f"{shown} ok" if value is not None and value < limit else f"{shown} (wanted below {limit:.0e})"
