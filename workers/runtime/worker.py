"""What the slots of one worker process share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.runtime.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.batch.environment import Deadline
    from workers.logs import Log
    from workers.runtime.artifacts import Shelf
    from workers.runtime.capacity import Room
    from workers.runtime.leases import Leases
    from workers.runtime.scratch import Scratch
    from workers.store.base import Store


@dataclass(frozen=True, slots=True)
class Worker:
    """The state that all slots of a worker share."""

    id: str
    store: Store
    leases: Leases
    room: Room
    shelf: Shelf
    scratch: Scratch
    log: Log
    nox_version: str
    engines: frozenset[str]
    owner: str | None  # whose jobs it takes; None: anyone's
    lanes: set[str]
    ended: Callable[[], None]  # called when a job's end was recorded
    deadline: Deadline | None = None  # None: it may stay
    observer: Observer = field(default_factory=Observer)
    stopping: threading.Event = field(default_factory=threading.Event)  # claim no more
    abandoning: threading.Event = field(default_factory=threading.Event)  # nor wait for the store

    @property
    def takes_jobs(self) -> bool:
        """Whether it may claim another; the room's lock is held."""
        is_late = self.deadline is not None and self.deadline.time_s <= 0
        return not (is_late or self.stopping.is_set() or self.room.is_spent)
