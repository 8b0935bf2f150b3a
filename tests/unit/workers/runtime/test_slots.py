"""How a pool of slots begins, serves and ends."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import GIB, claim, failed, new_job, submit
from tests.support.waiting import wait_until
from tests.support.workshop import ENGINES, WORKER, Away, StandIn, good, until_stopped
from workers.bell import pipe
from workers.bell.pipe import LocalBell
from workers.errors import StoreUnreachable
from workers.job import JobState, Parent, Reason
from workers.logs import Log
from workers.runtime import slot
from workers.runtime.artifacts import ArtifactStore
from workers.runtime.autostart import WorkerLock
from workers.runtime.leases import Leases
from workers.runtime.scratch import Scratch
from workers.runtime.slots import Plan, Slots, worker_id
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workers.keeper.keeper import Ended
    from workers.store.base import Store


class Site:
    """A local store and what a pool over it needs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = SqliteStore.open(home)
        self.away = Away(self.store)
        self.text = io.StringIO()

    def pool(self, lock: WorkerLock | None = None, look_every_s: float = 0.05, **changes: Any) -> Slots:
        """Make a pool with two slots."""
        plain: dict[str, Any] = {
            "worker": WORKER,
            "slots": 2,
            "cores": 2,
            "memory_bytes": 64 * GIB,
            "engines": ENGINES,
            "owner": None,
            "home": self.home,
            "artifacts": self.home / "artifacts",
        }
        plan = Plan(**plain | changes)
        store: Store = self.away
        bell = LocalBell(self.home / "bell", look_every_s=look_every_s)
        return Slots(store, bell, plan, Log(self.text), lock=lock)

    def running(self) -> int:
        """How many jobs run."""
        return self.store.counts().get(JobState.RUNNING, 0)

    def all_done(self) -> bool:
        """Whether every job is done."""
        return set(self.store.counts()) == {JobState.DONE}


@pytest.fixture
def site(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose keepers end every job well."""
    keepers(monkeypatch, good)
    built = Site(home)
    yield built
    built.store.close()


def keepers(monkeypatch: pytest.MonkeyPatch, does: Any) -> None:
    """Say what keepers do."""
    monkeypatch.setattr(slot, "Keeper", lambda: StandIn(does))


def later(condition: Callable[[], Any], does: Callable[[], object]) -> threading.Thread:
    """Do something beside the test once a condition holds."""

    def wait_and_do() -> None:
        wait_until(condition, 30, "the moment")
        does()

    thread = threading.Thread(target=wait_and_do)
    thread.start()
    return thread


def test_a_pool_runs_what_waits_and_what_comes(site: Site) -> None:
    """
    Jobs of before and of meanwhile are run, until whoever asked is content.
    """
    submit(site.store, *(new_job() for _ in range(5)))
    came = later(site.all_done, lambda: submit(site.store, new_job()))

    received = site.pool().run(lambda: not came.is_alive() and site.all_done())

    assert ((), {JobState.DONE: 6}) == (received, site.store.counts())


def test_pool_nothing_is_left_behind(site: Site) -> None:
    """
    At the end no thread, no folder and no living worker is left.
    """
    submit(site.store, new_job())
    threads = set(threading.enumerate())

    site.pool().run(site.all_done)

    assert set(threading.enumerate()) <= threads
    assert [] == [seen.beat.worker for seen in site.store.workers() if seen.alive]
    assert [] == list((site.home / "artifacts").iterdir())


def test_an_idle_pool_ends(site: Site) -> None:
    """
    Without a job for so long, a pool goes.
    """
    submit(site.store, new_job())

    assert () == site.pool(idle_timeout_s=0.2).run()
    assert site.all_done()


def test_the_local_worker_does_not_end_while_a_retry_is_to_come(site: Site) -> None:
    """
    Nobody else would be there when its time comes: it stays beyond its idle time, runs it, and then ends.
    """
    lock = WorkerLock.take(site.home)
    (job_id,) = submit(site.store, new_job(retries=1, retry_on=frozenset({Reason.SCF})))
    site.store.finish(claim(site.store).lease, failed(Reason.SCF))
    with closing(sqlite3.connect(site.store.where)) as database, database:
        database.execute("UPDATE jobs SET due_ms = ?", (time.time_ns() // 1_000_000 + 1_000,))
    site.pool(lock, idle_timeout_s=0.05).run()

    assert (JobState.DONE, 2) == (site.store.get(job_id).state, site.store.get(job_id).attempt)


def test_work_that_comes_at_the_last_look_is_done(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Between letting the lock go and looking for the last time a job came: the lock is taken back.
    """
    lock = WorkerLock.take(site.home)
    assert lock is not None
    seen: list[bool] = []

    def release() -> None:
        WorkerLock.release(lock)
        if not seen:
            submit(site.store, new_job())
        seen.append(site.all_done())

    monkeypatch.setattr(lock, "release", release)
    site.pool(lock, idle_timeout_s=0.1).run()

    assert site.all_done()
    assert (False, True) == (seen[0], seen[-1])
    assert lock.retake()
    lock.release()


def test_a_pool_that_lost_its_lock_ends_after_its_job(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Another worker took over meanwhile: the job in hand is done, no time is idled away.
    """
    lock = WorkerLock.take(site.home)
    assert lock is not None
    others: list[WorkerLock | None] = []

    def release() -> None:
        WorkerLock.release(lock)
        if not others:
            submit(site.store, new_job())
            others.append(WorkerLock.take(site.home))

    monkeypatch.setattr(lock, "release", release)
    pool = site.pool(lock, slots=1, idle_timeout_s=0.1)  # two might let go at once
    pool.run()

    assert site.all_done()
    assert 0.0 == pool._idle_timeout_s
    (other,) = others
    assert other is not None
    other.release()


def test_a_slot_survives_the_unexpected(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An error nobody thought of is logged, and the slot goes on with the next job.
    """
    real = site.store.claim
    errors = [ZeroDivisionError("what"), ZeroDivisionError("what")]

    def claim(claimant: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(claimant)

    monkeypatch.setattr(site.away.store, "claim", claim)
    submit(site.store, *(new_job() for _ in range(20)))

    site.pool().run(site.all_done)

    assert 2 == site.text.getvalue().count("a slot had to be restarted: ZeroDivisionError")
    assert {JobState.DONE: 20} == site.store.counts()


def test_a_signal_lets_jobs_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After one signal the running job ends in peace; what waits stays.
    """
    gate = threading.Event()

    def does(*_: Any) -> Any:
        assert gate.wait(30)
        return good(*_)

    keepers(monkeypatch, does)
    submit(site.store, *(new_job() for _ in range(3)))
    later(
        lambda: site.store.counts().get(JobState.RUNNING) == 2, lambda: os.kill(os.getpid(), signal.SIGTERM)
    )
    later(lambda: "draining: 2 running" in site.text.getvalue(), gate.set)

    received = site.pool().run()

    assert (signal.SIGTERM,) == received
    assert {JobState.DONE: 2, JobState.QUEUED: 1} == site.store.counts()


def test_signals_do_what_they_did_before(site: Site) -> None:
    """
    A pool heeds signals only while it runs.
    """
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]

    site.pool(idle_timeout_s=0.05).run()

    assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]


def test_an_ignored_signal_stays_ignored(site: Site) -> None:
    """
    Under nohup a worker outlives its terminal.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    submit(site.store, new_job())
    sent = later(site.all_done, lambda: os.kill(os.getpid(), signal.SIGHUP))
    try:
        assert () == site.pool().run(lambda: not sent.is_alive())
    finally:
        signal.signal(signal.SIGHUP, before)


def test_pool_what_the_owner_raises_ends_the_pool_in_good_order(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever asked for the pool cannot go on: running jobs are given back before the error is passed on.
    """
    keepers(monkeypatch, until_stopped)
    submit(site.store, new_job())

    def until() -> bool:
        if site.running():
            raise KeyError("disk")
        return False

    with pytest.raises(KeyError, match="disk"):
        site.pool(drain_timeout_s=0).run(until)

    assert {JobState.QUEUED: 1} == site.store.counts()


def test_a_job_that_is_just_being_claimed_is_given_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Asked to end between the store's granting a job and a slot's hearing of that, a pool gives it back too.
    """
    keepers(monkeypatch, until_stopped)
    submit(site.store, new_job())
    pool, real = site.pool(drain_timeout_s=0), site.store.claim

    def claim(claimant: Any) -> Any:
        found = real(claimant)
        if found is not None:
            os.kill(os.getpid(), signal.SIGTERM)
            wait_until(pool._worker.stopping.is_set, 30, "the word to end")
        return found

    monkeypatch.setattr(site.away.store, "claim", claim)
    pool.run()

    assert {JobState.QUEUED: 1} == site.store.counts()


def test_a_lane_is_served_alone_until_it_is_opened(site: Site) -> None:
    """
    A pool of one command takes its own jobs only, unless it is told to take others too.
    """
    (own,) = submit(site.store, new_job(lane=WORKER))
    (other,) = submit(site.store, new_job())
    pool = site.pool(lane_only=True)
    pool.run(lambda: site.store.get(own).state is JobState.DONE)
    before = site.store.get(other).state

    pool = site.pool(lane_only=True)
    pool.open_up()
    pool.run(lambda: site.store.get(other).state is JobState.DONE)

    assert (JobState.QUEUED, 2) == (before, site.store.counts()[JobState.DONE])


def test_an_unreachable_store_delays_the_end_for_a_moment_only(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A job that cannot be released is left running: the end of its lease releases it.
    """
    monkeypatch.setattr("workers.runtime.slots.ABANDON_AFTER_S", 0.2)
    keepers(monkeypatch, until_stopped)
    submit(site.store, new_job())
    pool = site.pool(drain_timeout_s=0)

    def until() -> bool:
        if not site.running():
            return False
        site.away.before = dict.fromkeys(("give_back", "leave"), 1_000_000)
        return True

    pool.run(until)

    assert {JobState.RUNNING: 1} == site.store.counts()


def test_jobs_that_an_end_lets_start_run_side_by_side(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of two jobs that waited for a third one is run by the slot that ended it, the other by one that slept.
    """
    other_sleeps = threading.Event()

    def does(keeper: StandIn, how: dict[str, Any]) -> Ended:
        if "parent" in how["spec_json"]:
            assert other_sleeps.wait(30)
            return good(keeper, how)
        return until_stopped(keeper, how)

    keepers(monkeypatch, does)
    (parent,) = submit(site.store, new_job("parent"))
    submit(site.store, *(new_job("child", parents=(Parent(parent),)) for _ in range(2)))
    pool = site.pool(drain_timeout_s=0, look_every_s=60)
    until = time.monotonic() + 30
    later(lambda: site.running() == 1 and pool._free.qsize() == 1, other_sleeps.set)
    pool.run(lambda: site.running() == 2 or time.monotonic() > until)

    assert {JobState.DONE: 1, JobState.QUEUED: 2} == site.store.counts()
    assert [1, 1] == [job.attempt for job in site.store.get_many(site.store.with_numbers(2, 3))]


def test_the_last_thing_that_a_pool_does_is_to_ring(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What it released, or heard of while it took no more, is begun by another worker, so it listens no longer.
    """
    keepers(monkeypatch, until_stopped)
    submit(site.store, new_job())
    pool, done = site.pool(drain_timeout_s=0), list[str]()

    def note(name: str) -> None:
        real = getattr(pool._bell, name)

        def call(*args: Any) -> None:
            done.append(name)
            real(*args)

        monkeypatch.setattr(pool._bell, name, call)

    note("pass_on")
    note("stop")

    pool.run(lambda: site.running() == 1)

    assert {JobState.QUEUED: 1} == site.store.counts()
    assert ["stop", "pass_on"] == done[-2:]


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize(
    ("owner", "step"),
    [(ArtifactStore, "prepare"), (Scratch, "open"), (Leases, "start"), (LocalBell, "start"), (pipe, "_open")],
)
def test_a_directory_that_goes_as_a_pool_begins_is_reported(
    site: Site, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, *, is_replaced: bool
) -> None:
    """
    Whatever fails for want of it, at whichever step: the error is that the directory is gone, or another one
    where some step made it anew.
    """
    real = getattr(owner, step)

    def take_away(*args: Any, **options: Any) -> Any:
        if step == "_open":
            os.mkfifo(args[0])  # it goes between the making of the pipe and its opening
            monkeypatch.setattr(os, "mkfifo", lambda *_: None)
        site.home.rename(site.home.with_name("moved"))
        if is_replaced:
            site.home.mkdir(mode=0o700)
        return real(*args, **options)

    monkeypatch.setattr(owner, step, take_away)
    gone = f"{site.home} was (removed or moved away|replaced by another directory)"
    with pytest.raises(StoreUnreachable, match=gone) as caught:
        site.pool().run()

    assert "the worker stopped 0 running jobs and ended" == caught.value.did


def test_a_directory_that_goes_as_an_idle_pool_ends_is_reported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A pool that found no job because its directory is gone does not end as if there were none.
    """
    pool = site.pool(idle_timeout_s=0.0)
    real = pool._end_if_idle

    def end_if_idle() -> bool:
        site.home.rename(site.home.with_name("moved"))
        return real()

    monkeypatch.setattr(pool, "_end_if_idle", end_if_idle)
    with pytest.raises(StoreUnreachable, match="was removed or moved away"):
        pool.run()


def test_workers_are_named_apart() -> None:
    """
    Host, process and something random.
    """
    assert worker_id() != worker_id()
    assert f"-{os.getpid()}-" in worker_id()
