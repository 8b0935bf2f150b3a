"""Times and durations: read from options, and written for people and programs."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, overload

from workers.errors import UsageError
from workers.sizes import clock_seconds, time_words

if TYPE_CHECKING:
    from datetime import datetime

MAX_DURATION_S = 10 * 366 * 86_400

_AMOUNT = r"\d{1,12}(?:\.\d{1,6})?"
_PLAIN = re.compile(_AMOUNT, re.ASCII)
_PART = re.compile(rf"({_AMOUNT})([smhdw])", re.ASCII)
_TIME_OF_DAY = re.compile(r"(?:(today|tomorrow) )?(\d{1,2}):(\d\d)(:\d\d)?", re.ASCII)
_PART_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

# The form of durations in sentences and of what is over: `2 min 41 s`.
words = time_words


def now_ms() -> int:
    """Return the time by this machine's clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@overload
def iso(at_ms: int) -> str: ...
@overload
def iso(at_ms: int | None) -> str | None: ...
def iso(at_ms: int | None) -> str | None:
    """Write a time for programs: ISO 8601, UTC, with milliseconds; None stays None."""
    if at_ms is None:
        return None
    seconds, rest = divmod(at_ms, 1_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def short(at_ms: int, now: int) -> str:
    """Write a time for people, in their time zone: the time of day, or the date if it is not today."""
    then, today = time.localtime(at_ms / 1_000), time.localtime(now / 1_000)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%m-%d %H:%M" if then.tm_year == today.tm_year else "%Y-%m-%d", then)


def clock(seconds: float) -> str:
    """Write a duration as a clock does: `0:48`, `1:02:03`, `3-04:05:06`."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}-{hour:02d}:{minute:02d}:{second:02d}"
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def seconds_of(text: str) -> float:
    """Read a duration: `90` (seconds), `30m`, `1h30m`, `2d`, `10:00`, `1:00:00`, `1-12:00:00`.

    Raises:
        UsageError: it is none of these, or longer than ten years.
    """
    seconds = _seconds(text.strip().lower())
    if seconds is None:
        raise UsageError(
            f'"{text}" is not a duration', hint="write seconds (90), or 30m, 2h, 1h30m, 1:00:00, 2d"
        )
    if seconds > MAX_DURATION_S:
        raise UsageError(f'"{text}" is too long a duration', hint="the longest is ten years")
    return seconds


def _seconds(word: str) -> float | None:
    if _PLAIN.fullmatch(word):
        return float(word)
    if (seconds := clock_seconds(word)) is not None:
        return seconds
    if not word or _PART.sub("", word):
        return None
    return math.fsum(float(count) * _PART_S[unit] for count, unit in _PART.findall(word))


def since_ms(text: str, now: int) -> int:
    """Read a time in the past: a duration before `now`, or an ISO 8601 date or time.

    A time without a zone is local.

    Raises:
        UsageError: the text is neither.
    """
    from datetime import datetime

    with suppress(ValueError, OverflowError, OSError):
        return round(1_000 * datetime.fromisoformat(text.strip()).timestamp())
    with suppress(UsageError):
        return now - round(1_000 * seconds_of(text))
    raise UsageError(
        f'"{text}" is not a time nox understands', hint="write 2d, 90m, 2026-03-01 or 2026-03-01T14:00"
    )


def begin_ms(text: str, now: int) -> int:
    """Read a time in the future: `06:00` (the next such time), `tomorrow 06:00`, or ISO 8601.

    A time without a zone is local.

    Raises:
        UsageError: the text is none of these, or the time is past.
    """
    from datetime import datetime

    word = text.strip().lower()
    today = datetime.fromtimestamp(now / 1_000)  # noqa: DTZ006  users write times in their zone
    with suppress(ValueError, OverflowError, OSError):
        found = _next_time(word, today) or datetime.fromisoformat(text.strip())
        at_ms = round(1_000 * found.timestamp())
        if at_ms <= now:
            raise UsageError(f'"{text}" is past', hint="without --begin a job starts as soon as it can")
        return at_ms
    raise UsageError(
        f'"{text}" is not a time nox understands',
        hint='write 06:00, "tomorrow 06:00", 2026-03-01 or 2026-03-01T14:00',
    )


def _next_time(word: str, today: datetime) -> datetime | None:
    """Read a time of day: today's or, if that is past, tomorrow's; None: the text is no time of day."""
    from datetime import datetime, time, timedelta

    found = _TIME_OF_DAY.fullmatch(word)
    if not found:
        return None
    clock = time.fromisoformat(f"{found[2]:0>2}:{found[3]}{found[4] or ''}")
    begin = datetime.combine(today, clock)
    if found[1] == "tomorrow" or (not found[1] and begin <= today):
        return datetime.combine(today + timedelta(days=1), clock)
    return begin
