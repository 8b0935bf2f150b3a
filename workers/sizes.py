"""Amounts of memory, of room on a disk and of time, as people read them."""

from __future__ import annotations

import re

KIB, MIB, GIB = 1024, 1024**2, 1024**3
_MINUTE_S, _HOUR_S = 60, 3_600
_CLOCK = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d\d)", re.ASCII)


def size_words(size_bytes: int) -> str:
    """Write an amount of bytes: `512 KiB`, `300 MiB`, `2.0 GiB`."""
    if size_bytes >= GIB:
        return f"{size_bytes / GIB:.1f} GiB"
    if size_bytes >= MIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{-(-max(0, size_bytes) // KIB)} KiB"


def time_words(seconds: float) -> str:
    """Write how long a job may take: `90 s`, `15 min`, `2.5 h`."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def clock_seconds(text: str) -> float | None:
    """Read a duration like `1:30`, `01:00:00` or `2-03:00:00`; None: it is none."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
