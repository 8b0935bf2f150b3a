"""Jobs that are stopped, and processes that would outlive them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from tests.standin.keepers import ROOT, STAND_IN, Driver
from tests.support.processes import descendants, end, is_alive
from tests.support.waiting import wait_until
from workers.job import Reason
from workers.keeper.keeper import Keeper, Limits, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# The stand-in, whose keeper loads its libraries for as long as a FIFO has no writer.
SLOW_START = """
from pathlib import Path
from tests.standin.engine import prepare, run

def preload(_):
    Path({gate!r}).read_text()
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A keeper of the stand-in."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    driver = Driver(tmp_path)
    yield driver
    driver.keeper.close()


@pytest.mark.parametrize("why", list(Stop))
def test_a_running_job_is_stopped(driver: Driver, why: Stop) -> None:
    """
    A stopped job ends without a result and without a failure, and the next one runs.
    """
    running = driver.start("sleep")
    driver.wait_output(b"asleep")
    driver.keeper.stop(why)
    ended = running.ended()

    assert (None, None, why) == (ended.result, ended.failure, ended.stopped)
    assert b"asleep\n" == ended.log
    assert driver.pid() != os.getpid()


def test_an_engine_deaf_to_term_is_killed_after_the_grace(driver: Driver) -> None:
    """
    TERM that is ignored is followed by KILL when the grace is over.
    """
    running = driver.start("sleep", deaf=True)
    driver.wait_output(b"asleep")
    begin = time.monotonic()
    driver.keeper.stop(Stop.CANCEL)
    ended = running.ended()

    assert Stop.CANCEL == ended.stopped
    assert driver.grace_s <= time.monotonic() - begin


def test_an_engine_whose_job_is_lost_has_no_grace(driver: Driver) -> None:
    """
    Another runs the job, so that nothing it might still do is of use: it is killed at once.
    """
    driver.keeper = Keeper(grace_s=600.0, entry=STAND_IN)
    running = driver.start("sleep", deaf=True)
    driver.wait_output(b"asleep")
    driver.keeper.stop(Stop.LOST)

    assert Stop.LOST == running.ended().stopped


def test_the_weightiest_reason_counts(driver: Driver) -> None:
    """
    Of several reasons to stop, a lost lease counts before a cancel, and that before a drain.
    """
    running = driver.start("sleep", deaf=True)
    driver.wait_output(b"asleep")
    for why in (Stop.GIVE_BACK, Stop.CANCEL, Stop.GIVE_BACK, Stop.LOST, Stop.CANCEL):
        driver.keeper.stop(why)

    assert Stop.LOST == running.ended().stopped


def test_a_stop_without_a_job_does_nothing(driver: Driver) -> None:
    """
    A stop that comes late does not reach the next job.
    """
    driver.pid()
    driver.keeper.stop(Stop.LOST)
    ended = driver.do("tell")

    assert ended.stopped is None
    assert ended.result is not None


@pytest.mark.parametrize("why", list(Stop))
def test_a_stop_before_the_engine_has_started_is_heard(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: Stop
) -> None:
    """
    A job that is stopped while its process is still being started ends at once, and the next one gets that
    process.
    """
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "slow_start.py").write_text(SLOW_START.format(gate=str(gate)))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    driver.keeper = Keeper(entry="slow_start")
    running = driver.start("sleep", deaf=True)
    wait_until(lambda: driver.keeper._link, 20, "a keeper process")
    link = driver.keeper._link
    driver.keeper.stop(why)
    ended = running.ended()
    gate.write_text("")

    assert (why, None) == (ended.stopped, ended.failure)
    assert driver.pid() != os.getpid()
    assert link is driver.keeper._link


def test_the_time_limit_kills_what_is_deaf(driver: Driver) -> None:
    """
    A time limit is kept against an engine that ignores TERM.
    """
    ended = driver.do("sleep", deaf=True, limits=Limits(memory_bytes=0, time_s=1))

    assert ended.failure is not None
    assert Reason.TIMEOUT == ended.failure.reason
    assert ended.stopped is None


def test_children_stopped_what_a_finished_job_left_running_is_ended(driver: Driver) -> None:
    """
    Children and daemons that a job leaves behind are gone before the next, and the job says so.
    """
    ended = driver.do("spawn", children=2, daemons=2)
    left = driver.payload(ended)

    assert 4 == len(left)
    assert ("processes that the engine left running were ended",) == ended.warnings
    assert [] == [pid for pid in left if is_alive(pid)]


def test_a_stopped_job_takes_its_whole_family_along(driver: Driver) -> None:
    """
    A stop reaches daemons that were forked twice, left their session and ignore TERM.
    """
    running = driver.start("spawn", children=1, daemons=2, stay=True)
    spawned = [int(pid) for pid in driver.wait_output(b"\n").split()[1:]]
    driver.keeper.stop(Stop.CANCEL)
    running.ended()

    assert 3 == len(spawned)
    assert [] == [pid for pid in spawned if is_alive(pid)]


WORKER = """
    import json, sys
    from workers.keeper.keeper import Keeper, Limits, Task

    def show(data):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    keeper = Keeper(entry=sys.argv[1])
    spec = {"kind": "echo", "payload": {"do": "spawn", "children": 2, "daemons": 2, "stay": True}}
    keeper.run(Task(json.dumps(spec).encode(), Limits(0, 0), None, on_progress=print, on_output=show))
"""


def spawning_worker() -> subprocess.Popen[bytes]:
    """Start a worker; its engine has started others when this returns."""
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKER), STAND_IN],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    return worker


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_stopped_nothing_outlives_a_killed_worker(number: signal.Signals) -> None:
    """
    Two seconds after the worker's SIGKILL no process below it is left, daemons included.
    """
    with spawning_worker() as worker:
        family = descendants(worker.pid)
        end(worker.pid, number)
        worker.wait()

    assert 6 <= len(family)
    wait_until(lambda: not any(map(is_alive, family)), 30, "the whole family gone")


def test_an_engine_outlives_no_keeper() -> None:
    """
    Where worker and keeper are killed together, so that neither can end the engine, the kernel does.
    """
    with spawning_worker() as worker:
        family = descendants(worker.pid)
        (keeper,) = [pid for pid in family if len(descendants(pid)) == len(family) - 1]
        (engine,) = [pid for pid in descendants(keeper) if descendants(pid)]
        end(keeper, signal.SIGSTOP)
        end(worker.pid)
        worker.wait()
    end(keeper)
    try:
        wait_until(lambda: not is_alive(engine), 30, "the engine gone")
    finally:
        for pid in family:
            end(pid)


def test_a_keeper_that_is_killed_is_replaced(driver: Driver) -> None:
    """
    A keeper process that dies takes its job and all its daemons along, and the next job gets another.
    """
    running = driver.start("spawn", children=1, daemons=1, stay=True)
    spawned = [int(pid) for pid in driver.wait_output(b"\n").split()[1:]]
    assert driver.keeper._link is not None
    end(driver.keeper._link._process.pid)
    ended = running.ended()

    assert ended.failure is not None
    assert "the engine's keeper process ended" == ended.failure.message
    assert 2 == len(spawned)
    wait_until(lambda: not any(map(is_alive, spawned)), 30, "its daemons gone")
    assert driver.pid() != os.getpid()
