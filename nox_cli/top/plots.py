"""Plots of the gradient norm and the energy of an optimisation over its steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual_plot import HiResMode, PlotWidget
from textual_plot.axis_formatter import NumericAxisFormatter

from nox_cli.plots.figure import Axis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from workers.store.values import Point

# Fewer lines than this hold one plot only.
_BOTH = 13
_LEFT = 8
# The columns between two ticks of the steps, at least.
_TICK = 6


class _Powers(NumericAxisFormatter):
    """Ticks of a logarithmic axis: whole powers of ten or, over less than one, the ends."""

    def __init__(self, most: int) -> None:
        self._most = most

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:  # noqa: ARG002
        """Return powers of ten, at most as many as there is room for."""
        axis = Axis("", 10.0**min_, 10.0**max_, is_log=True)
        return [math.log10(tick) for tick in axis.ticks(self._most)] or [min_, max_]

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        """Write powers as numbers."""
        return [f"{10**tick:.0e}" for tick in ticks]


class _Round(NumericAxisFormatter):
    """Ticks at round numbers, at most as many as there is room for."""

    def __init__(self, most: int, *, is_whole: bool = False) -> None:
        self._most = most
        self._is_whole = is_whole

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:  # noqa: ARG002
        """Return multiples of the smallest round step of which there are few enough."""
        return Axis("", min_, max_, is_whole=self._is_whole).ticks(self._most)

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        """Write numbers as short as they are exact."""
        return [f"{tick:.4g}" for tick in ticks]


class _Plot(PlotWidget, can_focus=False):
    """A plot that takes no keys."""

    margin_top = 0
    margin_bottom = 1
    margin_left = _LEFT


class ConvergencePlots(Vertical):
    """The gradient norm, logarithmic with its threshold, above the energy."""

    DEFAULT_CSS = """
    ConvergencePlots { height: 1fr; }
    ConvergencePlots Static { height: 1; color: $text-muted; }
    ConvergencePlots _Plot { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Make the plots."""
        yield Static(id="norm-title")
        yield _Plot(id="norm", allow_pan_and_zoom=False)
        yield Static(id="energy-title")
        yield _Plot(id="energy", allow_pan_and_zoom=False)

    def show(self, points: Sequence[Point], threshold: float | None) -> None:
        """Draw points, oldest first.

        Args:
            points: the steps of the optimisation; the norms may be missing, as NaN.
            threshold: the gradient norm that ends it, in hartree/bohr; None: not known.
        """
        if not self.is_attached:  # the program ends
            return
        steps = [point.step for point in points]
        norms = [(one.step, math.log10(one.gradient_norm)) for one in points if one.gradient_norm > 0]
        has_both = self.size.height >= _BOTH or not norms
        for name, is_shown in (("norm", bool(norms)), ("energy", has_both)):
            self.query_one(f"#{name}").display = is_shown
            self.query_one(f"#{name}-title").display = is_shown
        if norms:
            wanted = "" if threshold is None else f" (<{threshold:.0e})"
            title = f"|g| {points[-1].gradient_norm:.1e}{wanted} Eh/bohr"
            self.query_one("#norm-title", Static).update(Content(title))
            plot = self._cleared("norm", _Powers)
            shown, powers = zip(*norms, strict=True)
            plot.plot(shown, powers, line_style="cyan", hires_mode=HiResMode.BRAILLE)
            if threshold is not None:
                ends, level = [steps[0], steps[-1]], math.log10(threshold)
                plot.plot(ends, [level, level], line_style="green", hires_mode=HiResMode.BRAILLE)
        if has_both:
            lowest = min(point.energy_hartree for point in points)
            self.query_one("#energy-title", Static).update(Content(f"E - ({lowest:.8f}) Eh"))
            plot = self._cleared("energy", _Round)
            values = [point.energy_hartree - lowest for point in points]
            plot.plot(steps, values, line_style="cyan", hires_mode=HiResMode.BRAILLE)

    def _cleared(self, name: str, formatter: Callable[[int], NumericAxisFormatter]) -> PlotWidget:
        """Remove the lines of a plot, and give it as many ticks as it has room for."""
        plot = self.query_one(f"#{name}", PlotWidget)
        plot.clear()
        rows = self.size.height // 2 if self.size.height >= _BOTH else self.size.height
        plot.set_x_formatter(_Round(max(1, (self.size.width - _LEFT) // _TICK), is_whole=True))
        plot.set_y_formatter(formatter(max(1, rows // 2)))
        return plot
