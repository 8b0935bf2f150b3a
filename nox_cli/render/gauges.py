"""Parts of drawings: bars, sparklines, and lines that continue where a terminal is narrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nox_cli.render.terminal.columns import cut, width
from nox_cli.render.terminal.out import Painted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.render.terminal.columns import Cell

Line = list["Cell"]
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_SHORTEST_TITLE = 8
# Between counts and other words of one line; columns have blanks between them.
DOT = " · "


def bar(done: float, running: float, room: int) -> Line:
    """Draw a bar.

    Args:
        done: the share that is done, 0 to 1.
        running: the share that runs now.
        room: the columns it fills.
    """
    eighths = int(8 * room * min(1.0, max(0.0, done)))
    filled = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    begun = min(room - len(filled), math.ceil(room * running) if running else 0)
    pieces = (filled, "green"), ("▒" * begun, "cyan"), ("·" * (room - len(filled) - begun), "dim")
    return [Painted(text, style) for text, style in pieces if text]


def sparkline(values: Sequence[float], room: int, *, base: float | None = None) -> str:
    """Draw values as columns of eight heights; of too many values, the mean of some is one column.

    Args:
        values: the values, from left to right.
        room: the largest number of columns.
        base: the value of the lowest column; None: the least of the values.
    """
    count = min(max(0, room), len(values))
    edges = [index * len(values) // count for index in range(count)] + [len(values)]
    parts = [values[edges[index] : edges[index + 1]] for index in range(count)]
    means = [sum(part) / len(part) for part in parts]
    least = min(means, default=0.0) if base is None else base
    span = max(means, default=least) - least
    top = len(_LEVELS) - 1
    return "".join(_LEVELS[round(top * (mean - least) / span) if span else 0] for mean in means)


def size(line: Iterable[Cell]) -> int:
    """Count the columns of a line."""
    return sum(width(cell.text if isinstance(cell, Painted) else cell) for cell in line)


def flow(parts: Iterable[Line], room: int, gap: str = "  ") -> list[Line]:
    """Put parts next to each other, and begin a new line where the next does not fit.

    Args:
        parts: empty ones are left out; one of a single text is divided at blanks if it is too long.
        room: the columns of a line.
        gap: between two parts.
    """
    lines: list[Line] = []
    for part in parts:
        if not size(part):
            continue
        if lines and size(lines[-1]) + len(gap) + size(part) <= room:
            lines[-1] += [gap, *part]
        else:
            lines += _divided(part, room)
    return lines


def _divided(part: Line, room: int) -> Iterator[Line]:
    """Divide a part of a single text at blanks, if it is too long for a line."""
    if size(part) <= room or len(part) > 1:
        yield [*part]
        return
    (cell,) = part
    text, style = (cell.text, cell.style) if isinstance(cell, Painted) else (cell, "")
    line = ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > room:
            yield [Painted(line, style) if style else line]
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield [Painted(line, style) if style else line]


def commands(lead: str, words: Sequence[str], room: int) -> list[Line]:
    """Write commands so that they can be copied, next to each other if there is room.

    A command that is too long for a line continues after a backslash.
    """
    line = f"{lead}{'    '.join(words)}"
    if width(line) <= room:
        return [[Painted(line, "dim")]]
    leads = [lead, *[" " * len(lead)] * (len(words) - 1)]
    return [
        [Painted(text, "dim")]
        for start, one in zip(leads, words, strict=True)
        for text in _continued(start, one, room)
    ]


def _continued(lead: str, words: str, room: int) -> Iterator[str]:
    line, *rest = f"{lead}{words}".rsplit(" ", words.count(" "))
    for word in rest:
        if width(line) + width(word) + len("  \\") <= room or (
            word is rest[-1] and width(line) + width(word) < room
        ):
            line += f" {word}"
        else:
            yield f"{line} \\"
            line = f"{' ' * len(lead)}  {word}"
    yield line


def titled(label: str, title: str, rest: str, room: int) -> Line:
    """Write a label, the title of a job, and more of it; the title is cut where there is no room."""
    return [label, cut(title, max(_SHORTEST_TITLE, room - width(label) - width(rest))), rest]
