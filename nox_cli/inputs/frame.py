"""One structure as a file gives it, whatever the file's format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Comment
    from workers.spec import Lattice, Vector


@dataclass(frozen=True, slots=True)
class Frame:
    """One structure: positions in Å, of shape (atoms, 3)."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    comment: Comment
    line: int = 1  # where it starts, counted from 1
    name: str = ""  # what the file calls it
    warnings: tuple[str, ...] = ()  # what was chosen where the file leaves a choice
    lattice_angstrom: Lattice | None = None  # the cell's vectors as rows; None: a molecule
