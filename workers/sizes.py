"""Amounts of memory, of room on a disk and of time, as people read them."""

from __future__ import annotations

import re
from itertools import pairwise

KIB, MIB, GIB = 1024, 1024**2, 1024**3
_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
# Durations below this are written with tenths of a second.
_TENTHS_BELOW_S = 10
_MILLISECONDS_BELOW_S = 0.1
_CLOCK = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d\d)", re.ASCII)


def size_words(size_bytes: int) -> str:
    """Write an amount of bytes: `512 KiB`, `300 MiB`, `2.0 GiB`."""
    if size_bytes >= GIB:
        return f"{size_bytes / GIB:.1f} GiB"
    if size_bytes >= MIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{-(-max(0, size_bytes) // KIB)} KiB"


def time_words(seconds: float) -> str:
    """Write a duration in words, with two units at most: `40 ms`, `0.4 s`, `2 min 41 s`, `1 h 24 min`."""
    if 0 < seconds < _MILLISECONDS_BELOW_S:
        return f"{max(1, round(1_000 * seconds))} ms"
    if 0 < seconds < _TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    whole = max(0, round(seconds))
    for (name, size), (below, part) in pairwise(_UNITS_S):
        if whole >= size:
            count, rest = divmod(whole, size)
            return f"{count} {name} {rest // part} {below}" if rest >= part else f"{count} {name}"
    return f"{whole} s"


def clock_seconds(text: str) -> float | None:
    """Read a duration like `1:30`, `01:00:00` or `2-03:00:00`; None: it is none."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
