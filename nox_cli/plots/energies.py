"""Relative energies of jobs that may be compared, as named bars or as a histogram."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted, job_title
from nox_cli.plots.figure import Axis, Bars, Figure, Panel, Style, conditions, from_zero, joined, round_step
from nox_cli.results.columns import HARTREE_SUFFIX
from nox_cli.results.comparison import SYMBOLS, ComparisonOptions
from nox_cli.results.query import ResultsOptions, read_results
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nox_cli.results.columns import EnergyUnit
    from nox_cli.results.comparison import Quantity
    from nox_cli.results.query import Results
    from nox_cli.results.rows import Row
    from workers.job import JobState
    from workers.store.base import Store
    from workers.store.values import Outline

# More jobs than this become a histogram.
MOST_BARS = 40
# Groups of jobs that are drawn, the largest first.
MOST_GROUPS = 6
_MOST_COLUMNS = 40


class Group(NamedTuple):
    """Jobs that are compared with each other, by rising energy."""

    rows: tuple[Row, ...]
    quantity: Quantity
    relative: tuple[float, ...]  # to the lowest that is no saddle point, in the unit; shape as `rows`

    @property
    def title(self) -> str:
        """The formula, the method, and the lowest energy."""
        first = self.rows[0]
        lowest = min(zip(map(abs, self.relative), self.rows, strict=True), key=lambda pair: pair[0])[1]
        energy = getattr(lowest.record, self.quantity)
        charge = f"charge {first.record.charge:+d}" if first.record.charge else None
        count = counted(len(self.rows), "job")
        named = f"0 is {job_title(lowest.job)}, {SYMBOLS[self.quantity]} {energy:.8f} Eh"
        return joined(first.record.formula, charge, *conditions(first.record), count, named)


class Energies(NamedTuple):
    """All groups, the largest first, and the jobs that are in none."""

    groups: tuple[Group, ...]
    unit: EnergyUnit
    left_out: tuple[str, ...]  # a line each


def read_energies(store: Store, jobs: Iterable[str | Outline], unit: EnergyUnit | None) -> Energies:
    """Read and compare the energies of jobs, as `nox results --relative` does.

    Args:
        store: the store of the jobs.
        jobs: ids or outlines.
        unit: the unit of relative energies; None: kcal/mol.

    Raises:
        NothingMatched: no two of the jobs may be compared.
        StoreError: the store cannot be read.
    """
    options = ComparisonOptions(unit, relative=True)
    results = read_results(store, jobs, ResultsOptions(), options)
    rows = list(results.rows())
    groups = []
    for part in results.comparison.groups:
        standings = [results.comparison.of(row) for row in part]
        relative = [options.relative_energy(standing) for standing in standings]
        shown = tuple(value for value in relative if value is not None)
        if len(shown) == len(part):
            groups.append(Group(tuple(part), standings[0].quantity, shown))
    left_out = tuple(_left_out(results, len(rows) - sum(len(group.rows) for group in groups)))
    if not groups:
        raise NothingMatched(
            "; ".join(("no two of these jobs may be compared", *left_out)),
            hint="energies are compared within one formula, charge, method and engine",
        )
    return Energies(
        tuple(sorted(groups, key=lambda group: -len(group.rows))), options.difference_unit, left_out
    )


def draw(energies: Energies) -> Figure:
    """Draw a bar for each job, or a histogram of many."""
    groups, unit = energies.groups[:MOST_GROUPS], energies.unit.words
    symbols = "/".join(dict.fromkeys(f"d{SYMBOLS[group.quantity]}" for group in groups))
    title = f"{symbols} ({unit}) within one formula, charge, method and engine"
    notes = energies.left_out
    if more := sum(len(group.rows) for group in energies.groups[MOST_GROUPS:]):
        notes = (*notes, f"{counted(more, 'job')} of smaller groups not shown")
    if sum(len(group.rows) for group in groups) <= MOST_BARS:
        decimals = energies.unit.difference_decimals
        bars = tuple(
            Bars(one.title, unit, tuple(job_title(row.job) for row in one.rows), one.relative, decimals)
            for one in groups
        )
        return Figure(title, bars, notes=notes)
    return _histogram(title, groups, unit, notes)


def _histogram(title: str, groups: Iterable[Group], unit: str, notes: tuple[str, ...]) -> Figure:
    """Count jobs by relative energy."""
    groups = tuple(groups)
    low = min(0.0, *(min(group.relative) for group in groups))
    high = max(chain.from_iterable(group.relative for group in groups))
    step = round_step(max(high - low, 1e-6) / _MOST_COLUMNS)
    first, last = int(low // step), int(high // step)
    x = Axis(f"d{SYMBOLS[groups[0].quantity]} ({unit})", first * step, (last + 1) * step)
    panels = []
    for group in groups:
        counts = Counter(int(value // step) for value in group.relative)
        shown = [(index, counts[index]) for index in range(first, last + 1)]
        xs = tuple(edge * step for index, _ in shown for edge in (index, index + 1))
        ys = tuple(float(count) for _, count in shown for _ in range(2))
        y = from_zero("jobs", max(ys), is_whole=True)
        panels.append(Panel(f"jobs for each {step:g} {unit}: {group.title}", y, xs, ys, Style.FILLED))
    return Figure(title, tuple(panels), x=x, notes=notes)


def _left_out(results: Results, not_compared: int) -> Iterator[str]:
    """Name the jobs that are in no group, a line for each reason."""
    pending = 0
    state: JobState
    for state, count in results.left_out.items():
        if state.is_final:
            yield f"{counted(count, 'job')} {state}, not shown"
        else:
            pending += count
    if pending:
        yield f"{counted(pending, 'job')} not ended yet"
    if not_compared:
        yield f"{counted(not_compared, 'job')} not compared with others, not shown"
    yield from results.comparison.remarks


def field(quantity: Quantity) -> str:
    """Name what is compared: `energy` or `gibbs`."""
    return quantity.removesuffix(HARTREE_SUFFIX)
