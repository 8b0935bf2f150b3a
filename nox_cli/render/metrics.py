"""How `nox metrics` looks: as Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.metrics.metrics import exposition

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from workers.metrics.queries import Measured


def text(measured: Measured, out: Out) -> None:
    """One exposition; its labels are of fixed sets."""
    out.write(exposition(measured))
