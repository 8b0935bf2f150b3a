"""The thread that keeps leases alive, ticks, and bears a store that is away."""

from __future__ import annotations

import io
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import beat, claim, failed, new_job, submit
from tests.support.waiting import wait_until
from tests.support.workshop import Away
from workers.job import JobState, Reason
from workers.keeper.keeper import Stop
from workers.logs import Log
from workers.runtime import leases
from workers.runtime.leases import Leases
from workers.runtime.observer import Observer
from workers.store.sqlite.store import SqliteStore
from workers.store.values import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.job import Lease
    from workers.store.values import Beat

ALWAYS = 1_000_000


class Office:
    """A lease thread over a real local store."""

    def __init__(self, home: Path) -> None:
        self.store = SqliteStore.open(home)
        self.away = Away(self.store)
        self.text = io.StringIO()
        self.found = 0
        away: Any = self.away
        self.leases = Leases(away, beat, Log(self.text), self._find)

    def _find(self) -> None:
        self.found += 1

    def claim(self) -> Lease:
        """Have a job that runs."""
        submit(self.store, new_job())
        return claim(self.store).lease

    def count(self, name: str) -> int:
        """How often a call was made."""
        return self.away.calls.count(name)


@pytest.fixture
def office(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office where everything goes on faster."""
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.02)
    monkeypatch.setattr(leases, "RETRY_EVERY_S", 0.02)
    opened = Office(home)
    yield opened
    opened.leases.stop()
    opened.store.close()


def test_the_first_word_is_said_at_once(office: Office) -> None:
    """
    A worker that has started is known to the store.
    """
    office.leases.start()

    assert [beat().worker] == [seen.beat.worker for seen in office.store.workers()]


def test_leases_what_is_held_is_renewed_and_what_is_dropped_is_not(office: Office) -> None:
    """
    One call renews all that is held; with nothing held there is none.
    """
    lease = office.claim()
    office.leases.hold(lease, lambda _why: None)
    office.leases.start()
    wait_until(lambda: office.count("renew") >= 3, 30, "three renewals")

    office.leases.drop(lease)
    office.leases.drop(lease)
    before = office.count("renew")
    ticks = office.count("tick")
    wait_until(lambda: office.count("tick") > ticks + 3, 30, "some more ticks")

    assert office.count("renew") <= before + 1


def test_a_lost_lease_stops_its_job(office: Office) -> None:
    """
    The answer that a lease is lost reaches the slot, again and again until it lets go.
    """
    lost, kept = office.claim(), office.claim()
    heard: list[tuple[str, Stop]] = []
    office.leases.hold(lost, lambda why: heard.append(("lost", why)))
    office.leases.hold(kept, lambda why: heard.append(("kept", why)))
    office.store.give_back(lost, "")

    office.leases.start()

    wait_until(lambda: len(heard) >= 2, 30, "the word")
    assert {("lost", Stop.LOST)} == set(heard)


def test_a_cancel_reaches_the_job(office: Office) -> None:
    """
    The answer brings what was asked of a running job.
    """
    lease = office.claim()
    heard: list[Stop] = []
    office.leases.hold(lease, heard.append)
    office.store.cancel([lease.job_id], owner=None)

    office.leases.start()

    wait_until(lambda: heard, 30, "the word")
    assert {Stop.CANCEL} == set(heard)


@pytest.mark.parametrize("holds", [True, False])
def test_an_outage_stops_nothing_and_is_told_once(office: Office, *, holds: bool) -> None:
    """
    While the store is away nothing is stopped, and its return is told.
    """
    heard: list[Stop] = []
    if holds:
        office.leases.hold(office.claim(), heard.append)
    office.leases.start()
    for name in ("renew", "tick"):
        office.away.before[name] = ALWAYS
    wait_until(lambda: "out of contact" in office.text.getvalue(), 30, "the outage to be noticed")
    asked = "renew" if holds else "tick"
    tries = office.count(asked)
    wait_until(lambda: office.count(asked) > tries + 5, 30, "some more tries")
    office.away.before.clear()
    wait_until(lambda: "in contact" in office.text.getvalue(), 30, "contact")

    assert [] == heard
    assert 1 == office.text.getvalue().count("out of contact")


@pytest.mark.parametrize("was_away", [True, False])
def test_leases_nobody_is_judged_until_contact_held(
    office: Office, monkeypatch: pytest.MonkeyPatch, *, was_away: bool
) -> None:
    """
    One that has just begun, or comes back, ticks at once, and takes jobs from the silent a lease later.
    """
    real, ahead_s = time.monotonic, [0.0]
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: real() + ahead_s[0]))
    monkeypatch.setattr(leases, "LEASE_S", 1_000.0)
    told: list[bool] = []
    tick = office.store.tick

    def noted(beat: Beat, *, may_reap: bool) -> Tick:
        found = tick(beat, may_reap=may_reap)
        told.append(may_reap)
        return found

    def judges() -> bool:
        """Whether a tick that begins now takes jobs."""
        before = len(told)
        wait_until(lambda: len(told) > before + 1, 30, "two ticks")
        return told[-1]

    monkeypatch.setattr(office.store, "tick", noted)
    office.leases.start()
    assert [False] == told[:1]
    if was_away:
        ahead_s[0] += 1_000
        assert judges()
        office.away.before["tick"] = 3
        wait_until(lambda: "in contact" in office.text.getvalue(), 30, "contact")

    assert not judges()
    ahead_s[0] += 900
    assert not judges()
    ahead_s[0] += 100
    assert judges()


def test_jobs_that_were_taken_back_wake_a_slot(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a tick puts back into the queue is looked for at once.
    """
    lease = office.claim()

    found = Tick(reaped=(lease.job_id,), released=(), next_event_s=None)
    monkeypatch.setattr(office.away.store, "tick", lambda _beat, **_: found)
    office.leases.start()

    wait_until(lambda: office.found >= 2, 30, "a word for each such tick")


def test_a_tick_comes_when_a_job_falls_due(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The thread does not sleep through it, and what was queued is looked for at once.
    """
    monkeypatch.setattr(leases, "RENEW_EVERY_S", ALWAYS)
    monkeypatch.setattr(leases, "TICK_AFTER_S", 0.02)
    (job_id,) = submit(office.store, new_job(retries=1, retry_on=frozenset({Reason.SCF})))
    office.store.finish(claim(office.store).lease, failed(Reason.SCF))
    with closing(sqlite3.connect(office.store.where)) as database, database:
        database.execute("UPDATE jobs SET due_ms = ?", (time.time_ns() // 1_000_000 + 500,))
    office.leases.start()

    wait_until(lambda: office.found, 30, "the word that there is something to do")
    assert JobState.QUEUED is office.store.get(job_id).state
    assert office.count("tick") <= 4


def test_the_unexpected_is_logged_and_borne(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without this thread every lease would be lost, so nothing ends it.
    """
    office.leases.start()

    def broken(_beat: object, **_: object) -> None:
        raise ZeroDivisionError("what")

    with monkeypatch.context() as patch:
        patch.setattr(office.away.store, "tick", broken)
        wait_until(lambda: office.text.getvalue().count("ZeroDivisionError") >= 2, 30, "two errors")

    ticks = office.count("tick")
    wait_until(lambda: office.count("tick") > ticks + 2, 30, "ticks as before")


def test_a_hurried_tick_comes_soon_and_not_too_often(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Between two regular ticks, the first hurry brings one, and a hundred more bring one at a time.
    """
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 60.0)
    monkeypatch.setattr(leases, "HURRIED_AFTER_S", 0.1)
    office.leases.start()
    office.leases._next_s = 60.0
    began = time.monotonic()

    def has_ticked() -> bool:
        office.leases.hurry()
        return office.count("tick") >= 4

    wait_until(has_ticked, 30, "three hurried ticks")
    assert time.monotonic() - began >= 0.2


def test_leases_what_was_taken_back_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An observer hears how many jobs a tick took from lost workers.
    """
    heard: list[int] = []

    class Hearing(Observer):
        def took_back(self, count: int) -> None:
            heard.append(count)

    monkeypatch.setattr(office.store, "tick", lambda _, **__: Tick(("a", "b"), (), None))
    told = Leases(office.store, beat, Log(office.text), lambda: None, Hearing())
    told.start()
    told.stop()

    assert [2] == heard[:1]
