"""Output of `nox metrics`: text that Prometheus reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.metrics.metrics import exposition

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from workers.metrics.queries import Measured


def text(measured: Measured, out: Out) -> None:
    """Write one exposition; its labels are from fixed sets."""
    out.write(exposition(measured))
