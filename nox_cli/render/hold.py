"""How `nox hold` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.render import changes

if TYPE_CHECKING:
    from nox_cli.changes import Changed
    from nox_cli.render.terminal.out import Out

document = changes.document


def text(done: Changed, out: Out) -> None:
    """One line that counts."""
    changes.tell(done, out, "held")
