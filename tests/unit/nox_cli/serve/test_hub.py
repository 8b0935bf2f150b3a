"""The hub: one reader of events for all listeners, which lose and repeat nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from nox_cli.serve import hub as module
from nox_cli.serve.hub import Hub, PartKind, Subscription, wait_until
from tests.support.stores import ADA, BOB, claim, outcome, run_to_end, submit_named
from tests.support.vandal import vandal_of
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine
    from pathlib import Path

    from nox_cli.config.settings import Settings
    from nox_cli.serve.hub import Part
    from tests.conftest import StartRedis
    from workers.job import Job
    from workers.store.base import Store

T = TypeVar("T")
LIMIT_S = 30.0
ADAS, BOBS, ALL = Subscription(owner=ADA), Subscription(owner=BOB), Subscription(owner=None)


@pytest.fixture(autouse=True)
def _short_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub's thread notice soon that it has no listeners."""
    monkeypatch.setattr(module, "WAIT_S", 0.1)


class Reader:
    """A client that reads all that a listener gets."""

    def __init__(self, hub: Hub, wanted: Subscription, cursor: str | None = None, **options: Any) -> None:
        self.parts: list[Part] = []
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._read(hub, replace(wanted, cursor=cursor, **options)))

    async def _read(self, hub: Hub, wanted: Subscription) -> None:
        with hub.listen(wanted) as listener:
            async with aclosing(listener.parts()) as parts:
                async for part in parts:
                    self.parts.append(part)

    @property
    def cursors(self) -> list[str]:
        """The cursors of all events so far."""
        return [
            live.event.cursor for part in self.parts for live in part.events if part.kind is PartKind.EVENTS
        ]

    @property
    def kinds(self) -> list[PartKind]:
        """The kinds of all parts so far."""
        return [part.kind for part in self.parts]

    async def begun(self) -> None:
        """Wait until it gets what happens from now on."""
        await until(lambda: PartKind.CURSOR in self.kinds)

    async def reached(self, cursor: str) -> None:
        """Wait until the event at a cursor is the last that it got."""
        await until(lambda: self.cursors[-1:] == [cursor])

    async def end(self) -> None:
        """Wait until its listener was closed."""
        await self._task

    async def cancel(self) -> None:
        """Disconnect."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; the test's own limit ends it."""
    while not condition():  # noqa: ASYNC110  most conditions are of the store
        await asyncio.sleep(0.005)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test in an event loop of its own, for a bounded time."""
    return asyncio.run(asyncio.wait_for(work, LIMIT_S))


def readers() -> int:
    """Count the threads of hubs."""
    return sum(thread.name == "events" for thread in threading.enumerate())


@asynccontextmanager
async def opened(store: Store) -> AsyncGenerator[Hub, None]:
    """Open a hub; at its end no thread is left."""
    hub = Hub(lambda: store, asyncio.to_thread)
    yield hub
    hub.close()
    await until(lambda: not readers() and not hub.holders)


def stored(store: Store, owner: str | None = None) -> list[str]:
    """Read the cursors of all events, or those of one owner."""
    events = store.events("0", limit=10_000).items
    return [event.cursor for event in events if owner in {None, store.get(event.job_id).owner}]


def test_hub_listeners_continue_at_any_cursor_while_jobs_come(any_store: Store) -> None:
    """
    From each cursor on, each event comes once and in order, whether it was stored before or is live.
    """
    submit_named(any_store, "a b c d")
    begins = ["0", *stored(any_store)]

    async def play() -> dict[str, list[str]]:
        async with opened(any_store) as hub:
            clients = {}
            for begin in begins:
                clients[begin] = Reader(hub, ADAS, begin)
                await asyncio.to_thread(submit_named, any_store, "x y")
            last = stored(any_store)[-1]
            for client in clients.values():
                await client.reached(last)
            return {begin: client.cursors for begin, client in clients.items()}

    found = run(play())
    every = stored(any_store)
    assert {begin: every[every.index(begin) + 1 if begin != "0" else 0 :] for begin in begins} == found


def test_hub_two_owners_never_see_one_another(any_store: Store) -> None:
    """
    Stored events and live ones reach the owner of their job, and listeners to all owners.
    """
    submit_named(any_store, "a b")
    submit_named(any_store, "c", owner=BOB)

    async def play() -> tuple[list[str], ...]:
        async with opened(any_store) as hub:
            clients = [Reader(hub, wanted, "0") for wanted in (ADAS, BOBS, ALL)]
            await until(lambda: len(clients[-1].cursors) == 3)
            submit_named(any_store, "d e")
            submit_named(any_store, "f", owner=BOB)
            await until(lambda: [4, 2, 6] == [len(client.cursors) for client in clients])
            return tuple(client.cursors for client in clients)

    found = run(play())
    assert (stored(any_store, ADA), stored(any_store, BOB), stored(any_store)) == found


def test_hub_events_are_chosen_by_batch_state_and_job(any_store: Store) -> None:
    """
    Each listener gets what it asked for only, of stored and of live events.
    """
    (one,) = submit_named(any_store, "a", batch="b")
    filters = {
        "batch": Subscription(owner=ADA, batch="b"),
        "job": Subscription(owner=ADA, job_id=one),
        "state": Subscription(owner=ADA, states=frozenset({JobState.RUNNING})),
    }

    async def play() -> dict[str, list[tuple[int, str]]]:
        async with opened(any_store) as hub:
            clients = {name: Reader(hub, wanted, "0") for name, wanted in filters.items()}
            every = Reader(hub, ALL, "0")
            await until(lambda: every.cursors)
            run_to_end(any_store, one)
            run_to_end(any_store, submit_named(any_store, "b")[0])
            submit_named(any_store, "c", batch="b")
            await until(lambda: len(every.cursors) == 7)
            await until(lambda: [4, 3, 2] == [len(client.cursors) for client in clients.values()])
            return {
                name: [
                    (live.event.number, str(live.event.state))
                    for part in client.parts
                    for live in part.events
                ]
                for name, client in clients.items()
            }

    assert {
        "batch": [(1, "queued"), (1, "running"), (1, "done"), (3, "queued")],
        "job": [(1, "queued"), (1, "running"), (1, "done")],
        "state": [(1, "running"), (2, "running")],
    } == run(play())


def test_hub_a_listener_without_a_cursor_begins_now(any_store: Store) -> None:
    """
    It gets the cursor of now first; asked to, the states of the jobs before, and then what follows.
    """
    (job_id,) = submit_named(any_store, "a")

    async def play() -> tuple[list[PartKind], list[PartKind], set[str], set[str]]:
        async with opened(any_store) as hub:
            plain, shown = Reader(hub, ADAS), Reader(hub, ADAS, is_shown=True)
            await plain.begun()
            await shown.begun()
            claim(any_store)
            await until(lambda: plain.cursors and shown.cursors)
            states = {live.event.job_id for live in shown.parts[0].events}
            return plain.kinds, shown.kinds, states, {*plain.cursors, *shown.cursors}

    plain, shown, states, cursors = run(play())
    assert [PartKind.CURSOR, PartKind.EVENTS] == plain
    assert [PartKind.SNAPSHOT, PartKind.CURSOR] == shown[:2]
    assert {job_id} == states
    assert {stored(any_store)[-1]} == cursors


@pytest.mark.parametrize("cursor", ["trimmed", "999999999999999"])
def test_hub_a_cursor_that_is_no_longer_stored(any_store: Store, caller: Settings, cursor: str) -> None:
    """
    A gap is reported; the states of the listener's own jobs follow without a cursor of their own.
    """
    ids = submit_named(any_store, "a b c")
    submit_named(any_store, "d", owner=BOB)
    begin = stored(any_store)[0] if cursor == "trimmed" else cursor
    vandal_of(caller.store).forget_events()
    if cursor != "trimmed" and caller.store.redis_url:
        return  # such a cursor is of the future there, and valid

    async def play() -> list[Part]:
        async with opened(any_store) as hub:
            client = Reader(hub, ADAS, begin)
            await client.begun()
            claim(any_store)
            await until(lambda: client.cursors)
            return client.parts

    gap, snapshot, fresh, *_, change = run(play())
    assert (PartKind.GAP, PartKind.SNAPSHOT, PartKind.CURSOR, PartKind.EVENTS) == (
        gap.kind,
        snapshot.kind,
        fresh.kind,
        change.kind,
    )
    assert [begin, begin] == [gap.cursor, snapshot.cursor]
    assert ids == [live.event.job_id for live in snapshot.events]


def test_hub_a_slow_listener_delays_none(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One that does not read while more happens than may wait for it has little in memory, and misses nothing.
    """
    monkeypatch.setattr(module, "KEPT", 10)

    async def play() -> tuple[list[str], int, list[str]]:
        async with opened(any_store) as hub:
            with hub.listen(ADAS) as slow:
                await slow.joined()
                fast = Reader(hub, ADAS)
                await fast.begun()
                for _ in range(5):
                    await asyncio.to_thread(submit_named, any_store, "a b c d e f g")
                    last = stored(any_store)[-1]
                    await fast.reached(last)
                waiting = len(slow._queue)
                found: list[str] = []
                async with aclosing(slow.parts()) as parts:
                    async for part in parts:
                        found += [live.event.cursor for live in part.events]
                        if found[-1:] == [last]:
                            break
                return fast.cursors, waiting, found

    fast, waiting, slow = run(play())
    assert stored(any_store) == fast == slow
    assert 10 == waiting


def test_hub_nothing_is_lost_or_repeated_while_redis_restarts(home: Path, fresh_redis: StartRedis) -> None:
    """
    A listener hears that the store is unreachable and answers again, and gets each event once.
    """
    server = fresh_redis(appendonly="yes", appendfsync="always")
    store = open_store(StoreSettings(server.url, "nox:", home))

    async def play() -> Reader:
        async with opened(store) as hub:
            client = Reader(hub, ADAS)
            await client.begun()
            submit_named(store, "a b")
            await until(lambda: client.cursors)
            await asyncio.to_thread(server.kill)
            await until(lambda: PartKind.AWAY in client.kinds)
            late = Reader(hub, ADAS, client.cursors[0])
            await asyncio.to_thread(server.start)
            submit_named(store, "c d")
            last = stored(store)[-1]
            await client.reached(last)
            await late.reached(last)
            assert client.cursors[1:] == late.cursors
            return client

    client = run(play())
    assert stored(store) == client.cursors
    assert PartKind.BACK in client.kinds
    store.close()


def test_hub_without_listeners_reads_nothing(any_store: Store) -> None:
    """
    Its thread ends after the last listener, and the next one starts it again.
    """

    async def play() -> None:
        async with opened(any_store) as hub:
            for _ in range(2):
                client = Reader(hub, ADAS)
                await client.begun()
                assert 1 == readers()
                await client.cancel()
                await until(lambda: not readers())

    run(play())


def test_hub_a_closed_hub_ends_all_listeners(any_store: Store) -> None:
    """
    Open ones end at once, later ones too.
    """

    async def play() -> None:
        async with opened(any_store) as hub:
            client = Reader(hub, ADAS)
            await client.begun()
            hub.close()
            await client.end()
            await Reader(hub, ADAS).end()

    run(play())


def test_hub_the_listeners_of_one_token_are_ended(any_store: Store) -> None:
    """
    Those of others stay.
    """

    async def play() -> None:
        async with opened(any_store) as hub:
            mine = [Reader(hub, ADAS, holder="a") for _ in range(3)]
            other = Reader(hub, ADAS, holder="b")
            for client in (*mine, other):
                await client.begun()
            assert {"a", "b"} == hub.holders
            hub.end("a")
            for client in mine:
                await client.end()
            assert {"b"} == hub.holders

    run(play())


def test_hub_500_waits_hold_no_thread(any_store: Store) -> None:
    """
    While 500 clients wait for jobs, the hub's thread is the only one; each wait ends with its job.
    """
    ids = [job_id for _ in range(10) for job_id in submit_named(any_store, "a b c d e f g h i j")]

    async def play() -> tuple[int, list[Job]]:
        looks = 0

        async def look(job_id: str) -> Job:
            nonlocal looks
            looks += 1
            return any_store.get(job_id)

        async def wait(hub: Hub, job_id: str) -> Job:
            wanted = Subscription(owner=ADA, job_id=job_id)
            return await wait_until(
                hub, wanted, lambda: look(job_id), lambda job: not job.state.is_final, LIMIT_S
            )

        async with opened(any_store) as hub:
            waits = [asyncio.create_task(wait(hub, job_id)) for job_id in ids * 5]
            before = threading.active_count()
            await until(lambda: len(waits) * 2 == looks)
            assert before + 1 >= threading.active_count()
            for _ in ids:
                any_store.finish(claim(any_store).lease, outcome())
            return looks, await asyncio.gather(*waits)

    looks, jobs = run(play())
    assert {JobState.DONE} == {job.state for job in jobs}
    assert 3 * 500 >= looks


def test_hub_a_wait_for_many_jobs_reads_few_times(any_store: Store) -> None:
    """
    It looks again only once as many jobs have ended as were left.
    """
    ids = submit_named(any_store, "a b c d e f", batch="b")
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        return sum(not job.state.is_final for job in any_store.get_many(ids))

    async def play() -> int:
        async with opened(any_store) as hub:
            waiting = asyncio.create_task(
                wait_until(hub, Subscription(owner=ADA, batch="b"), look, int, LIMIT_S)
            )
            await until(lambda: looks == 2)
            for job_id in ids:
                run_to_end(any_store, job_id)
            return await waiting

    assert 0 == run(play())
    assert 3 == looks


def test_hub_a_wait_ends_when_its_time_is_up(any_store: Store) -> None:
    """
    It returns what there is then; a wait of no time looks once and opens no listener.
    """

    async def look() -> int:
        return 1

    async def play() -> None:
        async with opened(any_store) as hub:
            assert 1 == await wait_until(hub, ADAS, look, int, 0.0)
            assert not readers()
            assert 1 == await wait_until(hub, ADAS, look, int, 0.05)

    run(play())
