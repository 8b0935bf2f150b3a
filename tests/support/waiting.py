"""Waits for a condition, never for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 0.005

T = TypeVar("T")


def wait_until(condition: Callable[[], T], limit_s: float, what: str | Callable[[], str]) -> T:
    """Call `condition` until it returns something true, and return that.

    Args:
        condition: called every few milliseconds.
        limit_s: how long it may take.
        what: what was waited for, for the message; a function is called when the limit is reached.

    Raises:
        AssertionError: the limit was reached.
    """
    until = time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {limit_s:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(INTERVAL_S)
