"""How `nox metrics` looks: as Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.metrics import exposition

if TYPE_CHECKING:
    from nox_cli.render.out import Out
    from workers.measuring import Measured


def text(measured: Measured, out: Out) -> None:
    """One exposition; its labels are of fixed sets."""
    out.write(exposition(measured))
