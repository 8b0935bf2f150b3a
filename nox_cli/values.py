"""Values of options: amounts of memory, pressures, atoms, spin, failures to retry, states."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from nox_cli.counts import STATES
from workers.errors import UsageError
from workers.job import RETRIABLE, Reason, reasons_of
from workers.names import MAX_ATOMS, PRESSURE_PA

if TYPE_CHECKING:
    from workers.job import JobState

MAX_MEMORY_BYTES = 2**50
MAX_UNPAIRED = 1_000
MAX_PRESSURE_PA = 1e12

_MAX_WORD = 64
_PRESSURE = re.compile(
    r"(\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?)\s*(atm|bar|mbar|pa|hpa|kpa|mpa)", re.ASCII | re.IGNORECASE
)
_PASCALS = {"atm": PRESSURE_PA, "bar": 1e5, "mbar": 100.0, "pa": 1.0, "hpa": 100.0, "kpa": 1e3, "mpa": 1e6}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?b)?", re.ASCII | re.IGNORECASE)


def memory_bytes(text: str) -> int:
    """Read an amount of memory, in bytes: `2G`, `512M`, `1.5GiB`; `GB`, `MB` and `kB` are powers of 1000.

    Raises:
        UsageError: it has no unit, is zero, or more than a pebibyte.
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


def pressure_pa(text: str) -> float:
    """Read a pressure, in pascals: `1atm`, `1bar`, `0.5MPa`, `101325Pa`.

    Raises:
        UsageError: it has no unit, or is zero.
    """
    found = _PRESSURE.fullmatch(text.strip()[: _MAX_WORD + 1])
    value = float(found[1]) * _PASCALS[found[2].lower()] if found else 0.0
    if not 0 < value <= MAX_PRESSURE_PA:
        raise UsageError(f'"{text}" is not a pressure', hint="write it with its unit: 1atm, 1bar, 101325Pa")
    return value


def atom_numbers(text: str) -> frozenset[int]:
    """Read numbers of atoms, from 1: `3`, `1-4,7`.

    Raises:
        UsageError: it names no atom, one below 1, or one above the largest number of atoms.
    """
    found: set[int] = set()
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(re.fullmatch(r"\d{1,6}", end, re.ASCII) for end in ends):
            raise _no_atoms(text)
        if not 1 <= int(ends[0]) <= int(ends[1]) <= MAX_ATOMS:
            raise _no_atoms(text)
        found.update(range(int(ends[0]), int(ends[1]) + 1))
    return frozenset(found)


def _no_atoms(text: str) -> UsageError:
    return UsageError(f'"{text[:40]}" names no atoms', hint="count from 1, and write --freeze 1-4,7")


def unpaired(text: str) -> int | None:
    """Read the number of unpaired electrons; None means `auto`.

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


def retried_reasons(text: str) -> frozenset[Reason]:
    """Read the failures to retry: `crashed,timeout`.

    Raises:
        UsageError: one of them cannot be retried.
    """
    try:
        found = reasons_of(",".join(word.strip().lower() for word in text.split(",")))
    except ValueError:
        found = frozenset()
    if not found or not found <= RETRIABLE:
        raise UsageError(
            f'"{text}" names no failures that can be retried',
            hint=f"one or more of {','.join(sorted(RETRIABLE))}",
        )
    return found


def states(words: list[str]) -> frozenset[JobState]:
    """Read states: raw, public or `waiting`.

    Raises:
        UsageError: there is no such state.
    """
    found: set[JobState] = set()
    for word in ",".join(words).split(","):
        if word:
            found |= _meant(word.strip().lower())
    return frozenset(found)


def _meant(word: str) -> frozenset[JobState]:
    if word not in STATES:
        from difflib import get_close_matches

        near = get_close_matches(word[:_MAX_WORD], STATES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(STATES)}"
        raise UsageError(f'"{word[:40]}" is no state', hint=hint)
    return STATES[word]
