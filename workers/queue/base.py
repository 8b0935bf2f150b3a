"""The Bell protocol: how slots are woken.

A worker that hears the bell claims from the store until nothing is left, so extra bells find nothing.  A lost
bell costs little: every worker's tick rings again while jobs are ready, and a listener that hears nothing for
`LOOK_EVERY_S` looks all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

# Longer than the time between two ticks, shorter than the socket time limit of the Redis bell.
LOOK_EVERY_S = 4.0


class Bell(Protocol):
    """Runs `drain` in slot threads whenever there may be work."""

    def start(self, slots: int, drain: Callable[[], None]) -> None:
        """Start `slots` threads; each calls `drain` at once, and then when the bell rings or nothing was
        heard for `LOOK_EVERY_S`.  `drain` returns when no job is left for its slot, and must not raise.

        Raises:
            StoreError: there is nothing to listen to.
        """

    def stop(self, timeout_s: float) -> None:
        """Stop listening and wait for the threads that are inside `drain`.  Nothing is left behind."""
