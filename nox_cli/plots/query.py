"""The plot of jobs: its kind, its figure, and the numbers in it."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.plots.spectrum import MAX_WIDTH_CM1, MIN_WIDTH_CM1, WIDTH_CM1
from nox_cli.results.columns import EnergyUnit
from nox_cli.results.rows import rows_of
from workers.errors import NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from nox_cli.plots.figure import Figure
    from nox_cli.plots.json_objects import PlotRecord
    from nox_cli.results.rows import Row
    from workers.store.base import Store
    from workers.store.values import Outline

# Spectra or optimisations below each other.
MOST_PANELS = 6
Number = str | int | float | None
_FIRST = ("number", "job_id", "name")


class PlotKind(StrEnum):
    """The kind of a plot."""

    CONVERGENCE = "convergence"
    IR = "ir"
    ENERGIES = "energies"


# The kind of a plot of one job, by the kind of its calculation.
_NATURAL = {
    "opt": PlotKind.CONVERGENCE,
    "hess": PlotKind.IR,
    "ohess": PlotKind.IR,
    "bhess": PlotKind.IR,
}


class PlotOptions(NamedTuple):
    """The kind of a plot, and its units."""

    kind: PlotKind | None = None  # None: what the jobs have
    unit: EnergyUnit | None = None  # of relative energies; None: kcal/mol
    width: float = WIDTH_CM1  # of a line of a spectrum, at half its height (cm-1); 0: sticks

    def check(self) -> None:
        """Check the width; this needs no store.

        Raises:
            UsageError: it is out of range.
        """
        if self.width and not MIN_WIDTH_CM1 <= self.width <= MAX_WIDTH_CM1:
            raise UsageError(
                f"--width is {MIN_WIDTH_CM1:g} to {MAX_WIDTH_CM1:g} cm-1, or 0 for sticks, not {self.width:g}"
            )


class Plot(NamedTuple):
    """A plot: a figure for people, rows for programs."""

    kind: PlotKind
    figure: Figure
    columns: tuple[str, ...]
    rows: tuple[tuple[Number, ...], ...]  # each as long as `columns`
    written: Path | None = None  # the file that has it; None: it is for the terminal
    is_ascii: bool = False

    def document(self) -> PlotRecord:
        """Return the kind, the title and the rows, a point each."""
        items = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"kind": self.kind.value, "title": self.figure.title, "items": items}


def plot(store: Store, jobs: Iterable[Outline], options: PlotOptions | None = None) -> Plot:
    """Draw what jobs have: an optimisation or a spectrum of one, energies of several, or what `kind` names.

    Args:
        store: the store of the jobs.
        jobs: outlines; an iterator is read only as far as needed.
        options: what is drawn.

    Raises:
        UsageError: there are too many jobs for this kind, or the width is out of range.
        NothingMatched: the jobs have nothing of this kind.
        StoreError: the store cannot be read.
    """
    options = options or PlotOptions()
    options.check()
    rest = iter(jobs)
    first = list(islice(rest, MOST_PANELS + 1))
    kind = options.kind
    if kind is None and len(first) > 1:
        kind = PlotKind.ENERGIES
    if kind is PlotKind.ENERGIES:
        return _energies(store, [*first, *rest], options.unit)
    if len(first) > MOST_PANELS:
        raise UsageError(
            f"a plot has room for {MOST_PANELS} jobs, and more are named",
            hint="name fewer, or --kind energies for all of them",
        )
    rows = list(rows_of(store, (job.id for job in first)))
    if (kind or _natural(rows[0])) is PlotKind.IR:
        return _spectra(rows, options.width)
    return _courses(store, rows, options.unit or EnergyUnit.KCAL)


def _natural(row: Row) -> PlotKind:
    """Choose what one job is known for; frequencies that are not there yet leave the optimisation.

    Raises:
        NothingMatched: it has one energy at most.
    """
    job = row.job
    kind = _NATURAL.get(job.kind)
    if kind is None:
        raise NothingMatched(
            f"job {job.number} has nothing to plot: it has neither steps nor frequencies",
            hint="nox plot of several jobs compares their energies",
        )
    has_spectrum = bool(row.outcome.result.part("vibrations"))
    return PlotKind.CONVERGENCE if kind is PlotKind.IR and job.kind != "hess" and not has_spectrum else kind


def _energies(store: Store, jobs: Sequence[Outline], unit: EnergyUnit | None) -> Plot:
    from nox_cli.plots.energies import draw, field, read_energies

    found = read_energies(store, jobs, unit)
    columns = (
        *_FIRST, "formula", "charge", "method", "energy_hartree", "gibbs_hartree", "compared_by",
        found.unit.named("relative"),
    )  # fmt: skip
    rows = [
        (
            *_identity(row),
            row.record.formula,
            row.record.charge,
            row.record.method,
            row.record.energy_hartree,
            row.record.gibbs_hartree,
            field(group.quantity),
            relative,
        )
        for group in found.groups
        for row, relative in zip(group.rows, group.relative, strict=True)
    ]
    return Plot(PlotKind.ENERGIES, draw(found), columns, tuple(rows))


def _spectra(rows: Iterable[Row], width_cm1: float) -> Plot:
    from nox_cli.plots.spectrum import draw, end_of, points, read_spectrum

    spectra = [read_spectrum(row) for row in rows]
    end = end_of(spectra, width_cm1)
    found = ((*_identity(one.row), *point) for one in spectra for point in points(one, width_cm1, end))
    columns = (*_FIRST, "wavenumber_cm1", "ir_intensity_km_per_mol")
    return Plot(PlotKind.IR, draw(spectra, width_cm1), columns, tuple(found))


def _courses(store: Store, rows: Iterable[Row], unit: EnergyUnit) -> Plot:
    from nox_cli.plots.convergence import draw, read_course

    courses = [read_course(store, row, unit) for row in rows]
    found: Iterator[tuple[Number, ...]] = (
        (*_identity(one.row), point.step, point.energy_hartree, relative, change, point.gradient_norm)
        for one in courses
        for point, relative, change in zip(one.points, one.relative(), one.changes(), strict=True)
    )
    columns = (
        *_FIRST, "step", "energy_hartree", unit.named("relative"), "energy_change_hartree",
        "gradient_norm_hartree_per_bohr",
    )  # fmt: skip
    return Plot(PlotKind.CONVERGENCE, draw(courses), columns, tuple(found))


def _identity(row: Row) -> tuple[int, str, str | None]:
    return row.job.number, row.job.id, row.job.name or None
