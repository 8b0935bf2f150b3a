"""The store's contract: the change stream."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import claim, failed, outcome, run_to_end, submit_named
from tests.support.waiting import wait_until
from workers.errors import UsageError
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.values import Event

LONG_S = 20.0


def test_every_change_is_told_once_and_in_order(store: Store) -> None:
    """
    Submit, claim and end each append one event, with the job's number, attempt, reason and batch.
    """
    a, b = submit_named(store, "a b", batch="screen")
    run_to_end(store, a)
    run_to_end(store, b, failed(Reason.SCF))

    number = store.get(a).number
    told = [
        (event.job_id, event.number, event.state, event.attempt, event.reason, event.batch)
        for event in store.events("0").items
    ]
    assert [
        (a, number, JobState.QUEUED, 0, None, "screen"),
        (b, number + 1, JobState.QUEUED, 0, None, "screen"),
        (a, number, JobState.RUNNING, 1, None, "screen"),
        (a, number, JobState.DONE, 1, None, "screen"),
        (b, number + 1, JobState.RUNNING, 1, None, "screen"),
        (b, number + 1, JobState.FAILED, 1, Reason.SCF, "screen"),
    ] == told


def test_events_have_the_times_of_their_jobs(store: Store) -> None:
    """
    The stream and the record tell the same times.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id)
    job = store.get(job_id)

    assert [job.created_ms, job.started_ms, job.ended_ms] == [
        event.at_ms for event in store.events("0").items
    ]


def test_store_events_from_now_on_begins_with_nothing(store: Store) -> None:
    """
    Without a cursor the past is passed over; the fresh cursor sees what comes after, and nothing twice.
    """
    submit_named(store, "past")
    now = store.events(None)
    (job_id,) = submit_named(store, "next")
    after = store.events(now.cursor)

    assert () == now.items
    assert [job_id] == [event.job_id for event in after.items]
    assert () == store.events(after.cursor).items


def test_the_cursor_of_an_empty_store_works(store: Store) -> None:
    """
    A reader who came first misses nothing.
    """
    now, oldest = store.events(None), store.events("0")
    (job_id,) = submit_named(store, "a")

    assert [job_id] == [event.job_id for event in store.events(now.cursor).items]
    assert [job_id] == [event.job_id for event in store.events(oldest.cursor).items]


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_the_stream_is_read_in_stretches(store: Store, limit: int) -> None:
    """
    With any limit, going on from cursor to cursor tells everything once.
    """
    submit_named(store, "a b c d e")
    cursor = "0"
    told: list[Event] = []
    while part := store.events(cursor, limit=limit):
        if not part.items:
            break
        assert len(part.items) <= limit
        told += part.items
        cursor = part.cursor

    assert list(store.events("0").items) == told
    assert 5 == len(told)


def test_store_events_one_can_go_on_from_any_event(store: Store) -> None:
    """
    Each event carries a cursor of its own.
    """
    submit_named(store, "a b c")
    told = store.events("0").items

    assert told[1:] == store.events(told[0].cursor).items
    assert 3 == len({event.cursor for event in told})


def test_a_waiting_reader_is_woken(store: Store, another: Store) -> None:
    """
    What happens in another process ends the wait; nobody waits for the whole time.
    """
    cursor = store.events(None).cursor
    with ThreadPoolExecutor(1) as threads:
        started = time.monotonic()
        reading = threads.submit(store.events, cursor, wait_s=LONG_S)
        (job_id,) = submit_named(another, "a")
        found = reading.result(timeout=LONG_S)

    assert [job_id] == [event.job_id for event in found.items]
    assert time.monotonic() - started < LONG_S / 2


def test_a_reader_who_waited_in_vain_gets_a_cursor(store: Store) -> None:
    """
    Nothing happened: nothing is told, and the cursor is good to go on from.
    """
    cursor = store.events(None).cursor
    nothing = store.events(cursor, wait_s=0.05)
    (job_id,) = submit_named(store, "a")

    assert () == nothing.items
    assert [job_id] == [event.job_id for event in store.events(nothing.cursor).items]


def test_the_store_is_used_while_a_reader_waits(store: Store) -> None:
    """
    A thread that waits for events holds nobody up.
    """
    cursor = store.events(None).cursor
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(store.events, cursor, wait_s=LONG_S)
        wait_until(lambda: {} == dict(store.counts()) and reading.running(), 30, "the reader")
        (job_id,) = submit_named(store, "a")
        store.finish(claim(store).lease, outcome())

        assert job_id == reading.result(timeout=LONG_S).items[0].job_id


@pytest.mark.parametrize("cursor", ["rubbish", "1-2-3", "-1", "$", "+", "*", "", "0x1", "\N{SNOWMAN}"])
def test_a_cursor_nobody_gave_out_is_refused(store: Store, cursor: str) -> None:
    """
    A mistyped cursor is the caller's mistake, and told so.
    """
    with pytest.raises(UsageError):
        store.events(cursor)


def test_a_reader_who_fell_behind_is_told(store: Store, vandal: Vandal) -> None:
    """
    If older events than asked for are gone, the rest comes with a word about it, and a cursor that is good.
    """
    submit_named(store, "a b c")
    behind, upto = (store.events("0").items[i].cursor for i in (0, -1))
    vandal.forget_events()

    assert store.events(behind).truncated
    assert not store.events(upto).truncated
    (job_id,) = submit_named(store, "d")
    assert job_id == store.events(behind).items[-1].job_id
