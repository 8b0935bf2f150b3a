"""Structures that keep an engine busy for longer than any test takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WATER = (("O", 0.0, 0.0), ("H", 0.76, 0.59), ("H", -0.76, 0.59))
_SPACING_ANGSTROM = 3.1


def write_ice(path: Path, edge: int = 4) -> str:
    """Write a cube of `edge`³ water molecules, whose optimisation takes minutes; return the path."""
    steps = [_SPACING_ANGSTROM * step for step in range(edge)]
    atoms = [
        f"{symbol} {i + x:.3f} {j + y:.3f} {k:.3f}"
        for i in steps
        for j in steps
        for k in steps
        for symbol, x, y in _WATER
    ]
    path.write_text("\n".join([str(len(atoms)), "ice", *atoms, ""]))
    return str(path)
