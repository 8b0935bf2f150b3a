"""Plots as text: diagrams of braille or ASCII with their axes, and bars."""

from __future__ import annotations

from itertools import groupby, pairwise
from operator import itemgetter
from re import sub
from textwrap import wrap
from typing import TYPE_CHECKING

from nox_cli.plots.figure import Panel, Style
from nox_cli.render.canvas import Canvas
from nox_cli.render.terminal.columns import Table, cut, pad, width
from nox_cli.render.terminal.out import Painted
from nox_cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.plots.figure import Axis, Bars, Figure
    from nox_cli.plots.query import Number, Plot
    from nox_cli.render.terminal.out import Out

_HEIGHT_IN_PIPES = 24
# Rows of one diagram.
_FEWEST_ROWS, _MOST_ROWS = 3, 24
_FEWEST_COLUMNS = 12
# A bar's name is cut to a third of the line.
_NAME_SHARE = 3
_CURVE, _LIMIT, _FRAME = "cyan", "yellow", "dim"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_PER_TICK_ROWS, _PER_TICK_COLUMNS = 2, 10
_SMALL, _LARGE = 1e-2, 1e5  # beyond these, ticks are powers of ten
_TEXT_COLUMNS = frozenset({"job_id", "name", "formula", "method", "compared_by"})


def text(plot: Plot, out: Out) -> None:
    """Draw a figure as wide and as high as the terminal, or name the file that has it."""
    if plot.written is not None:
        out.line(str(plot.written))
        return
    encoding = (getattr(out.stream, "encoding", None) or "ascii").lower().replace("-", "")
    _Drawing(plot.figure, out, is_ascii=plot.is_ascii or not encoding.startswith("utf")).write()


def table(plot: Plot) -> Table:
    """Return a row for each point, numbers with 10 decimals."""
    numbers = [name for name in plot.columns if name not in _TEXT_COLUMNS]
    return Table(plot.columns, (list(map(_plain, row)) for row in plot.rows), numbers)


def _plain(value: Number) -> str:
    if value is None:
        return ""
    return f"{value:.10f}" if isinstance(value, float) else str(value)


class _Drawing:
    """Lays out one figure."""

    def __init__(self, figure: Figure, out: Out, *, is_ascii: bool) -> None:
        self.figure, self.out, self.is_ascii = figure, out, is_ascii
        self.width = max(out.width, _FEWEST_COLUMNS)
        self.title = self._folded(figure.title)
        self.notes = [line for note in figure.notes for line in self._folded(note)]
        self.diagrams = [panel for panel in figure.panels if isinstance(panel, Panel)]

    def write(self) -> None:
        for number, line in enumerate(self.title):
            self.out.line(Painted(line, "bold") if number == 0 else line)
        if self.figure.x is not None:
            self._write_diagrams(self.figure.x)
        self._write_bars([panel for panel in self.figure.panels if not isinstance(panel, Panel)])
        for note in self.notes:
            self.out.line(Painted(note, "yellow") if note.startswith("!") else note)

    def _folded(self, line: str) -> list[str]:
        """Break a line where the terminal ends."""
        line = safe(line.replace(" · ", ", ") if self.is_ascii else line)
        return [line] if width(line) <= self.width else wrap(line, self.width, subsequent_indent="  ")

    def _write_diagrams(self, x: Axis) -> None:
        """Draw diagrams of equal height, with one x axis below them."""
        titles = [self._titled(panel) for panel in self.diagrams]
        rows = self._rows(sum(map(len, titles)))
        ticks = [_labels(panel.y, rows // _PER_TICK_ROWS) for panel in self.diagrams]
        gutter = max(len(label) for labels in ticks for label in labels.values())
        columns = max(_FEWEST_COLUMNS, self.width - gutter - 2)
        for panel, title, labels in zip(self.diagrams, titles, ticks, strict=True):
            for pieces in title:
                self.out.line(*pieces)
            self._write_diagram(panel, x, labels, gutter, Canvas(columns, rows, is_ascii=self.is_ascii))
        self._write_x_axis(x, gutter, columns)

    def _rows(self, title_lines: int) -> int:
        """Return how many rows each diagram gets."""
        height = self.out.height or _HEIGHT_IN_PIPES
        around = len(self.title) + title_lines + len(self.notes) + 3  # the axis, and the prompt after it
        rows = (height - around) // len(self.diagrams)
        return min(max(rows, _FEWEST_ROWS), _MOST_ROWS)

    def _titled(self, panel: Panel) -> list[list[str | Painted]]:
        """Write what a diagram shows, and at the right, or below, what its line means."""
        lines: list[list[str | Painted]] = [[line] for line in self._folded(panel.title)]
        if panel.limit is None:
            return lines
        legend = Painted(f"{self._dots} {panel.limit.text}", _LIMIT)
        room = self.width - len(legend.text) - sum(width(str(piece)) for piece in lines[-1])
        if room > 0:
            lines[-1] += [" " * room, legend]
        else:
            lines.append([legend])
        return lines

    def _write_diagram(
        self, panel: Panel, x: Axis, labels: dict[float, str], gutter: int, canvas: Canvas
    ) -> None:
        _draw(panel, x, canvas)
        named = {_row(panel.y, value, canvas.rows): label for value, label in labels.items()}
        behind = self._limit(panel, canvas)
        edge, mark = ("|", "+") if self.is_ascii else ("│", "┤")
        for row in range(canvas.rows):
            label = pad(named.get(row, ""), gutter, right=True)
            left = Painted(f"{label} {mark if row in named else edge}", _FRAME)
            self.out.line(left, *_merged(canvas.row(row), behind[row]))

    def _limit(self, panel: Panel, canvas: Canvas) -> list[str]:
        """Draw the line of a limit as rows of characters: a dot in each, or a dash in ASCII."""
        behind = Canvas(canvas.columns, canvas.rows)
        place = None if panel.limit is None else panel.y.place(panel.limit.value)
        if place is not None:
            for across in range(0, behind.width, 2):
                behind.dot(across, _dot(place, behind.height))
        rows = [behind.row(row) for row in range(behind.rows)]
        return [sub(r"\S", "-", row) for row in rows] if self.is_ascii else rows

    @property
    def _dots(self) -> str:
        return "---" if self.is_ascii else "⠂⠂⠂"

    def _write_x_axis(self, x: Axis, gutter: int, columns: int) -> None:
        """Write the axis, and its ticks with the title behind them."""
        corner, dash, mark = ("+", "-", "+") if self.is_ascii else ("└", "─", "┬")
        line, below = [dash] * columns, [" "] * (gutter + 2 + columns)
        room = len(below) - len(x.title) - 1
        end = 0
        ticks = x.ticks(columns // _PER_TICK_COLUMNS)
        for tick, label in sorted(_texts(x, ticks).items(), reverse=x.descends):
            at = _at(x, tick, columns)
            start = max(0, min(gutter + 2 + at - len(label) // 2, len(below) - len(label)))
            line[at] = mark
            if end <= start and start + len(label) <= room:
                below[start : start + len(label)] = label
                end = start + len(label) + 1
        below[room + 1 :] = x.title
        self.out.line(Painted(f"{' ' * (gutter + 1)}{corner}{''.join(line)}", _FRAME))
        self.out.line(Painted("".join(below), _FRAME))

    def _write_bars(self, groups: list[Bars]) -> None:
        """Write a line for each bar: its name, the bar, its value; bars of all groups have one scale."""
        cells = [
            [(cut(safe(name), max(8, self.width // _NAME_SHARE)), f"{value:.{bars.decimals}f}", value)
             for name, value in zip(bars.names, bars.values, strict=True)]
            for bars in groups
        ]  # fmt: skip
        rows = [row for group in cells for row in group]
        across, most, largest = (
            max((width(name) for name, _, _ in rows), default=0),
            max((len(shown) for _, shown, _ in rows), default=0),
            max((value for _, _, value in rows), default=0.0),
        )
        room = max(1, self.width - across - most - 5)
        for bars, group in zip(groups, cells, strict=True):
            for line in self._folded(bars.title):
                self.out.line(line)
            for name, shown, value in group:
                bar = self._bar(value / largest if largest > 0.0 else 0.0, room)
                named = f"  {pad(name, across)}  {pad(shown, most, right=True)}"
                self.out.line(named, Painted(f" {bar}".rstrip(), _CURVE))

    def _bar(self, share: float, room: int) -> str:
        share = max(share, 0.0)
        if self.is_ascii:
            return "#" * round(share * room)
        eighths = round(share * room * 8)
        return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def _merged(curve: str, behind: str) -> Iterator[Painted]:
    """Paint a row of a curve, and the line behind it where the curve leaves room."""
    shown = max(len(curve.rstrip()), len(behind.rstrip()))
    pairs = (
        (_LIMIT, back) if front == " " else (_CURVE, front)
        for front, back in zip(curve[:shown], behind[:shown], strict=True)
    )
    for style, run in groupby(pairs, key=itemgetter(0)):
        yield Painted("".join(character for _, character in run), style)


def _draw(panel: Panel, x: Axis, canvas: Canvas) -> None:
    """Draw the points of a diagram; one that is beyond its axes interrupts a line."""
    places = [
        None if across is None or up is None else (_dot(across, canvas.width), _dot(up, canvas.height))
        for across, up in ((x.place(a), panel.y.place(b)) for a, b in zip(panel.xs, panel.ys, strict=True))
    ]
    if panel.style is Style.STICKS:
        for place in filter(None, places):
            canvas.line((place[0], 0), place)
        return
    for place in filter(None, places):
        canvas.dot(*place)
    for one, two in pairwise(places):
        if one is not None and two is not None:
            canvas.line(one, two)
            if panel.style is Style.FILLED and one[1] == two[1] > 0:
                for across in range(one[0], two[0] + 1):
                    canvas.line((across, 0), (across, one[1]))


def _dot(place: float, dots: int) -> int:
    return round(place * (dots - 1))


def _row(axis: Axis, value: float, rows: int) -> int | None:
    """Return the row of a value, counted from the top."""
    place = axis.place(value)
    return None if place is None else rows - 1 - _dot(place, rows * 4) // 4


def _at(axis: Axis, value: float, columns: int) -> int:
    return _dot(axis.place(value) or 0.0, columns * 2) // 2


def _labels(axis: Axis, most: int) -> dict[float, str]:
    return _texts(axis, axis.ticks(max(2, most)))


def _texts(axis: Axis, ticks: list[float]) -> dict[float, str]:
    """Write the values of ticks, all with the decimals that the smallest step needs."""
    if axis.is_log:
        is_plain = all(_SMALL <= tick < _LARGE for tick in ticks)
        return {tick: f"{tick:g}" if is_plain else f"{tick:.0e}" for tick in ticks}
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    decimals = next((count for count in range(9) if round(step, count) >= step * 0.999), 9)
    return {tick: f"{tick:.{decimals}f}" for tick in ticks}
