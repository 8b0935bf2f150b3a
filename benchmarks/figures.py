"""One measured figure, and the table and JSON they are shown in."""

from __future__ import annotations

import json
import platform
import statistics
from dataclasses import asdict, dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and its bound."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False  # the bound is a floor, else a ceiling

    @property
    def verdict(self) -> str:
        """Whether the bound is kept; empty where there is none."""
        if self.bound is None:
            return ""
        kept = self.value >= self.bound if self.at_least else self.value <= self.bound
        return "ok" if kept else "MISSED"


def percentile(values: Sequence[float], share: float) -> float:
    """Read the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """The middle one of the ratios of each round."""
    return median([value / other for value, other in zip(values, others, strict=True)])


def table(figures: Sequence[Figure]) -> str:
    """Draw figures as aligned lines."""
    rows = [("figure", "measured", "bound", ""), *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def write_page(measured: Mapping[str, Sequence[Figure]], page: Path) -> None:
    """Replace the tables of benchmarks in a Markdown file; those of other benchmarks stay.

    Args:
        measured: the figures of each benchmark.
        page: the file; a benchmark's table follows a line `<!-- python -m benchmarks NAME -->`.
    """
    text = page.read_text()
    for name, figures in measured.items():
        mark = f"<!-- python -m benchmarks {name} -->\n"
        before, found, after = text.partition(mark)
        lines = after.strip("\n").split("\n")
        rest = "\n".join(dropwhile(lambda line: line.startswith("|"), lines)).strip("\n")
        rows = [("", "measured", "bound"), ("---",) * 3]
        for what, value, bound, verdict in map(_row, figures):
            rows.append((what, value, f"{bound} missed" if verdict == "MISSED" else bound))
        shown = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        text = f"{before}{mark}\n{shown}\n\n{rest}\n" if found else text
    page.write_text(text)


def _row(figure: Figure) -> tuple[str, str, str, str]:
    sign = ">=" if figure.at_least else "<="
    bound = "" if figure.bound is None else f"{sign} {figure.bound:g}"
    return figure.name, f"{figure.value:,.2f} {figure.unit}", bound, figure.verdict


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Keep figures with what they were measured on."""
    document = {
        "schema": 1,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in figures],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
