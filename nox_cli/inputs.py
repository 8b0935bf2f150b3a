"""Words of the command line become values here: durations, amounts of memory, charge and spin."""

from __future__ import annotations

import math
import re

from workers.errors import UsageError

MAX_DURATION_S = 10 * 365 * 86_400
MAX_MEMORY_BYTES = 2**50
MAX_UNPAIRED = 1_000

_MAX_WORD = 64
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NUMBER = r"\d+(?:\.\d+)?"
_PLAIN = re.compile(_NUMBER, re.ASCII)
_WITH_UNITS = re.compile(rf"(?:{_NUMBER}[smhdw])+", re.ASCII)
_PART = re.compile(rf"({_NUMBER})([smhdw])", re.ASCII)
_CLOCK = re.compile(r"(?:(?P<d>\d+)-)?(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>\d\d)", re.ASCII)
_MEMORY = re.compile(rf"({_NUMBER})\s*([kmgt])(i?b)?", re.ASCII | re.IGNORECASE)


def duration_s(text: str) -> float:
    """Read a duration; a bare number is seconds.

    Forms: `90`, `30m`, `1h30m`, `2d`, `10:00` (ten minutes), `1:00:00`, `1-12:00:00` (a day and a half).

    Raises:
        UsageError: it is none of these, or longer than ten years.
    """
    seconds = _seconds(text.strip().lower()[: _MAX_WORD + 1])
    if seconds is None:
        raise UsageError(
            f'"{text}" is not a duration', hint="write seconds (90), or 30m, 2h, 1h30m, 1:00:00, 2d"
        )
    if seconds > MAX_DURATION_S:
        raise UsageError(f'"{text}" is too long a duration', hint="the longest is ten years")
    return seconds


def _seconds(word: str) -> float | None:
    if len(word) > _MAX_WORD:
        return None
    if _PLAIN.fullmatch(word):
        return float(word)
    if _WITH_UNITS.fullmatch(word):
        return sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(word))
    clock = _CLOCK.fullmatch(word)
    return float(sum(int(n or 0) * _UNIT_S[unit] for unit, n in clock.groupdict().items())) if clock else None


def memory_bytes(text: str) -> int:
    """Read an amount of memory: `2G`, `512M`, `1.5GiB`; `GB` and its like are powers of 1000.

    Raises:
        UsageError: it has no unit, is nothing, or more than a pebibyte.
    """
    found = _MEMORY.fullmatch(text.strip()[: _MAX_WORD + 1])
    if found is None:
        raise UsageError(
            f'"{text}" is not an amount of memory', hint="write it with its unit: 512M, 2G, 1.5G"
        )
    number, unit, suffix = found.groups()
    base = 1_000 if (suffix or "").lower() == "b" else 1_024
    exponent = 1 + "kmgt".index(unit.lower())
    size = math.ceil(float(number) * float(base) ** exponent)
    if not 1 <= size <= MAX_MEMORY_BYTES:
        raise UsageError(f'"{text}" is not an amount of memory a job can have', hint="for example: 2G")
    return size


def unpaired(text: str) -> int | None:
    """Read the number of unpaired electrons; None stands for `auto`.

    Raises:
        UsageError: it is neither a number from 0 to 1,000 nor `auto`.
    """
    word = text.strip().lower()
    if word == "auto":
        return None
    if not re.fullmatch(r"\d{1,4}", word, re.ASCII) or int(word) > MAX_UNPAIRED:
        raise UsageError(
            f'"{text}" is not a number of unpaired electrons',
            hint="write -u 0, -u 1 and so on, or -u auto for 0 or 1 by parity",
        )
    return int(word)
