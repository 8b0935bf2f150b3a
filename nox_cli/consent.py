"""Asking a person before something is lost; only ever on a terminal.  (Command-line requests: `prepare`.)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.text import safe

if TYPE_CHECKING:
    from nox_cli.session import Streams


def can_ask(streams: Streams) -> bool:
    """Whether a person sits at the other end."""
    return streams.stdin.isatty() and streams.stderr.isatty()


def agrees(streams: Streams, question: str) -> bool:
    """Ask a question; anything but yes is no."""
    streams.stderr.write(f"{safe(question)} [y/N] ")
    streams.stderr.flush()
    return streams.stdin.readline().strip().lower() in {"y", "yes"}
