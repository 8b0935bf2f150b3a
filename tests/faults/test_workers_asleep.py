"""A machine sleeps: all that runs there stops at once, and its clocks have moved on later."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import Clock
from tests.support.frozen import is_free
from tests.support.lingering import submit_lingering, wait_running
from tests.support.processes import end
from tests.support.signed import LIMIT_S, kept_of, run_out
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker
    from workers.store.base import Store

HOUR_S = 3_600
NEGATIVE = re.compile(r"(^|\s)-\d")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """The clock of the machine that sleeps."""
    return Clock(tmp_path)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file that ends what runs."""
    return tmp_path / "go"


def send_all(workers: list[Worker], number: signal.Signals) -> None:
    """Send a signal to workers and all below them."""
    for worker in workers:
        for pid in (worker.pid, *worker.look()):
            end(pid, number)


def fell_asleep(nox: Nox, workers: list[Worker]) -> bool:
    """Stop workers at once, unless one is just writing to the local store: no other could write then."""
    send_all(workers, signal.SIGSTOP)
    for worker in workers:
        os.waitid(os.P_PID, worker.pid, os.WSTOPPED)
    if is_free(nox.home / "nox.sqlite3"):
        return True
    send_all(workers, signal.SIGCONT)
    return False


def wait_tick(store: Store, worker: Worker, after_ms: int) -> None:
    """Wait until a worker has ticked after a moment."""

    def has_ticked() -> bool:
        seen = store.workers()
        return any(one.beat.pid == worker.pid and one.last_seen_ms > after_ms for one in seen)

    wait_until(has_ticked, LIMIT_S, lambda: worker.log)


def test_workers_asleep_another_machine_takes_over(any_nox: Nox, clock: Clock, go: Path) -> None:
    """
    An hour passes for a machine asleep while its job runs elsewhere: that result stands later too, its own
    is discarded, it goes on with other jobs, and no age that is shown is negative.
    """
    nox, (job_id,) = any_nox, submit_lingering(any_nox, go)
    asleep = nox.worker("--slots", "1", standin=True, env=clock.environment())
    wait_running(nox, [job_id], [asleep])
    wait_until(lambda: fell_asleep(nox, [asleep]), LIMIT_S, "nobody to hold the store")
    run_out(nox, job_id)
    other = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(job_id).attempt == 2, LIMIT_S, lambda: other.log)
    go.touch()
    nox.wait(job_id, "completed", LIMIT_S)
    before = kept_of(nox, job_id)
    clock.shift(HOUR_S)
    send_all([asleep], signal.SIGCONT)
    asleep.wait_log("lease lost, discarded", LIMIT_S)
    shown = [nox(*words, check=True).stdout for words in (("status", job_id), ("list",), ("worker", "list"))]
    other.process.terminate()

    assert before == kept_of(nox, job_id)
    assert (JobState.DONE, 2, 1) == (before.job.state, before.job.attempt, before.job.losses)
    assert not any(map(NEGATIVE.search, shown))
    assert 0 == other.wait()
    (next_id,) = submit_lingering(nox, go)
    nox.wait(next_id, "completed", LIMIT_S)


@pytest.mark.parametrize("first", [0, 1], ids=["its worker", "another"])
def test_a_machine_that_slept_goes_on(nox: Nox, clock: Clock, go: Path, first: int) -> None:
    """
    All workers of a machine slept for an hour: whoever wakes up first, the job goes on in its first attempt.
    """
    (job_id,) = submit_lingering(nox, go)
    workers = [nox.worker("--slots", "1", standin=True, env=clock.environment(sleeps=True))]
    wait_running(nox, [job_id], workers)
    workers.append(nox.worker("--slots", "1", standin=True, env=clock.environment(sleeps=True)))
    with nox.store() as store:
        wait_tick(store, workers[1], 0)
        wait_until(lambda: fell_asleep(nox, workers), LIMIT_S, "nobody to hold the store")
        later_ms = nox.job(job_id).created_ms + HOUR_S * 1_000
        clock.shift(HOUR_S)
        for worker in (workers[first], workers[1 - first]):
            send_all([worker], signal.SIGCONT)
            wait_tick(store, worker, later_ms)
    go.touch()
    nox.wait(job_id, "completed", LIMIT_S)

    assert (1, 0) == (nox.job(job_id).attempt, nox.job(job_id).losses)
    assert ["queued", "running", "done"] == nox.history(job_id)
