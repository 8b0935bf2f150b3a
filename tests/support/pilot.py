"""`nox top` without a terminal: the program in the process of the test, its keys, and the drawn screen."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from nox_cli.results.filters import read_filters
from nox_cli.top.app import TopApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from textual.pilot import Pilot
    from textual.widget import Widget

    from nox_cli.config.settings import Settings
    from workers.store.base import Store

LIMIT_S = 30.0


class Drawing:
    """The program, and what stands on its screen."""

    def __init__(self, app: TopApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without the blanks at their ends."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    @property
    def command(self) -> str:
        """The `nox` line that is shown above the keys."""
        return self.lines[-2]

    async def press(self, *keys: str) -> None:
        """Press keys, as Textual names them."""
        await self._pilot.press(*keys)

    async def enter(self, text: str) -> None:
        """Type a text, and the Enter key."""
        await self.press(*text, "enter")

    async def click(self, widget: type[Widget], column: int, line: int) -> None:
        """Click into a widget."""
        await self._pilot.click(widget, offset=(column, line))

    async def resize(self, columns: int, lines: int) -> None:
        """Give the screen another size."""
        await self._pilot.resize_terminal(columns, lines)

    async def wait_for(self, *words: str) -> None:
        """Wait until all of these words stand on the screen."""
        await self.wait_until(lambda: all(word in self.text for word in words))

    async def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + LIMIT_S
        while not is_true():
            assert time.monotonic() < until, self.text
            await asyncio.sleep(0.02)


@asynccontextmanager
async def drawn(
    store: Store, settings: Settings, *filters: str, all_users: bool = False
) -> AsyncIterator[Drawing]:
    """Run the program on 80 columns and 24 lines until the test has seen enough."""
    app = TopApp(store, settings, read_filters(" ".join(filters), all_users=all_users))
    async with app.run_test(size=(80, 24)) as pilot:
        drawing = Drawing(app, pilot)
        await drawing.wait_until(lambda: "reading ..." not in drawing.text)
        yield drawing


def play(steps: Coroutine[None, None, None]) -> None:
    """Run the steps of a test to their end."""
    asyncio.run(steps)
