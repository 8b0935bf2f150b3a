"""Which workers live, and whether a job has lost its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nox_cli.watch.workforce import read_workforce, with_workforce
from tests.support.stores import OTHER_WORKER, WORKER, beat, claim, outcome, submit_named
from workers.job import JobState
from workers.runtime.autostart import LOCK_NAME, STARTING_S
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """A local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def test_a_job_that_ended_as_its_worker_left_is_not_deserted(store: SqliteStore, home: Path) -> None:
    """
    The worker is gone when the workers are read, and the job that was read before them has ended.
    """
    submit_named(store, "a")
    store.tick(beat())
    claimed = claim(store)
    running = store.get(claimed.job.id)
    store.finish(claimed.lease, outcome())
    store.leave(WORKER)
    job, workforce = with_workforce(store, home, running)

    assert JobState.DONE is job.state
    assert not workforce.has_deserted(job)
    assert workforce.has_deserted(running)


def test_a_job_that_another_worker_took_up_is_not_deserted(store: SqliteStore, home: Path) -> None:
    """
    Its first worker gave it back and left; the second lives.
    """
    submit_named(store, "a")
    store.tick(beat())
    claimed = claim(store)
    running = store.get(claimed.job.id)
    store.give_back(claimed.lease, "drained")
    store.leave(WORKER)
    store.tick(beat(OTHER_WORKER))
    claim(store, OTHER_WORKER)
    job, workforce = with_workforce(store, home, running)

    assert not workforce.has_deserted(job)
    assert OTHER_WORKER == workforce.living[0].beat.worker


def test_a_worker_is_starting_while_its_process_lives_and_is_young(store: SqliteStore, home: Path) -> None:
    """
    One that has died, or was started long ago, is not starting; nor is any where one lives.
    """
    lock = home / LOCK_NAME
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        pass
    assert not read_workforce(store, home).is_starting
    lock.write_text(f"{ended.pid}\n")
    assert not read_workforce(store, home).is_starting
    lock.write_text(f"{os.getpid()}\n")
    assert read_workforce(store, home).is_starting
    long_ago = time.time() - STARTING_S - 1
    os.utime(lock, (long_ago, long_ago))
    assert not read_workforce(store, home).is_starting
    os.utime(lock)
    store.tick(beat())
    assert not read_workforce(store, home).is_starting
