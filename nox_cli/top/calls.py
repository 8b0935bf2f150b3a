"""Calls of a store in threads of their own, so that a slow or unreachable one never stops the drawing."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
# One call may be a search that takes long, or one of a store that does not answer.
_THREADS = 2


class Calls:
    """Runs functions in threads; the process ends without waiting for them.

    `used_s` is the processor time that they took so far.
    """

    def __init__(self) -> None:
        self.used_s = 0.0
        self._waiting: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()
        for _ in range(_THREADS):
            Thread(target=self._serve, daemon=True).start()

    async def run(self, call: Callable[[], T]) -> T:
        """Run a function in a thread; returns what it returns, and raises what it raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put((call, future))
        return await future

    def close(self) -> None:
        """End the threads, once they have done what they do."""
        for _ in range(_THREADS):
            self._waiting.put(None)

    def _serve(self) -> None:
        while (wanted := self._waiting.get()) is not None:
            call, future = wanted
            found, error, began_s = None, None, time.thread_time()
            try:
                found = call()
            except Exception as raised:  # noqa: BLE001  the caller gets it
                error = raised
            with suppress(RuntimeError):  # the loop is closed: no caller is left
                used_s = time.thread_time() - began_s
                future.get_loop().call_soon_threadsafe(self._answer, future, found, error, used_s)

    def _answer(
        self, future: asyncio.Future[Any], found: object, error: Exception | None, used_s: float
    ) -> None:
        self.used_s += used_s
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(found)
        else:
            future.set_exception(error)
