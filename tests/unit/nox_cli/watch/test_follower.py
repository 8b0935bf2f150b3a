"""Following jobs: nothing missed, nothing told twice, whatever happens in between."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.exits import ExitCode
from nox_cli.watch.follower import (
    LOOK_EVERY_S,
    READ_EVERY_S,
    WAIT_S,
    Follower,
    Until,
    WaitEnded,
    Waiting,
    verdict,
)
from nox_cli.watch.workforce import Absence
from tests.support.stores import ADA, claim, failed, outcome, run_to_end, submit_named
from workers.errors import JobNotFound, StoreError, StoreRefused, StoreUnreachable, UsageError
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store


@pytest.fixture(params=["redis", "local"])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    found = open_store(StoreSettings(url, "nox:", home))
    yield found
    found.close()


def begun(store: Store, ids: Sequence[str], since: str | None = None) -> Follower:
    """Make a follower that has looked its jobs up."""
    follower = Follower(store, ids)
    assert [*ids] == [job.id for job in follower.begin(since)]
    return follower


def told(follower: Follower) -> list[tuple[int, str]]:
    """Take changes until there are none; number and state of each."""
    found: list[tuple[int, str]] = []
    while changes := follower.changes(0.0):
        found += [(change.number, change.state) for change in changes]
    return found


def wait_for(follower: Follower, **until: Any) -> WaitEnded:
    """Wait until the end, whatever is said meanwhile."""
    waiting = Waiting(follower, Until(**until), Absence(follower.store, Path("nowhere")))
    for _ in waiting.go():
        pass
    return waiting.ended


def test_every_change_is_told_once_in_order(store: Store) -> None:
    """
    What happens after the look is told in order, and only of the jobs that are followed.
    """
    first, other = submit_named(store, "first other")
    follower = begun(store, [first])

    run_to_end(store, first)
    run_to_end(store, other)

    assert [(1, "running"), (1, "done")] == told(follower)
    assert follower.is_over
    assert {JobState.DONE: 1} == +follower.tally


class Noted:
    """A store that notes when its events were read, and how long that was to wait."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads: list[tuple[float, float]] = []

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read events, and note it."""
        self.reads.append((time.monotonic(), wait_s))
        return self.store.events(cursor, limit=limit, wait_s=wait_s)

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


def test_follower_of_many_reads_changes_at_intervals(store: Store) -> None:
    """
    While many jobs are left, changes are read four times a second at most, and none is missed; the last few
    are told at once.
    """
    noted: Any = Noted(store)
    ids = submit_named(store, " ".join(map(str, range(22))))
    follower = begun(noted, ids)
    told_of: list[tuple[int, str]] = []

    def run(count: int) -> list[tuple[float, float]]:
        noted.reads.clear()
        for job_id in follower.pending[:count]:
            run_to_end(store, job_id)
            told_of.extend((change.number, change.state) for change in follower.changes(WAIT_S))
        return [*noted.reads]

    follower.changes(0.0)
    many = run(2)
    few = run(3)

    assert many[1][0] - many[0][0] >= READ_EVERY_S
    assert [WAIT_S] * 3 == [wait_s for _, wait_s in few]
    assert [(number, state) for number in range(1, 6) for state in ("running", "done")] == told_of


class Busy:
    """A store in which something happens between any two looks at its events."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.looks = 0

    def events(self, *args: Any, **options: Any) -> Events:
        """Read events; by the next time there are more."""
        self.looks += 1
        assert self.looks < 20, "there is no end to it"
        found = self.store.events(*args, **options)
        submit_named(self.store, "more")
        return found

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


def test_a_busy_store_holds_nobody_up(store: Store) -> None:
    """
    A wait that is to look once comes to an end though other jobs start and end all the time.
    """
    ids = submit_named(store, "cat")
    busy: Any = Busy(store)

    assert ExitCode.PENDING is wait_for(Follower(busy, ids), timeout_s=0).exit


def test_follower_what_was_seen_is_not_told_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Changes between the start of the stream and the look are told as the look, not a second time.
    """
    (job_id,) = submit_named(store, "cat")
    (other,) = submit_named(store, "other")
    follower = Follower(store, [other, job_id])
    monkeypatch.setattr("nox_cli.selectors.reader.CHUNK", 1)
    looking = follower.begin()
    seen = [next(looking)]
    store.finish(claim(store).lease, outcome())

    seen += looking

    assert [("other", "queued"), ("cat", "done")] == [(job.name, job.state) for job in seen]
    assert [] == told(follower)


def test_changes_behind_the_look_are_told(store: Store) -> None:
    """
    What happens to a job right after it was looked up is told.
    """
    first, second = submit_named(store, "first second")
    follower = Follower(store, [first, second])

    for _ in follower.begin():
        claim(store)

    assert (2, "running") in told(follower)
    assert {JobState.RUNNING: 2} == +follower.tally


def test_going_on_from_a_cursor(store: Store) -> None:
    """
    From a cursor on, each later change is told once, also those before the start.
    """
    (job_id,) = submit_named(store, "cat")
    before = begun(store, [job_id])
    lease = claim(store).lease
    (change,) = before.changes(0.0)
    store.finish(lease, outcome())

    after = begun(store, [job_id], since=change.cursor)

    assert not after.is_over
    assert [(1, "done")] == told(after)
    assert after.is_over


def test_a_foreign_cursor_is_refused(store: Store) -> None:
    """
    A cursor no store has given is a usage error.
    """
    with pytest.raises(UsageError):
        list(Follower(store, submit_named(store, "cat")).begin("banana"))


def test_a_job_that_does_not_exist(store: Store) -> None:
    """
    Following a job that is not there fails at once.
    """
    with pytest.raises(JobNotFound):
        list(Follower(store, ["0" * 32]).begin())


class Deaf:
    """A store whose stream tells nothing, as after it was cut."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Tell nothing."""
        assert (limit, wait_s) >= (1, 0.0)
        return Events((), cursor or "0", truncated=False)

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up as they are."""
        return self._store.get_many(job_ids)


def test_looking_finds_what_no_event_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A change without an event is found by looking, and told once.
    """
    monkeypatch.setattr("nox_cli.watch.follower.LOOK_EVERY_S", 0.0)
    (job_id,) = submit_named(store, "cat")
    follower = begun(Deaf(store), [job_id])  # type: ignore[arg-type]
    run_to_end(store, job_id)

    assert [(1, "done")] == told(follower)
    assert follower.is_over


class Late(Deaf):
    """A store whose stream tells nothing to one who reads once, and everything to one who reads again."""

    is_late = True

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Tell nothing the first time."""
        if self.is_late:
            self.is_late = False
            return super().events(cursor, limit=limit, wait_s=wait_s)
        return self._store.events(cursor, limit=limit, wait_s=wait_s)


def test_events_go_before_looking(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where events tell of what looking found too, they are told, each once.
    """
    monkeypatch.setattr("nox_cli.watch.follower.LOOK_EVERY_S", 0.0)
    (job_id,) = submit_named(store, "cat")
    follower = begun(store, [job_id])
    follower.store = Late(store)  # type: ignore[assignment]
    run_to_end(store, job_id)

    assert [] == follower.changes(0.0)
    assert [(1, "running"), (1, "done")] == told(follower)


class Away:
    """A store that does not answer, or refuses."""

    def __init__(self, error: StoreError) -> None:
        self.error = error

    def events(self, *_: object, **__: object) -> Events:
        """Fail."""
        raise self.error


SILENT = StoreUnreachable("redis does not answer")


def test_a_store_that_is_away_is_borne(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While the store does not answer there are no changes; after the limit its error is raised.
    """
    (job_id,) = submit_named(store, "cat")
    follower = begun(store, [job_id])
    follower.store = Away(SILENT)  # type: ignore[assignment]

    assert [] == follower.changes(0.0)
    assert follower.is_away

    follower.store = store
    run_to_end(store, job_id)

    assert [(1, "running"), (1, "done")] == told(follower)
    assert not follower.is_away

    monkeypatch.setattr("nox_cli.watch.follower.AWAY_LIMIT_S", -1.0)
    follower.store = Away(SILENT)
    with pytest.raises(StoreUnreachable):
        follower.changes(0.0)


def test_a_store_that_refuses_is_not_waited_for(store: Store) -> None:
    """
    A refusal is raised at once.
    """
    follower = begun(store, submit_named(store, "cat"))
    follower.store = Away(StoreRefused("wrong password"))  # type: ignore[assignment]

    with pytest.raises(StoreRefused):
        follower.changes(0.0)


def test_waiting_ends_with_the_last_job(store: Store) -> None:
    """
    A wait returns when the last job has ended, and its verdict is over all.
    """
    ids = submit_named(store, "good bad")

    def work() -> None:
        store.finish(claim(store).lease, outcome())
        store.finish(claim(store).lease, failed())

    worker = threading.Thread(target=work)
    worker.start()
    ended = wait_for(Follower(store, ids), timeout_s=20)
    worker.join()

    assert ExitCode.JOB_FAILED == ended.exit
    assert {JobState.DONE: 1, JobState.FAILED: 1} == {s: n for s, n in ended.tally.items() if n}


def test_follower_how_a_wait_may_end_early(store: Store) -> None:
    """
    With `first` or `fail_fast` a wait ends while jobs go on; a timeout tells that it ran out.
    """
    good, bad, slow = submit_named(store, "good bad slow")
    run_to_end(store, good)
    run_to_end(store, bad, failed())

    assert ExitCode.DONE == wait_for(Follower(store, [good, slow]), first=True).exit
    assert ExitCode.JOB_FAILED == wait_for(Follower(store, [bad, slow]), fail_fast=True).exit
    assert ExitCode.WAIT_TIMED_OUT == wait_for(Follower(store, [slow]), timeout_s=0.01).exit
    assert ExitCode.PENDING == wait_for(Follower(store, [slow]), timeout_s=0).exit
    assert ADA == store.get(slow).owner


class Slow:
    """A store that takes its time for each look at jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        """Everything else is as ever."""
        return getattr(self._store, name)

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, slowly."""
        self.looks += 1
        time.sleep(0.1)
        return self._store.get_many(job_ids)


@pytest.mark.parametrize("look_every_s", [LOOK_EVERY_S, 0.0])
def test_the_time_includes_the_reading(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_every_s: float
) -> None:
    """
    Where the time is up while jobs are still being read, at first or again, the rest is not read.
    """
    monkeypatch.setattr("nox_cli.selectors.reader.CHUNK", 1)
    monkeypatch.setattr("nox_cli.watch.follower.LOOK_EVERY_S", look_every_s)
    slow: Any = Slow(store)
    ids = submit_named(store, " ".join(map(str, range(2 if look_every_s == 0.0 else 80))))
    ended = wait_for(Follower(slow, ids), timeout_s=2.0)

    assert ExitCode.WAIT_TIMED_OUT is ended.exit
    assert slow.looks <= 21
    assert ended.is_whole == (look_every_s == 0.0)


def test_a_wait_ends_once_only_hopeless_jobs_are_left(store: Store) -> None:
    """
    Those that a worker runs are waited for; the verdict says that others are pending, or that one failed.
    """
    good, bad, never = submit_named(store, "good bad never")
    run_to_end(store, good)
    assert ExitCode.PENDING is wait_for(Follower(store, [good, never]), hopeless=frozenset([never])).exit
    run_to_end(store, bad, failed())
    assert ExitCode.JOB_FAILED is wait_for(Follower(store, [bad, never]), hopeless=frozenset([never])).exit
    assert ExitCode.DONE is wait_for(Follower(store, [good]), hopeless=frozenset([never])).exit


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", ExitCode.DONE),
        ("done", ExitCode.DONE),
        ("done cancelled", ExitCode.JOB_CANCELLED),
        ("done cancelled running", ExitCode.PENDING),
        ("queued", ExitCode.PENDING),
        ("done failed cancelled held", ExitCode.JOB_FAILED),
    ],
)
def test_the_verdict_over_states(states: str, expected: ExitCode) -> None:
    """
    Failed counts most, then pending, then cancelled; states nobody is in do not count.
    """
    counts = {JobState.FAILED: 0, JobState.HELD: 0} | {JobState(state): 1 for state in states.split()}

    assert expected == verdict(counts)
