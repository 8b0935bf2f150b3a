"""Workers of the local store that race, die or freeze."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import OTHER_WORKER, WORKER, beat, claim, new_job, submit, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState, Reason
from workers.store.base import LEASE_S
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# Beats, claims one job, says so, and then does what its last argument says.
WORK = """
import sys
from pathlib import Path
from tests.support.stores import beat, claimant, outcome
from workers.store.sqlite.store import SqliteStore

home, worker, then = sys.argv[1:]
store = SqliteStore.open(Path(home))
store.tick(beat(worker))
if then == "drain":
    sys.stdin.read()
    ran = []
    found = store.claim(claimant(worker))
    while found:
        ran.append(found.job.number)
        found = store.finish(found.lease, outcome(), claimant(worker))
    store.leave(worker)
    print(ran)
else:
    found = store.claim(claimant(worker))
    print(found.job.id, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def start(home: Path, worker: str, then: str) -> subprocess.Popen[str]:
    """Start a worker process."""
    command = [sys.executable, "-c", WORK, str(home), worker, then]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start_claiming(home: Path, worker: str = WORKER) -> tuple[subprocess.Popen[str], str]:
    """Start a worker process that has claimed a job; also that job's id."""
    process = start(home, worker, "wait")
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    """End a process this test started."""
    process.kill()
    process.communicate()


def test_local_store_workers_two_processes_never_run_a_job_twice(home: Path, store: SqliteStore) -> None:
    """
    2,000 jobs, two processes that claim as fast as they can: each job is run once, by one of them.
    """
    submit(store, *(new_job() for _ in range(2_000)))
    racers = [start(home, worker, "drain") for worker in (WORKER, OTHER_WORKER)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        racer.stdin = None
    ran = [json.loads(racer.communicate(timeout=100)[0]) for racer in racers]

    assert [0, 0] == [racer.returncode for racer in racers]
    assert Counter(range(1, 2_001)) == Counter(number for part in ran for number in part)
    assert {JobState.DONE: 2_000} == dict(store.counts())
    assert [] == store.workers()


def test_the_job_of_a_killed_worker_is_taken_back_at_the_next_tick(home: Path, store: SqliteStore) -> None:
    """
    A worker that was killed is noticed by its lock, long before its lease runs out.
    """
    (submitted,) = submit_named(store, "a")
    process, job_id = start_claiming(home)
    assert submitted == job_id
    before = store.tick(beat(OTHER_WORKER))
    assert () == before.reaped
    assert before.next_event_s
    assert {WORKER: True, OTHER_WORKER: True} == {seen.beat.worker: seen.alive for seen in store.workers()}
    end(process)

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    job = store.get(job_id)
    assert (JobState.QUEUED, Reason.WORKER_LOST, 1) == (job.state, job.reason, job.losses)
    assert {WORKER: False, OTHER_WORKER: True} == {seen.beat.worker: seen.alive for seen in store.workers()}
    assert 2 == claim(store, OTHER_WORKER).lease.fence
    assert [f"{OTHER_WORKER}.lock"] == [path.name for path in (home / "workers").iterdir()]


def test_the_lane_of_a_killed_worker_is_opened_at_the_next_tick(home: Path, store: SqliteStore) -> None:
    """
    What was reserved for it does not wait for a lease.
    """
    submit_named(store, "a")
    process, _ = start_claiming(home)
    (reserved,) = submit_named(store, "b", lane=WORKER)
    end(process)
    store.tick(beat(OTHER_WORKER))

    assert "" == store.get(reserved).lane


def test_a_frozen_worker_loses_its_job_by_time(home: Path, store: SqliteStore) -> None:
    """
    A process that is stopped holds its lock; its lease ends all the same, not before its time.
    """
    submit_named(store, "a")
    started = time.monotonic()
    process, job_id = start_claiming(home)
    process.send_signal(signal.SIGSTOP)
    assert () == store.tick(beat(OTHER_WORKER)).reaped
    wait_until(lambda: store.tick(beat(OTHER_WORKER)).reaped, 3 * LEASE_S, "the lease to run out")
    process.send_signal(signal.SIGCONT)
    end(process)

    assert time.monotonic() - started >= LEASE_S
    assert (JobState.QUEUED, 1) == (store.get(job_id).state, store.get(job_id).losses)


def test_a_job_that_kills_its_worker_is_failed_after_three(home: Path, store: SqliteStore) -> None:
    """
    Three workers died of it: it is not given to a fourth.
    """
    (submitted,) = submit_named(store, "poison")
    for n in range(3):
        process, job_id = start_claiming(home, f"node0{n}-1-aa")
        assert submitted == job_id
        end(process)
        store.tick(beat(OTHER_WORKER))

    job = store.get(submitted)
    assert (JobState.FAILED, Reason.WORKER_LOST, 3) == (job.state, job.reason, job.losses)


def test_a_worker_of_an_earlier_boot_is_dead(home: Path, store: SqliteStore) -> None:
    """
    A record of another boot counts for nothing, though the process of that number lives.
    """
    submit_named(store, "a")
    process, job_id = start_claiming(home)
    with store._database.write() as connection:
        connection.execute("UPDATE leases SET boot = 'an earlier one'")

    assert (job_id,) == store.tick(beat(OTHER_WORKER)).reaped
    end(process)
