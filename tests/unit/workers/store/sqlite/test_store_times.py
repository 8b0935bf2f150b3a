"""The local store when the machine's clock is set: times stay in order, leases do not notice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    OTHER_WORKER,
    WORKER,
    beat,
    claim,
    claimant,
    names,
    new_job,
    outcome,
    submit,
    submit_named,
)
from workers.job import JobState
from workers.store.sqlite.clock import LEASE_MS, Moment, now
from workers.store.sqlite.store import SqliteStore
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_MS = 3_600_000


class Clock:
    """A clock that can be set, and a machine that can be started anew."""

    def __init__(self) -> None:
        self.utc_ms = time.time_ns() // 1_000_000
        self.boot_ms = 100_000
        self.boot = "first"

    def now(self) -> Moment:
        """Read it; each look takes a millisecond."""
        self.boot_ms += 1
        self.utc_ms += 1
        return Moment(self.utc_ms, self.boot_ms, self.boot)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock the store reads."""
    made = Clock()
    monkeypatch.setattr("workers.store.sqlite.store.now", made.now)
    return made


@pytest.fixture
def store(home: Path, clock: Clock) -> Iterator[SqliteStore]:
    """An empty local store under a clock that can be set."""
    assert clock.boot
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


@pytest.mark.parametrize("jump_ms", [-HOUR_MS, HOUR_MS])
def test_a_jobs_times_never_go_backwards(store: SqliteStore, clock: Clock, jump_ms: int) -> None:
    """
    Created, started and ended are in order though the clock was set between them.
    """
    (job_id,) = submit_named(store, "a")
    clock.utc_ms += jump_ms
    lease = claim(store).lease
    clock.utc_ms += jump_ms
    store.give_back(lease, "drained")
    (attempt,) = store.attempts(job_id)
    lease = claim(store).lease
    clock.utc_ms += jump_ms
    store.finish(lease, outcome())
    job = store.get(job_id)

    assert job.created_ms <= (job.started_ms or 0) <= (job.ended_ms or 0)
    assert job.created_ms <= attempt.started_ms <= attempt.ended_ms
    times = [event.at_ms for event in store.events("0").items]
    assert times == sorted(times) or jump_ms < 0
    assert min(times) == job.created_ms


@pytest.mark.parametrize("jump_ms", [-HOUR_MS, HOUR_MS])
def test_store_times_no_lease_is_lost_or_prolonged_by_setting_the_clock(
    store: SqliteStore, clock: Clock, jump_ms: int
) -> None:
    """
    Leases run by a clock nobody can set.
    """
    submit_named(store, "a")
    lease = claim(store).lease
    clock.utc_ms += jump_ms
    assert () == store.tick(beat(OTHER_WORKER)).reaped
    clock.boot_ms += LEASE_MS // 2
    assert () == store.tick(beat(OTHER_WORKER)).reaped
    clock.boot_ms += LEASE_MS // 2

    assert (lease.job_id,) == store.tick(beat(OTHER_WORKER)).reaped


def test_a_machine_that_slept_takes_no_job_from_its_workers(store: SqliteStore, clock: Clock) -> None:
    """
    Nobody was heard of for longer than a lease: each worker has one lease more to come back, its lane too.
    """
    (job_id, reserved) = submit_named(store, "a") + submit_named(store, "b", lane=WORKER)
    for worker in (WORKER, OTHER_WORKER):
        store.tick(beat(worker))
    claim(store)
    clock.boot_ms += HOUR_MS
    assert () == store.tick(beat(OTHER_WORKER)).reaped
    assert WORKER == store.get(reserved).lane
    clock.boot_ms += LEASE_MS - 500
    assert () == store.tick(beat(OTHER_WORKER)).reaped
    clock.boot_ms += 500

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    assert "" == store.get(reserved).lane


def test_a_claim_that_is_repeated_has_a_whole_lease_again(store: SqliteStore, clock: Clock) -> None:
    """
    Whoever had to ask twice does not pay for it with its time.
    """
    submit_named(store, "a")
    asked = claimant()
    first = store.claim(asked)
    clock.boot_ms += LEASE_MS - 500
    assert first == store.claim(asked)
    clock.boot_ms += LEASE_MS - 500

    assert () == store.tick(beat(OTHER_WORKER)).reaped


def test_a_lease_ends_with_the_boot(store: SqliteStore, clock: Clock) -> None:
    """
    After a power cut whatever ran is taken back at once, though the new boot's clock is behind.
    """
    (job_id,) = submit_named(store, "a")
    claim(store)
    clock.boot, clock.boot_ms = "second", 1_000

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    assert (JobState.QUEUED, 1) == (store.get(job_id).state, store.get(job_id).losses)


def test_the_next_lease_to_end_is_announced(store: SqliteStore, clock: Clock) -> None:
    """
    The soonest of all running leases; one that is over falls due at once.
    """
    submit_named(store, "a b")
    claim(store)
    clock.boot_ms += 2_000
    claim(store)

    due = store.tick(beat(OTHER_WORKER)).next_event_s
    assert due is not None
    assert 3.9 <= due <= 4.0


def test_a_worker_looks_after_others(store: SqliteStore) -> None:
    """
    A death is told by a lock, not by a time: as long as there are others it is looked for every second.
    """
    assert store.tick(beat(WORKER)).next_event_s is None
    assert 1.0 == store.tick(beat(OTHER_WORKER)).next_event_s
    store.leave(WORKER)

    assert store.tick(beat(OTHER_WORKER)).next_event_s is None


def test_lists_by_creation_are_in_the_order_of_creation(store: SqliteStore, clock: Clock) -> None:
    """
    Whatever the clock showed, the newest job is the one that was stored last.
    """
    for name, jump_ms in (("a", 0), ("b", HOUR_MS), ("c", -2 * HOUR_MS), ("d", 0)):
        clock.utc_ms += jump_ms
        submit_named(store, name)

    for sort in (SortKey.NUMBER, SortKey.CREATED):
        assert ["d", "c", "b", "a"] == names(store.page(Query(sort=sort)).items)


@pytest.mark.parametrize("descending", [True, False])
def test_since_holds_though_the_clock_was_set_back(
    store: SqliteStore, clock: Clock, descending: bool
) -> None:
    """
    Every job whose record says so is listed, and no other.
    """
    begin = clock.utc_ms
    for name, jump_ms in (
        ("before", 0),
        ("ahead", 2 * HOUR_MS),
        ("back", -3 * HOUR_MS),
        ("later", 2 * HOUR_MS),
    ):
        clock.utc_ms += jump_ms
        submit_named(store, name)
    found = names(store.page(Query(since_ms=begin + HOUR_MS // 2, descending=descending)).items)

    assert {"ahead", "later"} == set(found)
    assert found == sorted(found, reverse=descending)


def test_since_starts_where_the_first_such_job_is(store: SqliteStore, clock: Clock) -> None:
    """
    A list of the last hour looks at none of what is older, with and without a state or a batch.
    """
    submit(store, *(new_job("old", batch="x") for _ in range(30)))
    clock.utc_ms += HOUR_MS
    since = clock.utc_ms
    submit(store, *(new_job("new", batch="x") for _ in range(3)))

    for wanted in (
        Query(since_ms=since),
        Query(since_ms=since, descending=False),
        Query(since_ms=since, batch="x"),
        Query(since_ms=since, states=frozenset({JobState.QUEUED})),
        Query(since_ms=since, sort=SortKey.PRIORITY),
    ):
        page = store.page(wanted)
        assert (["new"] * 3, "") == (names(page.items), page.cursor)
    assert () == store.page(Query(since_ms=since + HOUR_MS)).items


def test_a_lane_waits_for_a_worker_that_has_not_spoken_yet(store: SqliteStore, clock: Clock) -> None:
    """
    Who submits into a lane has one lease to say that it lives; then the jobs are anyone's.
    """
    (job_id,) = submit_named(store, "a", lane=WORKER)
    store.tick(beat(OTHER_WORKER))
    assert WORKER == store.get(job_id).lane
    clock.utc_ms += LEASE_MS + 100
    store.tick(beat(OTHER_WORKER))

    assert "" == store.get(job_id).lane


def test_a_lane_is_kept_while_its_worker_speaks(store: SqliteStore, clock: Clock) -> None:
    """
    However long its jobs wait; when it falls silent for a lease, they are anyone's.
    """
    (job_id,) = submit_named(store, "a", lane=WORKER)
    for _ in range(4):
        store.tick(beat(WORKER))
        clock.utc_ms += LEASE_MS // 2
        clock.boot_ms += LEASE_MS // 2
        store.tick(beat(OTHER_WORKER))
    assert WORKER == store.get(job_id).lane
    for _ in range(2):
        clock.boot_ms += LEASE_MS // 2
        store.tick(beat(OTHER_WORKER))

    assert "" == store.get(job_id).lane


def test_workers_are_forgotten_after_a_day(store: SqliteStore, clock: Clock) -> None:
    """
    Who was not heard of for a day is listed no more; nonsense about one hides no other.
    """
    store.tick(beat(WORKER))
    clock.utc_ms += 25 * HOUR_MS
    store.tick(beat(OTHER_WORKER))
    with store._database.write() as connection:
        connection.execute(
            "INSERT INTO workers SELECT 'x-1-a', '{', last_seen_ms, last_seen_ms, 0, '' FROM workers"
        )

    assert [OTHER_WORKER] == [seen.beat.worker for seen in store.workers()]


def test_the_clock_for_leases_is_not_the_one_people_set() -> None:
    """
    It counts from the boot, and the boot has a name.
    """
    moment = now()

    assert moment.boot_ms < moment.utc_ms
    assert moment.boot
