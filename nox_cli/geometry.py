"""The final geometry of a result: read plainly, written as xyz."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nox_cli.outcomes import Document

if TYPE_CHECKING:
    from nox_cli.inertia import Moments


@dataclass(frozen=True)
class Geometry:
    """Symbols, and positions in Å of shape (atoms, 3)."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[tuple[float, float, float], ...]

    @cached_property
    def moments(self) -> Moments | None:
        """Its principal moments of inertia; None: it has an element nobody knows."""
        from nox_cli.inertia import moments

        return moments(self.symbols, self.positions_angstrom)

    def xyz(self, comment: str) -> list[str]:
        """Write it as the lines of an xyz file."""
        atoms = zip(self.symbols, self.positions_angstrom, strict=True)
        rows = [" ".join([f"{symbol:<2}", *(f"{x:18.10f}" for x in place)]) for symbol, place in atoms]
        return [str(len(rows)), comment, *rows]


def geometry_of(result: Document) -> Geometry | None:
    """Read the final geometry of a result; None: it has none that is whole."""
    symbols, rows = result.texts("symbols"), result.fields.get("positions_angstrom")
    if not symbols or not isinstance(rows, list) or len(rows) != len(symbols):
        return None
    if not all(isinstance(row, list) and len(row) == 3 for row in rows):  # noqa: PLR2004
        return None
    numbers = Document({"all": [number for row in rows for number in row]}).numbers("all")
    return Geometry(symbols, tuple(zip(*[iter(numbers)] * 3, strict=True))) if numbers else None
