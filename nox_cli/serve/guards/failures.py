"""The rate of failed authentications of each client address."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The failures that an address may have at once, and the seconds after which it may have another.
BURST, EVERY_S = 20, 3.0
_ADDRESSES = 1_024


class Failures:
    """Counts failures by address, in a bounded number of places: the address that failed longest ago goes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paid_until: OrderedDict[str, float] = OrderedDict()  # when an address has no failures any more

    def note(self, address: str) -> None:
        """Count one failure."""
        now = self._clock()
        until = max(now, self._paid_until.pop(address, now)) + EVERY_S
        self._paid_until[address] = min(until, now + BURST * EVERY_S)
        if len(self._paid_until) > _ADDRESSES:
            self._paid_until.popitem(last=False)

    def wait_s(self, address: str) -> float:
        """Return the seconds until the address may fail again; 0: now."""
        over = self._paid_until.get(address, 0.0) - self._clock() - (BURST - 1) * EVERY_S
        return max(0.0, over)
