"""`workers.store.sqlite.locks`: a worker lives as long as its process holds its lock."""

from __future__ import annotations

import fcntl
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import OTHER_WORKER, WORKER
from workers.errors import StoreRefused
from workers.store.sqlite.locks import Lives

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def mine(home: Path) -> Iterator[Lives]:
    """The locks as one process sees them."""
    lives = Lives(home / "workers")
    yield lives
    lives.abandon()


@pytest.fixture
def theirs(home: Path) -> Iterator[Lives]:
    """The same locks as another process sees them."""
    lives = Lives(home / "workers")
    yield lives
    lives.abandon()


def test_a_worker_that_never_spoke_is_neither_alive_nor_dead(mine: Lives) -> None:
    """
    Nothing is known of it, so nothing is taken from it before its lease runs out.
    """
    assert not mine.is_alive(WORKER)
    assert set() == mine.dead()


def test_a_worker_lives_while_its_lock_is_held(mine: Lives, theirs: Lives) -> None:
    """
    Its own process and others agree; holding twice is holding once.
    """
    mine.hold(WORKER)
    mine.hold(WORKER)

    assert [True, True] == [mine.is_alive(WORKER), theirs.is_alive(WORKER)]
    assert [set(), set()] == [mine.dead(), theirs.dead()]
    assert not mine.is_alive(OTHER_WORKER)


def test_locks_who_cannot_look_takes_nobody_for_dead(mine: Lives, theirs: Lives) -> None:
    """
    A process that may open no further file says so: it does not find living workers dead, nor none there.
    """
    mine.hold(WORKER)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = []
    for look in (lambda: theirs.is_alive(WORKER), theirs.known, theirs.dead):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            look()
        except StoreRefused as error:
            said.append(error.what)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [f"{theirs.directory} cannot be used: too many open files"] * 3 == said
    assert theirs.is_alive(WORKER)


def test_a_worker_found_before_it_had_its_lock_is_not_buried(mine: Lives, theirs: Lives) -> None:
    """
    Who looks between the making of the lock file and its locking finds a dead worker; it lives by the time it
    would be buried, and keeps its file, by which others see its end.
    """
    mine.directory.mkdir(mode=0o700)
    (mine.directory / f"{WORKER}.lock").touch(mode=0o600)
    assert {WORKER} == theirs.dead()
    mine.hold(WORKER)
    theirs.bury(WORKER)

    assert theirs.is_alive(WORKER)
    mine.abandon()
    assert {WORKER} == theirs.dead()
    theirs.bury(WORKER)
    assert set() == theirs.known()


def test_a_worker_whose_lock_was_dropped_is_dead(mine: Lives, theirs: Lives) -> None:
    """
    A lock that nobody holds is left by a process that ended without a word.
    """
    mine.hold(WORKER)
    mine.hold(OTHER_WORKER)
    mine.abandon()
    theirs.hold(OTHER_WORKER)

    assert {WORKER} == theirs.dead()
    assert not theirs.is_alive(WORKER)
    theirs.bury(WORKER)
    assert set() == theirs.dead() == mine.dead()


def test_locks_one_worker_may_be_shown_alive_twice(mine: Lives, theirs: Lives) -> None:
    """
    Two stores opened by one worker do not wait for each other; when one lets go, the other takes over.
    """
    mine.hold(WORKER)
    theirs.hold(WORKER)
    assert mine.is_alive(WORKER)
    mine.abandon()
    assert {WORKER} == theirs.dead()
    theirs.hold(WORKER)

    assert [True, True] == [mine.is_alive(WORKER), theirs.is_alive(WORKER)]


def test_a_worker_that_left_is_not_dead(mine: Lives, theirs: Lives) -> None:
    """
    It took its lock with it; leaving twice is no error.
    """
    mine.hold(WORKER)
    mine.release(WORKER)
    mine.release(WORKER)

    assert set() == theirs.dead()
    assert not theirs.is_alive(WORKER)


def test_locks_many_may_look_at_once(mine: Lives, home: Path) -> None:
    """
    Those who look do not take each other for the worker.
    """
    mine.hold(WORKER)
    mine.abandon()
    with ThreadPoolExecutor(8) as threads:
        looks = threads.map(lambda _: Lives(home / "workers").is_alive(WORKER), range(200))

    assert not any(looks)


def test_a_lock_that_was_buried_meanwhile_is_made_again(
    mine: Lives, theirs: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A worker never holds the lock of a file that is no longer there.
    """
    real = fcntl.flock
    calls: list[int] = []

    def slow(descriptor: int, operation: int) -> None:
        calls.append(operation)
        if len(calls) == 1:
            theirs.bury(WORKER)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    mine.hold(WORKER)

    assert 2 == calls.count(fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert theirs.is_alive(WORKER)


def test_programs_a_worker_starts_do_not_keep_it_alive(mine: Lives, theirs: Lives) -> None:
    """
    An engine that outlives its worker does not hold the worker's lock.
    """
    mine.hold(WORKER)
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as engine:
        assert engine.stdout is not None
        engine.stdout.readline()
        mine.abandon()

        assert {WORKER} == theirs.dead()
        engine.communicate()


def test_an_odd_name_stays_in_its_directory(mine: Lives, home: Path) -> None:
    """
    A worker's name is no path.
    """
    mine.hold("../../evil-1-aa")

    assert [home / "workers" / ".._.._evil-1-aa.lock"] == list(home.rglob("*.lock"))
    assert mine.is_alive("../../evil-1-aa")


def test_a_lock_that_cannot_be_made_is_told(home: Path) -> None:
    """
    A worker that could not show that it lives does not start.
    """
    (home / "workers").mkdir(mode=0o700)
    Path(home / "workers" / f"{WORKER}.lock").symlink_to("/nowhere")

    with pytest.raises(StoreRefused, match="cannot be used"):
        Lives(home / "workers").hold(WORKER)
    assert not Path("/nowhere").exists()
