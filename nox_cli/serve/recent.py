"""Answers that stay valid for a moment: one question a second, however many requests need it."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
FRESH_S = 1.0


class Recent(Generic[Answer]):
    """Asks at most once in `FRESH_S`; in between it returns the newest answer.  Safe for several threads."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        """Prepare to ask; an error of `ask` is passed on, and the next call asks again."""
        self._ask = ask
        self._lock = Lock()
        self._until = 0.0
        self._answer: Answer
        self._error: Exception | None = None
        self._failed_at = 0.0

    def __call__(self) -> Answer:
        """Return the answer; other threads wait while one asks, and get its error if it fails."""
        came_at = time.monotonic()
        with self._lock:
            if self._error is not None and came_at < self._failed_at:
                raise self._error  # a store that is silent must not be waited for by one after the other
            if time.monotonic() >= self._until:
                self._answer = self._asked()
                self._until = time.monotonic() + FRESH_S
            return self._answer

    def _asked(self) -> Answer:
        self._error = None
        try:
            return self._ask()
        except Exception as error:
            self._error, self._failed_at = error, time.monotonic()
            raise
