"""Strikes: what the ends of allocations say about their pool."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workers.files import last_lines
from workers.store.pools import AllocationEnd, Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from workers.store.pools import Allocation, Pool

MOST_STRIKES = 3
# An allocation whose worker stayed for less, and that failed, was of no use.
_USEFUL_S = 60.0
# No request for so long after an end that was none of a worker's own.
_PAUSE_MS = 60_000
_LINES = 5
# Ends that say nothing about the pool: of the site, or of a person.
_NO_FAULT = frozenset(
    {
        AllocationEnd.PREEMPTED,
        AllocationEnd.NODE_FAILED,
        AllocationEnd.CANCELLED,
        AllocationEnd.TIMEOUT,
        AllocationEnd.UNWANTED,
        AllocationEnd.REFUSED,
        AllocationEnd.DROPPED,
    }
)


def judged(
    pool: Pool, ended: Sequence[Allocation], log: Callable[[str], str], now_ms: int
) -> dict[str, object]:
    """Return the changes of a pool that follow from the ends of its allocations.

    Args:
        pool: the pool.
        ended: its allocations that have ended since the last look, in the order of their ends.
        log: returns the path of the log of an allocation by its token.  That of the record is only shown:
            a program that can write to the store could have any file read.
        now_ms: the time.
    """
    changes: dict[str, object] = {}
    strikes, spent = pool.strikes, Counter(pool.spent) + core_seconds(ended)
    for one in ended:
        lines = last_lines(log(one.token), _LINES)
        is_useless = _is_useless(one, has_log=bool(lines))
        if is_useless:
            strikes += 1
        elif _is_good(one):
            strikes = 0
        if one.ended_as in _NO_FAULT - {AllocationEnd.UNWANTED} | {AllocationEnd.GONE} or is_useless:
            changes["next_ms"] = max(pool.next_ms, now_ms + _PAUSE_MS)
        if strikes >= MOST_STRIKES and pool.paused is None:
            changes |= {"paused": Pause.STRIKES, "why": _why(strikes, one, lines)}
    if spent != Counter(pool.spent):
        changes["spent"] = spent
    return changes | ({"strikes": strikes} if strikes != pool.strikes else {})


def core_seconds(ended: Iterable[Allocation]) -> Counter[str]:
    """Add up the core time of allocations that have ended, by the day of their end, as 2026-11-30."""
    found: Counter[str] = Counter()
    for one in ended:
        if one.started_ms is not None and one.ended_ms is not None:
            day = datetime.fromtimestamp(one.ended_ms / 1_000, UTC).date().isoformat()
            found[day] += one.used_cores * max(0, one.ended_ms - one.started_ms) // 1_000
    return found


def _is_useless(one: Allocation, *, has_log: bool) -> bool:
    if one.ended_as in _NO_FAULT and (one.ended_as is not AllocationEnd.TIMEOUT or one.joined_ms is not None):
        return False
    if one.joined_ms is None:
        # One that is gone was cancelled while it was pending, unless it has written its log.
        return one.ended_as is not AllocationEnd.GONE or has_log
    stayed_s = ((one.ended_ms or one.joined_ms) - one.joined_ms) / 1_000
    return one.ended_as is AllocationEnd.FAILED and stayed_s < _USEFUL_S


def _is_good(one: Allocation) -> bool:
    if one.joined_ms is None:
        return False
    stayed_s = ((one.ended_ms or one.joined_ms) - one.joined_ms) / 1_000
    return one.ended_as is AllocationEnd.COMPLETED or stayed_s >= _USEFUL_S


def _why(strikes: int, last: Allocation, lines: Sequence[str]) -> str:
    end = (last.ended_as or AllocationEnd.GONE).replace("_", " ")
    what = f"{strikes} allocations in a row were of no use; the last one ({last.number or last.token}: {end})"
    return "\n".join([f"{what} wrote {'this:' if lines else 'nothing'}", *lines])
