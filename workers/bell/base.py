"""The Bell protocol: how slots are woken.

A worker that hears the bell claims from the store until nothing is left, so extra bells find nothing.  A lost
bell costs at most the time after which a listener looks all the same; where ticks ring too, that to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Bell(Protocol):
    """Runs `drain` in slot threads whenever there may be work."""

    look_every_s: float

    def start(self, slots: int, drain: Callable[[], None], has_room: Callable[[float], bool]) -> None:
        """Start `slots` threads; each calls `drain` at once, and then one does whenever the bell rings or
        nothing was heard for `look_every_s`.  `drain` returns when no job is left for its slot, and must
        not raise.  Nobody listens before `has_room`, which waits so many seconds for it, says that another
        job could run here.

        Raises:
            StoreError: there is nothing to listen to.
        """

    def pass_on(self) -> None:
        """Wake one more slot, of any worker, as there may be work for it; for stores that do not ring."""

    def stop(self, timeout_s: float) -> None:
        """Stop listening and wait for the threads that are inside `drain`.  Nothing is left behind."""
