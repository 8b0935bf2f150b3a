"""Packing of jobs into allocations, for a window of ten minutes: how many jobs start in it, and where.

A job that takes ten minutes or more holds its cores and memory for the whole window; a shorter one holds them
for a share of it, its load, so that several follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.pools.fit import Need

WINDOW_S = 600.0
# The least load, so that counts stay finite, and the error that a sum of loads may have.
_LEAST_LOAD, _ERROR = 1e-7, 1e-9
# The kinds of partly filled allocations that are tried for a job; the newest are the emptiest.
_TRIED = 64


@dataclass(frozen=True, slots=True)
class Load:
    """Jobs that need the same and are expected to take the same."""

    need: Need
    run_s: float

    @property
    def share(self) -> float:
        """The share of the window that one of them takes."""
        return max(_LEAST_LOAD, min(1.0, self.run_s / WINDOW_S))


@dataclass(frozen=True, slots=True)
class Space:
    """The room of a worker, or of several alike: what is free, or becomes free in the window."""

    cores: float  # that one job can have, as memory and slots
    memory_bytes: float
    slots: float
    share: float = 1.0  # of the window that it is free for, on average
    copies: int = 1
    # Of these, what short jobs hold on average.
    busy_cores: float = 0.0
    busy_bytes: float = 0.0
    busy_slots: float = 0.0

    @property
    def is_full(self) -> bool:
        """Whether no job finds room, however small."""
        return self.cores - self.busy_cores <= _ERROR or self.slots - self.busy_slots <= _ERROR

    def holds(self, load: Load) -> int:
        """Count the jobs that one copy takes."""
        part, need = self._part(load), load.need
        if need.cores > self.cores or need.memory_bytes > self.memory_bytes:
            return 0  # however short: it needs them at once
        free = [(self.slots - self.busy_slots) / part, (self.cores - self.busy_cores) / (need.cores * part)]
        if need.memory_bytes:
            free.append((self.memory_bytes - self.busy_bytes) / (need.memory_bytes * part))
        return max(0, int(min(free) + _ERROR))

    def less(self, load: Load, jobs: int) -> Space:
        """Return the room that each copy has left after some jobs."""
        part = self._part(load)
        amount = jobs * part
        cores, memory = amount * load.need.cores, amount * load.need.memory_bytes
        if part < 1:
            return replace(
                self,
                busy_cores=self.busy_cores + cores,
                busy_bytes=self.busy_bytes + memory,
                busy_slots=self.busy_slots + amount,
            )
        return replace(
            self, cores=self.cores - cores, memory_bytes=self.memory_bytes - memory, slots=self.slots - amount
        )

    def _part(self, load: Load) -> float:
        """Return the part of what is free that a job takes: all of it if it outlasts the window."""
        return min(1.0, load.share / max(self.share, _LEAST_LOAD))


def fill(room: Space, load: Load, jobs: int) -> tuple[int, list[Space]]:
    """Put jobs into the copies of a room.

    Returns:
        The number of jobs that found no room, and the rooms that are left.
    """
    each = room.holds(load)
    if each == 0 or jobs == 0:
        return jobs, [room]
    full, rest = divmod(jobs, each)
    if full >= room.copies:
        return jobs - each * room.copies, [room.less(load, each)]
    parts = [(full, each), (1 if rest else 0, rest), (room.copies - full - (1 if rest else 0), 0)]
    return 0, [replace(room.less(load, many), copies=copies) for copies, many in parts if copies]


class Allocations:
    """Counts the allocations of one pool that some jobs need, the largest jobs first."""

    def __init__(self, empty: Space) -> None:
        """Begin without any; `empty`: the room of one."""
        self.count = 0
        self._empty = empty
        self._open: list[Space] = []

    def add(self, load: Load, jobs: int) -> None:
        """Put jobs into the allocations that are there, and into as many new ones as they need."""
        tried, self._open = self._open[-_TRIED:], self._open[:-_TRIED]
        for room in tried:
            jobs, left = fill(room, load, jobs)
            self._open += left
        each = self._empty.holds(load)
        if jobs and each:
            new = -(-jobs // each)
            self.count += new
            self._open += fill(replace(self._empty, copies=new), load, jobs)[1]
        self._open = [room for room in self._open if not room.is_full]
