"""The leases of a worker, and the thread that renews them and ticks; it does nothing slow besides."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from workers.errors import NoxOutdated, StoreBusy, StoreError, StoreUnreachable
from workers.keeper.keeper import Stop
from workers.runtime.observer import Observer
from workers.store.base import LEASE_S, RENEW_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.job import Lease
    from workers.logs import Log
    from workers.store.base import Store
    from workers.store.values import Beat

# How soon the store is called again while it is unreachable.
RETRY_EVERY_S = 0.5
# The least time between two ticks, if something falls due.
TICK_AFTER_S = 0.2
# The least time between two ticks, if a slot found no job.
HURRIED_AFTER_S = 0.5


class Leases:
    """Renews the leases that a worker holds, until each is dropped.

    While the store is unreachable, no job is stopped.  After that, ticks do not requeue the jobs of silent
    workers, which may have been disconnected too, until the store has answered for as long as a lease lasts.
    """

    def __init__(
        self,
        store: Store,
        beat: Callable[[], Beat],
        log: Log,
        found: Callable[[], None],
        observer: Observer | None = None,
    ) -> None:
        """Prepare the thread; `start` starts it.

        Args:
            store: the store of the leases.
            beat: returns the beat that this worker sends with each tick.
            log: where lost and regained connections are logged.
            found: called when a tick has put jobs into the queue.
            observer: receives how many jobs a tick requeued.
        """
        self._store = store
        self._found = found
        self._observer = observer or Observer()
        self._beat = beat
        self._log = log
        self._held: dict[Lease, Callable[[Stop], None]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._hurried = threading.Event()
        self._ticked_at = float("-inf")  # monotonic
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        self._contact_since: float | None = None  # monotonic; None: there is none
        self.refused = ""  # why this worker may no longer write to the store
        self._next_s = RENEW_EVERY_S  # until something is to be done again

    def start(self, *, is_patient: bool = False) -> None:
        """Send the first beat of this worker, and start the thread.

        Args:
            is_patient: start even if the store is unreachable now, as it may be later.

        Raises:
            StoreError: the store cannot be used.
        """
        self._contact_since = time.monotonic()
        try:
            self._tick()
        except (StoreUnreachable, StoreBusy) as error:
            if not is_patient:
                raise
            self._next_s = RETRY_EVERY_S
            self._out_of_contact(error)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; no lease is renewed any more."""
        self._ended.set()
        self._hurried.set()
        if self._thread.is_alive():
            self._thread.join()

    def hold(self, lease: Lease, stop: Callable[[Stop], None]) -> None:
        """Renew a lease from now on; call `stop` when it is lost or its job is to be cancelled."""
        with self._lock:
            self._held[lease] = stop

    def drop(self, lease: Lease) -> None:
        """Renew a lease no longer."""
        with self._lock:
            self._held.pop(lease, None)

    def hurry(self) -> None:
        """Tick soon: a job that falls due before the next tick may have been stored since the last one."""
        self._hurried.set()

    def _run(self) -> None:
        due = time.monotonic() + self._next_s
        while True:
            if self._hurried.wait(max(0.0, due - time.monotonic())):
                self._hurried.clear()
                due = min(due, self._ticked_at + HURRIED_AFTER_S)
            if self._ended.is_set():
                return
            if time.monotonic() < due:
                continue
            began = time.monotonic()
            due = began + RENEW_EVERY_S
            try:
                self._keep_up()
                due = began + self._next_s
            except NoxOutdated as error:
                self.refused = error.what
                due = time.monotonic() + RETRY_EVERY_S
            except StoreError as error:
                due = time.monotonic() + RETRY_EVERY_S
                self._out_of_contact(error)
            except Exception as error:  # noqa: BLE001 - without this thread every lease would be lost
                self._log.error(f"unexpected while renewing leases: {error!r}")

    def _keep_up(self) -> None:
        """Renew the leases, stop jobs as the answer demands, and tick."""
        with self._lock:
            held = dict(self._held)
        if held:
            self._renew(held)
        self._tick()

    def _tick(self) -> None:
        self._ticked_at = time.monotonic()
        since = self._ticked_at if self._contact_since is None else self._contact_since
        wait_s = since + LEASE_S - self._ticked_at
        tick = self._store.tick(self._beat(), may_reap=wait_s <= 0)
        self._in_contact()
        if tick.reaped:
            self._observer.took_back(len(tick.reaped))
        if tick.reaped or tick.released:
            self._found()
        due_s = RENEW_EVERY_S if tick.next_event_s is None else tick.next_event_s
        if wait_s > 0:
            due_s = min(due_s, wait_s)
        self._next_s = min(RENEW_EVERY_S, max(due_s, TICK_AFTER_S))

    def _renew(self, held: dict[Lease, Callable[[Stop], None]]) -> None:
        for renewal in self._store.renew(list(held)):
            if not renewal.alive:
                held[renewal.lease](Stop.LOST)
            elif renewal.cancel_requested:
                held[renewal.lease](Stop.CANCEL)

    def _in_contact(self) -> None:
        if self._contact_since is None:
            self._contact_since = time.monotonic()
            self._log.info("in contact with the store again")

    def _out_of_contact(self, error: StoreError) -> None:
        if self._contact_since is not None:
            self._contact_since = None
            self._log.warning(f"out of contact with the store: {error.message}; jobs go on")
