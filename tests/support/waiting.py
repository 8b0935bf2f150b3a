"""Waits for a condition, never for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 0.005
# A condition that takes long to look at is looked at less often, so that those waited for have the processor.
REST, MAX_REST_S = 4, 0.1

T = TypeVar("T")


def wait_until(condition: Callable[[], T], limit_s: float, what: str | Callable[[], str]) -> T:
    """Call `condition` until it returns something true, and return that.

    Args:
        condition: called every few milliseconds, or as often as a fifth of the time allows.
        limit_s: how long it may take.
        what: what was waited for, for the message; a function is called when the limit is reached.

    Raises:
        AssertionError: the limit was reached.
    """
    until = time.monotonic() + limit_s
    while True:
        began = time.monotonic()
        found = condition()
        if found:
            return found
        ended = time.monotonic()
        if ended > until:
            raise AssertionError(f"not within {limit_s:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(min(max(INTERVAL_S, REST * (ended - began)), MAX_REST_S))
