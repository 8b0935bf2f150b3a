"""The Bell protocol: how slots are woken.

A worker that hears the bell claims from the store until nothing is left, so extra bells find nothing and
a lost bell costs at most `LOOK_EVERY_S`: a listener that hears nothing for that long looks all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_EVERY_S = 2.0


class Bell(Protocol):
    """Runs `drain` in slot threads whenever there may be work."""

    def start(self, slots: int, drain: Callable[[], None]) -> None:
        """Start `slots` threads; each calls `drain` when the bell rings or nothing was heard for
        `LOOK_EVERY_S`.  `drain` returns when no job is left for its slot, and must not raise.
        """

    def stop(self, timeout_s: float) -> None:
        """Stop listening and wait for the threads that are inside `drain`.  Nothing is left behind."""
