"""The state that the slots of one worker process share, and their way to call the store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from workers.errors import StoreBusy, StoreError, StoreUnreachable
from workers.runtime.durations import Durations
from workers.runtime.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.batch.environment import Deadline
    from workers.logs import Log
    from workers.runtime.artifacts import ArtifactStore
    from workers.runtime.capacity import Room
    from workers.runtime.leases import Leases
    from workers.runtime.scratch import Scratch
    from workers.store.base import Store

T = TypeVar("T")

# The pauses between two calls of a store that does not answer.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Worker:
    """Holds what all slots of a worker share."""

    id: str
    store: Store
    leases: Leases
    room: Room
    artifact_store: ArtifactStore
    scratch: Scratch
    log: Log
    nox_version: str
    engines: frozenset[str]
    owner: str | None  # of the jobs it takes; None: it takes those of all owners
    lanes: set[str]
    ended: Callable[[], None]  # called when the end of a job was recorded
    slots: int = 1
    durations: Durations = field(default_factory=Durations)
    deadline: Deadline | None = None  # None: it may stay
    observer: Observer = field(default_factory=Observer)
    stopping: threading.Event = field(default_factory=threading.Event)  # claim no more
    abandoning: threading.Event = field(default_factory=threading.Event)  # nor wait for the store

    @property
    def takes_jobs(self) -> bool:
        """Whether it may claim another job; the room's lock is held."""
        is_late = self.deadline is not None and self.deadline.time_s <= 0
        return not (is_late or self.stopping.is_set() or self.room.is_spent)

    def retry(
        self,
        call: Callable[[], T],
        log: Log,
        *,
        borne: type[StoreError] | tuple[type[StoreError], ...] = StoreError,
        give_up: threading.Event | None = None,
    ) -> T:
        """Retry a store call with back-off until the store answers.

        The first refusal is logged; lost connections are logged by the thread that renews leases.

        Args:
            call: calls the store.
            log: where a refusal is logged.
            borne: the errors that are retried.
            give_up: ends the retries once it is set; None: `abandoning` does.

        Raises:
            StoreError: one that is not `borne`, or the last one before the retries ended.
        """
        pause = FIRST_PAUSE_S
        is_logged = False
        while True:
            try:
                return call()
            except borne as error:
                if not (is_logged or isinstance(error, StoreUnreachable | StoreBusy)):
                    what = f"{error.message}; trying again until that changes"
                    log.warning(what)
                    is_logged = True
                if (give_up or self.abandoning).wait(pause):
                    raise
                pause = min(2 * pause, LONGEST_PAUSE_S)
