"""Fault 8: a machine sleeps: all that runs there stops at once, and its clocks have moved on later."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.clock import Clock
from tests.faults.lingering import submit_lingering, wait_running
from tests.faults.signed import LIMIT_S, kept_of, run_out
from tests.processes import end
from tests.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nox import Nox, Worker

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


def test_another_machine_takes_over(any_nox: Nox, clock: Clock, go: Path) -> None:
    """
    An hour passes for a machine asleep while its job runs elsewhere: that result stands later too, its own
    is discarded, it goes on with other jobs, and no age that is shown is negative.
    """
    nox, (job_id,) = any_nox, submit_lingering(any_nox, go)
    asleep = nox.worker("--slots", "1", standin=True, env=clock.environment())
    wait_running(nox, [job_id], [asleep])
    send_all([asleep], signal.SIGSTOP)
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
