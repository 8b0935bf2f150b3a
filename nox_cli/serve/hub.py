"""Live events for all listeners of one server: one thread reads the store, and no listener holds one.

The hub keeps the newest events.  A listener that begins at an older cursor, or that falls behind, reads the
store until it has reached one of them; from there the hub feeds it.  So no event is lost or repeated when a
client reconnects, to this server or to another one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, deque
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from nox_cli.selectors.reader import CHUNK
from workers.errors import StoreError, UsageError
from workers.job import FINAL
from workers.store.values import Event, Events, Page, Query, SortKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

    from workers.job import JobState
    from workers.store.base import Store

T = TypeVar("T")
# The number of the newest events in memory, and of those that may wait for one listener.
KEPT = 2_000
# Seconds that one read of the store waits for an event, and between reads of an unreachable store.
WAIT_S, AWAY_S = 1.0, 0.5
# Seconds between two reads that found events: listeners are woken at most so often, each for several events.
PAUSE_S = 0.1
# Seconds between two signs of life to a listener.
BEAT_S = 15.0
# The number of jobs whose owners are known.
_OWNERS = 50_000

Key = tuple[str, str]


class InThread(Protocol):
    """Runs a function that blocks in a thread of a bounded pool."""

    def __call__(self, work: Callable[..., T], /, *args: object) -> Awaitable[T]:
        """Return what it returns, and raise what it raises."""


class LiveEvent:
    """An event with the owner of its job.  All listeners share it, and so its encoded form."""

    __slots__ = ("block", "event", "owner")

    def __init__(self, event: Event, owner: str) -> None:
        self.event = event
        self.owner = owner
        self.block = b""  # its encoded form, once a listener needed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The events that a listener gets, and the token on whose behalf."""

    owner: str | None  # of the jobs; None: of every owner
    batch: str = ""
    job_id: str = ""
    states: frozenset[JobState] = frozenset()  # empty: all
    cursor: str | None = None  # the one after which it begins; None: it begins now
    is_shown: bool = False  # if it begins now, the states of the jobs come first
    holder: str = ""  # the token

    @property
    def key(self) -> Key:
        """The key under which the hub finds the listener: every event that it gets has this key."""
        if self.job_id:
            return "job", self.job_id
        if self.batch:
            return "batch", self.batch
        return ("all", "") if self.owner is None else ("owner", self.owner)

    @property
    def query(self) -> Query:
        """The query for the jobs of these events."""
        return Query(
            owner=self.owner,
            batch=self.batch,
            states=self.states,
            sort=SortKey.NUMBER,
            descending=False,
            limit=CHUNK,
        )

    def takes(self, live: LiveEvent) -> bool:
        """Whether the listener gets an event."""
        event = live.event
        return (
            self.owner in {None, live.owner}
            and self.job_id in {"", event.job_id}
            and self.batch in {"", event.batch}
            and (not self.states or event.state in self.states)
        )


class PartKind(Enum):
    """The kinds of parts of a stream."""

    EVENTS = auto()
    GAP = auto()  # events after the cursor are no longer stored: the state of every job follows
    SNAPSHOT = auto()  # states of jobs as they are now
    CURSOR = auto()  # the cursor only
    BEAT = auto()  # the cursor, as a sign of life
    AWAY = auto()  # the store is unreachable
    BACK = auto()  # the store answers again


class Part(NamedTuple):
    """Some events, or a remark, for one listener; the stream continues at `cursor`."""

    kind: PartKind
    cursor: str
    events: Sequence[LiveEvent] = ()


class _Round(NamedTuple):
    """The result of one read of the store."""

    cursor: str | None = None  # None: the store is unreachable
    events: Sequence[LiveEvent] = ()
    is_fresh: bool = False  # what happened since the round before is not known


class Hub:
    """Reads the events of a store, while there are listeners, and feeds them.

    All its methods run in the event loop, except those that are named as functions of a thread.
    """

    def __init__(self, store: Callable[[], Store], call: InThread) -> None:
        """Prepare to read.

        Args:
            store: returns the store, and may block and raise StoreError; it is called in threads only.
            call: runs what blocks in a thread.
        """
        self.call = call
        self.is_away = False
        self.cursor: str | None = None  # that has been reached; None: nothing was read so far
        self._store = store
        self._owners: dict[str, str] = {}
        self._recent: deque[LiveEvent] = deque()
        self._oldest: str | None = None  # the cursor before the first of the recent events
        self._listeners: set[Listener] = set()
        self._live: dict[Key, set[Listener]] = {}
        self._thread: Thread | None = None
        self._is_closed = False
        self._streams: Counter[str] = Counter()  # open ones, by token
        self._beat_at = 0.0

    @property
    def holders(self) -> set[str]:
        """The tokens on whose behalf listeners are open."""
        return {listener.wanted.holder for listener in self._listeners}

    def streams(self, holder: str) -> int:
        """Count the open streams of a token."""
        return self._streams[holder]

    def begin_stream(self, holder: str) -> None:
        """Count a stream of a token as open, until `end_stream`."""
        self._streams[holder] += 1

    def end_stream(self, holder: str) -> None:
        """Count a stream of a token no longer."""
        self._streams -= Counter((holder,))

    @contextmanager
    def listen(self, wanted: Subscription) -> Iterator[Listener]:
        """Open a listener."""
        listener = Listener(self, wanted)
        listener.is_closed = self._is_closed
        self._listeners.add(listener)
        if self._thread is None and not self._is_closed:
            self.cursor, self._oldest = None, None
            self._recent.clear()
            self._beat_at = time.monotonic() + BEAT_S
            loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._run, args=(loop,), name="events", daemon=True)
            self._thread.start()
        try:
            yield listener
        finally:
            self.leave(listener)
            self._listeners.discard(listener)

    def end(self, holder: str) -> None:
        """End the listeners of a token."""
        for listener in self._listeners:
            if listener.wanted.holder == holder:
                listener.close()

    def close(self) -> None:
        """End all listeners, now and in future; the thread ends by itself."""
        self._is_closed = True
        for listener in self._listeners:
            listener.close()

    def rest(self) -> None:
        """Wait for the thread of a closed hub, for a bounded time.  A function of a thread."""
        if (thread := self._thread) is not None:
            thread.join(2 * WAIT_S)

    def join(self, listener: Listener) -> bool:
        """Feed a listener from its cursor on, if that is among the recent ones.

        It gets the recent events after its cursor at once.
        """
        if self.cursor is None:
            return False
        missed = () if listener.cursor is None else self._after(listener.cursor)
        if missed is None:
            return False
        for live in missed:
            listener.put(live)
        self._live.setdefault(listener.wanted.key, set()).add(listener)
        return True

    def leave(self, listener: Listener) -> None:
        """Stop feeding a listener."""
        key = listener.wanted.key
        members = self._live.get(key, set())
        members.discard(listener)
        if not members:
            self._live.pop(key, None)

    def _after(self, cursor: str) -> list[LiveEvent] | None:
        """Find the recent events after a cursor; None: it is none of theirs."""
        if cursor == self.cursor:
            return []
        newer: list[LiveEvent] = []
        for live in reversed(self._recent):
            if live.event.cursor == cursor:
                return newer[::-1]
            newer.append(live)
        return newer[::-1] if cursor == self._oldest else None

    def owned(self, found: Sequence[Event]) -> list[LiveEvent]:
        """Find the owners of the jobs of events.  A function of a thread.

        A job that was removed has none any more: its events are for listeners to all owners only.

        Raises:
            StoreError: the store cannot be read.
        """
        ids = {event.job_id for event in found}
        owners = {job_id: owner for job_id in ids if (owner := self._owners.get(job_id))}
        if missing := list(ids - owners.keys()):
            fresh = {one.id: sys.intern(one.owner) for one in self._store().outlines(missing)}
            owners |= fresh
            if len(self._owners) > _OWNERS:
                self._owners.clear()
            self._owners.update(fresh)
        return [LiveEvent(event, owners.get(event.job_id, "")) for event in found]

    def read(self, cursor: str | None) -> tuple[Events, list[LiveEvent]]:
        """Read the events after a cursor that are stored now.  A function of a thread.

        Raises:
            UsageError: the cursor is not one of this store's.
            StoreError: the store cannot be read.
        """
        found = self._store().events(cursor, limit=CHUNK)
        return found, self.owned(found.items)

    def states(self, wanted: Subscription, position: str, cursor: str) -> tuple[list[LiveEvent], str]:
        """Read one page of jobs as they are now.  A function of a thread.

        Args:
            wanted: which jobs.
            position: the end of the page before; empty: this is the first.
            cursor: that of the events.

        Returns:
            The states as events, and the end of the page; empty: it is the last.

        Raises:
            StoreError: the store cannot be read.
        """
        if wanted.job_id:
            page = Page(tuple(self._store().get_many([wanted.job_id])), "")
        else:
            page = self._store().page(wanted.query._replace(cursor=position))
        lives = [LiveEvent(Event.of(job, cursor), job.owner) for job in page.items]
        return [live for live in lives if wanted.takes(live)], page.cursor

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the store until there is no listener.  The function of the hub's own thread."""
        cursor: str | None = None
        try:
            while self._hand_over(found := self._round(cursor), loop):
                cursor = found.cursor or cursor
                if found.cursor is None:
                    time.sleep(AWAY_S)
                elif found.events:
                    time.sleep(PAUSE_S)
        except Exception:
            if not self._is_closed:  # a bug: the clients reconnect
                loop.call_soon_threadsafe(self._fail)
                raise

    def _hand_over(self, found: _Round, loop: asyncio.AbstractEventLoop) -> bool:
        """Have the event loop take over what was read, and wait until it has; false: the thread ends."""
        taken: Future[bool] = Future()

        def take() -> None:
            try:
                taken.set_result(self._take(found))
            except Exception as error:  # noqa: BLE001  the thread raises it
                taken.set_exception(error)

        loop.call_soon_threadsafe(take)
        return taken.result()

    def _round(self, cursor: str | None) -> _Round:
        try:
            if cursor is not None:
                found = self._store().events(cursor, limit=CHUNK, wait_s=WAIT_S)
                if not found.truncated:
                    return _Round(found.cursor, self.owned(found.items))
        except UsageError:  # another store is at this place now
            pass
        except StoreError:
            return _Round()
        try:
            return _Round(self._store().events(None).cursor, is_fresh=True)
        except StoreError:
            return _Round()

    def _take(self, found: _Round) -> bool:
        """Take over what was read; false: there are no listeners, and the thread ends."""
        if self._is_closed or not self._listeners:
            self._thread = None
            return False
        is_away, self.is_away = self.is_away, found.cursor is None
        if found.is_fresh:
            self._begin_anew(found.cursor)
        for live in found.events:
            self._feed(live)
        has_moved = found.cursor not in {None, self.cursor}
        self.cursor = found.cursor or self.cursor
        now = time.monotonic()
        is_due = now >= self._beat_at
        if is_due:
            self._beat_at = now + BEAT_S
        if has_moved or is_due or found.is_fresh or is_away != self.is_away:
            self._wake(is_due=is_due, is_everyone=is_due or is_away != self.is_away)
        return True

    def _begin_anew(self, cursor: str | None) -> None:
        """Begin at a cursor; listeners read in the store what came before."""
        for listener in [one for members in self._live.values() for one in members]:
            listener.fall_behind()
        self._recent.clear()
        self._oldest = self.cursor = cursor

    def _feed(self, live: LiveEvent) -> None:
        """Keep an event, and hand it to the listeners that want it."""
        self._recent.append(live)
        if len(self._recent) > KEPT:
            self._oldest = self._recent.popleft().event.cursor
        event = live.event
        for key in (("job", event.job_id), ("batch", event.batch), ("owner", live.owner), ("all", "")):
            for listener in tuple(self._live.get(key, ())):
                listener.put(live)

    def _wake(self, *, is_due: bool, is_everyone: bool) -> None:
        """Wake listeners that are not fed, since they may be now, or all."""
        for listener in self._listeners:
            listener.is_beat_due |= is_due
            if is_everyone or not listener.is_live:
                listener.wake()

    def _fail(self) -> None:
        """End all listeners after an error that was not expected: their clients reconnect."""
        self._thread = None
        for listener in self._listeners:
            listener.close()


class Listener:
    """One client's place in the stream of events; `Hub.listen` makes it."""

    def __init__(self, hub: Hub, wanted: Subscription) -> None:
        self.wanted = wanted
        self.cursor = wanted.cursor  # all events up to here were returned; None: it has not begun
        self.is_live = False  # the hub feeds it
        self.is_closed = False
        self.is_beat_due = False
        self._hub = hub
        self._queue: deque[LiveEvent] = deque()
        self._woken = asyncio.Event()
        self._is_away = False
        self._is_shown = wanted.is_shown

    def put(self, live: LiveEvent) -> None:
        """Take an event from the hub, if it is wanted; one that cannot take more reads the store later."""
        if not self.wanted.takes(live):
            return
        if len(self._queue) >= KEPT:
            self.fall_behind()
            return
        self._queue.append(live)
        self._woken.set()

    def fall_behind(self) -> None:
        """Leave the hub: from the last event that waits here on, the store is read."""
        self._hub.leave(self)
        self.is_live = False
        if not self._queue:
            self.cursor = self._hub.cursor
        self._woken.set()

    def wake(self) -> None:
        """Have it look at the hub again."""
        self._woken.set()

    def close(self) -> None:
        """End its stream before the next part."""
        self.is_closed = True
        self._woken.set()

    async def joined(self) -> None:
        """Wait until the hub feeds it from now on, or it was closed; for one that gets no parts."""
        self.cursor = None
        while not (self.is_closed or self._join()):
            await self._wait()

    async def news(self) -> list[LiveEvent] | None:
        """Wait for events, or the end of the listener; None: some may have been missed.

        The listener must have joined, and gets no parts.
        """
        while self.is_live and not (self.is_closed or self._queue):
            await self._wait()
        events = list(self._queue)
        self._queue.clear()
        if self.is_live:
            return events
        await self.joined()
        return None

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Yield what happens after the cursor, until the listener is closed.

        After a gap come the states of all jobs, in parts without a cursor of their own, then a cursor.
        """
        while not self.is_closed:
            if self._queue:
                yield self._drained()
            elif (remark := self._remark()) is not None:
                yield remark
            elif self.is_live or self._hub.is_away or self._hub.cursor is None:
                await self._wait()
            elif self._is_shown and self.cursor is None:
                async for part in self._snapshot():
                    yield part
            elif self._join():
                if not self._queue:  # the client learns where it is, and that nothing is missing
                    yield Part(PartKind.CURSOR, self._reached())
            else:
                async for part in self._read_on():
                    yield part

    def _join(self) -> bool:
        self.is_live = self.is_live or self._hub.join(self)
        return self.is_live

    async def _wait(self) -> None:
        await self._woken.wait()
        self._woken.clear()

    def _drained(self) -> Part:
        """Return the oldest events that wait, and move the cursor."""
        events = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
        if self._queue or not self.is_live:
            self.cursor = events[-1].event.cursor
        return Part(PartKind.EVENTS, self._reached(), events)

    def _reached(self) -> str:
        """Return the cursor; of a listener without events that wait, it is the hub's."""
        if self.is_live and not self._queue:
            self.cursor = self._hub.cursor
        return self.cursor or ""

    def _remark(self) -> Part | None:
        """Report the reachability of the store when it has changed, else a beat when it is due."""
        if self._is_away != self._hub.is_away:
            self._is_away = self._hub.is_away
            return Part(PartKind.AWAY if self._is_away else PartKind.BACK, self._reached())
        if self.is_beat_due:
            self.is_beat_due = False
            return Part(PartKind.BEAT, self._reached())
        return None

    async def _read_on(self) -> AsyncGenerator[Part, None]:
        """Read one chunk of the store after the cursor; wait for the hub if there is none so far."""
        self._woken.clear()
        try:
            found, lives = await self._hub.call(self._hub.read, self.cursor)
        except UsageError:  # the cursor of another store, perhaps of one that was at this place
            found, lives = Events((), "", truncated=True), []
        except StoreError:
            await asyncio.sleep(AWAY_S)
            return
        if found.truncated:
            yield Part(PartKind.GAP, self.cursor or "")
            async for part in self._snapshot():
                yield part
            return
        wanted = [live for live in lives if self.wanted.takes(live)]
        self.cursor = found.cursor
        if wanted:
            yield Part(PartKind.EVENTS, found.cursor, wanted)
        elif not found.items:
            await self._wait()

    async def _snapshot(self) -> AsyncGenerator[Part, None]:
        """Read the states of all jobs as they are now; changes that happen meanwhile come afterwards, too.

        The cursor moves at the end only: a client that reconnects in between gets all of it again.
        """
        call, hub, begun = self._hub.call, self._hub, self.cursor or ""
        try:
            fresh, _ = await call(hub.read, None)
            position: str | None = None
            while position != "":
                lives, position = await call(hub.states, self.wanted, position or "", begun or fresh.cursor)
                if lives:
                    yield Part(PartKind.SNAPSHOT, begun, lives)
        except StoreError:
            await asyncio.sleep(AWAY_S)
            return
        self.cursor = fresh.cursor
        yield Part(PartKind.CURSOR, fresh.cursor)


async def wait_until(
    hub: Hub,
    wanted: Subscription,
    look: Callable[[], Awaitable[T]],
    left: Callable[[T], int],
    limit_s: float,
) -> T:
    """Look at jobs until all of them have ended, `limit_s` have passed or the hub closes.

    Args:
        hub: the source of events.
        wanted: the events of these jobs.
        look: reads the jobs.
        left: counts those that have not ended.
        limit_s: the time that it takes at most; 0: one look.

    Returns:
        What the last look found.

    Raises what `look` raises.
    """
    found = await look()
    if limit_s <= 0 or not left(found):
        return found
    with hub.listen(wanted) as listener:
        try:
            async with asyncio.timeout(limit_s):
                await listener.joined()
                while not listener.is_closed and (count := left(found := await look())):
                    # Before that many have ended, a look would find some that have not.
                    while count > 0 and (events := await listener.news()):
                        count -= sum(live.event.state in FINAL for live in events)
        except TimeoutError:
            return await look()
    return found
