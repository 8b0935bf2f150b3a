"""The lines that `nox alloc run` writes: what a look did, and states that last, once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted
from workers.sizes import time_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.pools.report import Decision, Look
    from workers.store.pools import Allocation

_NUMBER = re.compile(r"\d+", re.ASCII)


class JournalLine(NamedTuple):
    """A line about a look."""

    text: str
    is_warning: bool = False


class Journal:
    """Describes one look after the other; of a state that lasts, only its beginning and end."""

    def __init__(self) -> None:
        self._silence = ""
        self._running: dict[str, int] = {}
        self._why: dict[str, str] = {}

    def lines(self, look: Look) -> Iterator[JournalLine]:
        """Describe a look."""
        yield from done(look)
        if look.silence and not self._silence:
            yield _unanswered(look)
        elif self._silence and not look.silence:
            yield JournalLine("the batch system answers again")
        self._silence = look.silence
        for one in look.decisions:
            yield from self._changes(one)

    def _changes(self, one: Decision) -> Iterator[JournalLine]:
        """Describe what differs from the look before: running allocations, and why nothing is requested."""
        name = one.pool.name
        if one.running > self._running.get(name, 0):
            allocations = counted(one.running, "allocation")
            yield JournalLine(f"pool {name}: {allocations} running, {one.pending} pending")
        self._running[name] = one.running
        why = one.why if one.wanted and not one.request else ""
        if why and _NUMBER.sub("", why) != _NUMBER.sub("", self._why.get(name, "")):
            yield JournalLine(f"pool {name} {why}")
        self._why[name] = why


def once(look: Look) -> Iterator[JournalLine]:
    """Describe the only look of a process: what it did, and why jobs still wait if nothing answered."""
    yield from done(look)
    if look.silence and not look.requested and any(one.wanted for one in look.decisions):
        yield _unanswered(look)


def done(look: Look) -> Iterator[JournalLine]:
    """Describe what a look did or found ended; nothing: no line."""
    for one in look.requested:
        if one.number:
            yield JournalLine(f"pool {one.pool}: requested allocation {one.number}")
        else:
            yield JournalLine(f"pool {one.pool}: no allocation: {one.words}", True)
    for gone in look.cancelled:
        yield JournalLine(f"pool {gone.pool}: cancelled allocation {gone.number}, which no job needs")
    for ended in look.ended:
        yield JournalLine(f"pool {ended.pool}: {end_words(ended)}")
    for pool in look.paused:
        first, *rest = pool.why.splitlines() or [""]
        yield JournalLine(f"pool {pool.name} is paused ({pool.paused}): {first}", True)
        yield from (JournalLine(f"  {line}", True) for line in rest)
        yield JournalLine(f"see nox alloc show {pool.name}, then nox alloc resume {pool.name}", True)


def _unanswered(look: Look) -> JournalLine:
    return JournalLine(f"the batch system does not answer, nothing is requested: {look.silence}", True)


def end_words(one: Allocation) -> str:
    """Describe the end of an allocation: `allocation 4711 ended: completed, 12 jobs, 1 h 2 min`."""
    parts = [(one.ended_as or "unknown").replace("_", " ")]
    if one.joined_ms is not None:
        parts.append(counted(one.jobs, "job"))
    if one.started_ms is not None and one.ended_ms is not None:
        parts.append(time_words(max(0, one.ended_ms - one.started_ms) / 1_000))
    return f"allocation {one.number or one.token} ended: {', '.join(parts)}"
