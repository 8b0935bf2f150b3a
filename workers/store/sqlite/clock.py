"""The clocks of the local store: UTC for people, and one that no one can set for leases."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from workers.store.base import LEASE_S

LEASE_MS = int(LEASE_S * 1000)
# It counts while a machine sleeps, unlike CLOCK_MONOTONIC; macOS has only the latter, which does there.
_LEASE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Moment(NamedTuple):
    """One instant on both clocks."""

    utc_ms: int
    boot_ms: int  # since `boot` began
    boot: str

    @property
    def lease_until_ms(self) -> int:
        """The end of a lease that is granted now."""
        return self.boot_ms + LEASE_MS

    def is_over(self, until_ms: int, boot: str) -> bool:
        """Whether a lease has run out: it is past, of another boot, or further ahead than any can be."""
        return boot != self.boot or not self.boot_ms <= until_ms <= self.lease_until_ms


def now() -> Moment:
    """Read the clocks."""
    return Moment(time.time_ns() // 1_000_000, time.clock_gettime_ns(_LEASE_CLOCK) // 1_000_000, boot_id())


@cache
def boot_id() -> str:
    """Read which boot of the machine this is; empty where the system does not say."""
    try:
        return _BOOT_ID.read_bytes().decode().strip()
    except OSError:
        return ""
