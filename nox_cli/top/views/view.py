"""The base of all views: what the program asks of the one that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from nox_cli.top import actions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.top.actions import PlannedChange
    from nox_cli.top.context import Context
    from workers.job import Job

# The rows that the mouse wheel moves by.
_SCROLLED = 3


class TopView(Widget):
    """A part of the program that fills the screen between the lines above and below."""

    keys: ClassVar[str]  # for the line below

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(id=name)
        self.context = context

    @property
    def command(self) -> str:
        """The `nox` line that shows what is shown here."""
        return "nox status"

    @property
    def title(self) -> str:
        """Words for the line of tabs."""
        return ""

    def selected(self) -> Sequence[Job]:
        """Return the jobs that an action would change."""
        return ()

    def planned(self, key: str) -> PlannedChange | str | None:
        """Plan the action of a key; a text: why there is none to take; None: the key has no action here."""
        known = actions.JOB_ACTIONS.get(key)
        found = self.selected() if known else ()
        return known[1](found) if known and found else None

    def move(self, count: int) -> None:
        """Go down by a number of rows, or up if it is negative."""

    def on_mouse_scroll_down(self) -> None:
        """Go down by some rows."""
        self.move(_SCROLLED)

    def on_mouse_scroll_up(self) -> None:
        """Go up by some rows."""
        self.move(-_SCROLLED)

    def edge(self, *, is_end: bool) -> None:
        """Go to the first row, or to the last."""

    @property
    def page_rows(self) -> int:
        """The number of rows that a page has."""
        return max(1, self.size.height - 2)

    async def read(self, *, is_changed: bool) -> None:
        """Read what is shown, and draw it.

        Args:
            is_changed: jobs have changed since the last call that succeeded.

        Raises:
            StoreError: the store cannot be read.
        """
