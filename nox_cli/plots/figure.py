"""Figures: axes with units, curves, limits and bars, as a terminal and matplotlib draw them."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from workers.names import METHOD_TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.results.record import ResultRecord

# Space above the largest value of a linear axis, as a share of it.
_ROOM = 0.05


class Axis(NamedTuple):
    """An axis: its title with the unit, and the range it shows."""

    title: str
    low: float
    high: float
    is_log: bool = False
    descends: bool = False  # the largest value is on the left, as spectra have it
    is_whole: bool = False  # its values are counts

    def place(self, value: float) -> float | None:
        """Return the place of a value between 0 (left, bottom) and 1; None: it cannot be shown."""
        low, high = self.low, self.high
        if self.is_log:
            if value <= 0.0:
                return None
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        place = (value - low) / (high - low)
        place = 1.0 - place if self.descends else place
        return place if 0.0 <= place <= 1.0 else None

    def ticks(self, most: int) -> list[float]:
        """Return round values of the axis, rising, about `most` of them at most."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            stride = max(1, math.ceil((last - first + 1) / most))
            return [10.0**power for power in range(first, last + 1) if power % stride == 0]
        step = round_step((self.high - self.low) / most)
        step = max(1.0, step) if self.is_whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))


def from_zero(title: str, largest: float, *, is_whole: bool = False) -> Axis:
    """Make a linear axis that begins at 0."""
    high = (1.0 + _ROOM) * largest if largest > 0.0 else 1.0
    return Axis(title, 0.0, high, is_whole=is_whole)


def by_powers_of_ten(title: str, *values: float) -> Axis:
    """Make a logarithmic axis that shows all positive values, over whole decades."""
    shown = [value for value in values if value > 0.0] or [1.0]
    low, high = math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown)))
    return Axis(title, 10.0**low, 10.0 ** max(high, low + 1), is_log=True)


class Style(StrEnum):
    """The way in which the points of a curve are drawn."""

    LINE = "line"  # joined
    STICKS = "sticks"  # each with a line down to the axis
    FILLED = "filled"  # joined, and the area below filled


class Limit(NamedTuple):
    """A horizontal line that a curve must fall below."""

    value: float
    text: str


class Panel(NamedTuple):
    """One diagram of a figure; all panels of a figure share the x axis."""

    title: str
    y: Axis
    xs: tuple[float, ...]
    ys: tuple[float, ...]  # shape as `xs`
    style: Style = Style.LINE
    limit: Limit | None = None


class Bars(NamedTuple):
    """Named values from 0, each with a bar."""

    title: str
    unit: str
    names: tuple[str, ...]
    values: tuple[float, ...]  # shape as `names`, 0 or more
    decimals: int = 2  # of the values


class Figure(NamedTuple):
    """A title, diagrams below each other, and notes."""

    title: str
    panels: tuple[Panel | Bars, ...]
    x: Axis | None = None  # None: all panels are bars
    notes: tuple[str, ...] = ()


def joined(*words: str | None) -> str:
    """Join words that describe a calculation."""
    return " · ".join(filter(None, words))


def conditions(record: ResultRecord) -> Iterator[str]:
    """Name the method and the surroundings of a result: `GFN2-xTB`, `ALPB(thf)`."""
    if record.method:
        yield METHOD_TITLES.get(record.method, record.method)
    if record.solvation:
        yield f"{record.solvation.upper()}({record.solvent})"
    else:
        yield "crystal" if record.is_crystal else "gas phase"
