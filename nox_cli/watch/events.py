"""The stream of changes of all jobs and of allocations, which can be continued from any cursor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.selectors.reader import pages
from workers.errors import StoreBusy, StoreUnreachable
from workers.store.values import Event, Events, Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.results.json_objects import AllocationEventRecord, EventRecord
    from workers.store.base import Store
    from workers.store.values import AllocationEvent

OLDEST = "0"
# Seconds that one call waits for the next event, and between calls to an unreachable store.
WAIT_S, AWAY_S = 1.0, 0.5
_AT_ONCE = 1_000
_AWAY, _BACK = "the store does not answer; reconnecting...", "the store answers again"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a job as it is now, as an event, where changes are no longer kept."""

    event: Event


@dataclass(slots=True)
class Stream:
    """The changes of a store, from a cursor on."""

    store: Store
    cursor: str | None  # that has been reached; None: the end of the stream as it is now
    follow: bool
    reached: Callable[[str], None]  # is called with each cursor that is reached
    is_away: bool = False

    def read(self) -> Iterator[Event | AllocationEvent | Snapshot | str]:
        """Read to the end of the stream, or for ever; a text is a remark on the stream.

        Raises:
            UsageError: the cursor is not one of this store's.
            StoreError: the store cannot be read; while it is followed, an unreachable one is waited for.
        """
        while True:
            found = self._next()
            if self.is_away != (found is None):
                self.is_away = found is None
                yield _AWAY if self.is_away else _BACK
            if found is None:
                time.sleep(AWAY_S)
            elif found.truncated:
                yield "older changes are no longer kept: how every job is now comes first"
                yield from self._snapshot()
            else:
                for event in _in_order(found):
                    yield event
                    # Once it was printed: what continues after an interrupt may repeat it, and omits none.
                    self._reach(event.cursor)
                self._reach(found.cursor)
                if not (found.items or found.allocations or self.follow):
                    return

    def _next(self) -> Events | None:
        """Read on; None: the store is unreachable."""
        try:
            return self.store.events(self.cursor, limit=_AT_ONCE, wait_s=WAIT_S if self.follow else 0.0)
        except (StoreUnreachable, StoreBusy):
            if not self.follow:
                raise
            return None

    def _snapshot(self) -> Iterator[Snapshot]:
        """Read how every job is; changes that happen meanwhile come afterwards, too."""
        fresh = self.store.events(None).cursor
        for jobs in pages(self.store, Query(sort=SortKey.NUMBER, descending=False, limit=_AT_ONCE)):
            yield from (Snapshot(Event.of(job, fresh)) for job in jobs)
        self._reach(fresh)

    def _reach(self, cursor: str) -> None:
        self.cursor = cursor
        self.reached(cursor)


def _in_order(found: Events) -> Sequence[Event | AllocationEvent]:
    """Put the events of jobs and of allocations in the order of the stream."""
    if not found.allocations:
        return found.items
    both: list[Event | AllocationEvent] = [*found.items, *found.allocations]
    return sorted(both, key=lambda event: [int(part) for part in event.cursor.split("-")])


def _ignore(_cursor: str) -> None:
    return


def read_events(
    store: Store, since: str = "", *, follow: bool = False, reached: Callable[[str], None] = _ignore
) -> Stream:
    """Prepare to read the changes of all jobs; `Stream.read` reads them.

    Args:
        store: the store.
        since: the cursor after which the stream begins; empty: all that is stored, or to follow, from now on.
        follow: wait for new changes.
        reached: is called with each cursor that is reached, from which the stream can be continued.
    """
    return Stream(store, since or (None if follow else OLDEST), follow, reached)


def event_record(event: Event, *, is_snapshot: bool = False) -> EventRecord:
    """Return an event as JSON has it; `is_snapshot`: it describes the state of a job as it is now."""
    return {
        "cursor": event.cursor,
        "at": times.iso(event.at_ms),
        "job_id": event.job_id,
        "number": event.number,
        "batch": event.batch or None,
        "state": event.state.public,
        "raw_state": event.state,
        "reason": event.reason,
        "attempt": event.attempt,
        "token": event.token or None,
        "snapshot": is_snapshot,
    }


def allocation_record(event: AllocationEvent) -> AllocationEventRecord:
    """Return an event of an allocation as JSON has it."""
    has_ended = event.state == "ended"
    return {
        "cursor": event.cursor,
        "at": times.iso(event.at_ms),
        "owner": event.owner,
        "pool": event.pool,
        "allocation": event.token,
        "number": event.number or None,
        "state": event.state,
        "reason": None if has_ended else event.reason or None,
        "ended_as": event.reason or None if has_ended else None,
    }
