"""Figures as files: SVG, PDF and PNG, drawn by matplotlib."""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Any

from nox_cli.plots.figure import Bars, Style
from nox_cli.results.files import write_whole
from nox_cli.text import safe
from workers.errors import FileInTheWay, PackageMissing, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.plots.figure import Axis, Figure, Panel

ENDINGS = (".svg", ".pdf", ".png")
# Inches.
_WIDTH, _PANEL, _BAR, _AROUND = 7.0, 2.0, 0.22, 0.9
_DOTS_PER_INCH = 200
_MOST_CHARACTERS = 90  # of a line
# Texts stay texts, so that they can be edited.
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "nox", "pdf.fonttype": 42}
# No text of a job is read as mathematics.
_PLAIN = {"parse_math": False}
_UNWRITTEN = "nothing was written"


def check_target(path: Path, *, force: bool) -> None:
    """Check before any work that a picture can become this file.

    Raises:
        UsageError: its ending is unknown.
        PackageMissing: matplotlib is not installed.
        FileInTheWay: it is there, and `force` does not allow to overwrite it.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{path} has no ending of a picture",
            did=_UNWRITTEN,
            hint=f"one of {' '.join(ENDINGS)}; the numbers: nox plot SEL --data > FILE.csv",
        )
    if find_spec("matplotlib") is None:
        raise PackageMissing("pictures need matplotlib", hint="pip install 'nox-jobs[plot]'")
    if not force and os.path.lexists(path):
        raise _in_the_way(path)


def write(figure: Figure, path: Path, *, force: bool) -> None:
    """Draw a figure into a file, whose ending is its format.

    Raises:
        FileInTheWay: it is there, and `force` does not allow to overwrite it.
        OutputLost: it cannot be written.
    """
    content = _drawn(figure, path.suffix.lower().removeprefix("."))
    part = path.with_name(f".plot.{os.getpid()}.part")
    try:
        write_whole(path, [content], part, force=force, did=_UNWRITTEN)
    except FileInTheWay:
        raise _in_the_way(path) from None


def _in_the_way(path: Path) -> FileInTheWay:
    return FileInTheWay(
        f"{path} is there already", did=_UNWRITTEN, hint="another name; or write over it: --force"
    )


def _drawn(figure: Figure, ending: str) -> bytes:
    """Draw a figure, and return the content of its file."""
    from matplotlib import rc_context, rcParamsDefault
    from matplotlib.figure import Figure as Sheet

    content = BytesIO()
    # A matplotlibrc in the working directory could have LaTeX read files, and start it.
    with rc_context({**rcParamsDefault, **_STYLE}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font lacks
        heights = [_height(panel) for panel in figure.panels]
        sheet = Sheet(figsize=(_WIDTH, sum(heights) + _AROUND), layout="constrained")
        sheet.suptitle(fill(safe(figure.title), _MOST_CHARACTERS), fontsize="medium", **_PLAIN)
        all_axes = sheet.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0]
        for panel, axes in zip(figure.panels, all_axes, strict=True):
            axes.set_title(fill(safe(panel.title), _MOST_CHARACTERS), fontsize="small", loc="left", **_PLAIN)
            if isinstance(panel, Bars):
                _draw_bars(panel, axes)
            elif figure.x is not None:
                _draw_panel(panel, axes, figure.x)
        if figure.x is not None:
            all_axes[-1].set_xlabel(figure.x.title)
        notes = "\n".join(map(safe, figure.notes))
        sheet.supxlabel(notes, fontsize="x-small", x=0.01, ha="left", **_PLAIN)
        undated = {"CreationDate": None} if ending == "pdf" else {"Date": None} if ending == "svg" else {}
        sheet.savefig(content, format=ending, dpi=_DOTS_PER_INCH, metadata=undated)
    return content.getvalue()


def _height(panel: Panel | Bars) -> float:
    return max(1.0, _BAR * len(panel.names) + 0.5) if isinstance(panel, Bars) else _PANEL


def _draw_bars(bars: Bars, axes: Any) -> None:
    places = range(len(bars.names))
    axes.barh(places, bars.values)
    axes.set_yticks(places, [safe(name) for name in bars.names], fontsize="x-small", **_PLAIN)
    axes.invert_yaxis()
    axes.set_xlabel(bars.unit)


def _draw_panel(panel: Panel, axes: Any, x: Axis) -> None:
    if panel.style is Style.STICKS:
        axes.vlines(panel.xs, 0.0, panel.ys, linewidth=1.0)
    elif panel.style is Style.FILLED:
        axes.fill_between(panel.xs, panel.ys)
    elif panel.y.is_log:
        shown = [(a, b) for a, b in zip(panel.xs, panel.ys, strict=True) if b > 0.0]
        axes.plot([a for a, _ in shown], [b for _, b in shown], marker=".", linewidth=1.0)
    else:
        axes.plot(panel.xs, panel.ys, linewidth=1.0)
    if panel.limit is not None:
        axes.axhline(panel.limit.value, linestyle="--", linewidth=0.8, color="tab:orange")
        axes.annotate(
            panel.limit.text, (0.01, panel.limit.value), xycoords=("axes fraction", "data"),
            va="bottom", fontsize="x-small",
        )  # fmt: skip
    if panel.y.is_log:
        axes.set_yscale("log")
    axes.set_ylim(panel.y.low, panel.y.high)
    axes.set_xlim((x.high, x.low) if x.descends else (x.low, x.high))
    axes.set_ylabel(panel.y.title)
