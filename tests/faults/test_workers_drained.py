"""A worker that is asked to end claims nothing more, gives back what takes too long, leaves nothing."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.big import write_ice
from tests.support.lingering import wait_running
from tests.support.processes import descendants, has_open, is_alive
from tests.support.waiting import wait_until
from workers.job import MAX_BUNDLED, JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker

START_S = 60.0
MANY, SLOTS = 4_000, 2
WARNINGS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU]


@pytest.fixture
def ice(tmp_path: Path) -> str:
    """A structure whose optimisation outlasts the test."""
    return write_ice(tmp_path / "ice.xyz")


def running(nox: Nox, job_id: str, worker: Worker) -> set[int]:
    """Wait until a job computes; return the processes below its worker."""
    wait_until(lambda: nox.job(job_id).state is JobState.RUNNING, START_S, lambda: worker.log)
    wait_until(lambda: len(worker.look()) >= 2, START_S, "an engine process")
    return descendants(worker.pid)


def test_an_idle_worker_ends_at_once(any_nox: Nox) -> None:
    """
    With nothing to do, a signal ends a worker with code 0, and the store forgets it.
    """
    worker = any_nox.worker("--slots", "2", "--drain-timeout", "600")
    worker.wait_log("slots")
    with any_nox.store() as store:
        wait_until(lambda: len(store.workers()) == 1, 30, "a first word of the worker")

        worker.kill(signal.SIGTERM)

        assert 0 == worker.wait()
        assert [] == [seen.beat.worker for seen in store.workers() if seen.alive]


def test_a_job_that_takes_too_long_is_given_back_uncounted(any_nox: Nox, ice: str) -> None:
    """
    When the drain time is over, the job waits again, not counted as lost, and no process is left.
    """
    (job_id,) = any_nox.submit(ice, "--opt", "--no-start")
    worker = any_nox.worker("--slots", "1", "--drain-timeout", "1")
    children = running(any_nox, job_id, worker)

    worker.kill(signal.SIGTERM)

    assert 0 == worker.wait(30)
    job = any_nox.job(job_id)
    assert (JobState.QUEUED, 1, 0, 0) == (job.state, job.attempt, job.losses, job.releases)
    assert "draining: 1 running, no new" in worker.log
    wait_until(lambda: not any(map(is_alive, children)), 30, "the end of all that the worker had started")


@pytest.mark.parametrize("number", WARNINGS)
def test_workers_drained_what_a_batch_system_sends_first_drains_a_worker(
    nox: Nox, tmp_path: Path, number: signal.Signals
) -> None:
    """
    A job that runs comes to its end, another one is not begun, and the code is that of a SIGTERM.
    """
    until = tmp_path / "until"
    linger = {"kind": "echo", "payload": {"do": "linger", "until": str(until)}}
    running_id, waiting_id = nox.submit("-", "--no-start", input=json.dumps([linger, linger]))
    worker = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [running_id], [worker])

    worker.kill(number)
    worker.wait_log("draining: 1 running, no new")
    until.touch()

    assert 0 == worker.wait(30)
    assert f"received {number.name}" in worker.log
    assert [JobState.DONE, JobState.QUEUED] == [nox.job(one).state for one in (running_id, waiting_id)]


def test_the_kernel_may_repeat_its_warning(nox: Nox, tmp_path: Path) -> None:
    """
    SIGXCPU comes again with each second of CPU time: that hurries no drain.
    """
    until = tmp_path / "until"
    linger = {"kind": "echo", "payload": {"do": "linger", "until": str(until)}}
    (job_id,) = nox.submit("-", "--no-start", input=json.dumps(linger))
    worker = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [job_id], [worker])
    worker.kill(signal.SIGXCPU)
    worker.wait_log("draining")
    worker.kill(signal.SIGXCPU)
    until.touch()

    assert 0 == worker.wait(30)
    assert JobState.DONE is nox.job(job_id).state


@pytest.mark.parametrize("number", WARNINGS)
def test_workers_drained_what_a_batch_system_sends_first_ends_a_run(
    nox: Nox, ice: str, number: signal.Signals
) -> None:
    """
    `nox run` gives its job back, names the signal, and ends as after a SIGTERM.
    """
    run = nox.popen("run", ice, "--opt")
    with nox.store() as store:
        wait_until(lambda: store.counts().get(JobState.RUNNING), START_S, "a running job")
        run.send_signal(number)
        _, said = run.communicate(timeout=30)

        assert 143 == run.returncode
        assert f"terminated by {number.name}; 0 of 1 jobs have ended, 1 wait for a worker" in said
        assert {JobState.QUEUED: 1} == store.counts()


@pytest.mark.parametrize("number", WARNINGS)
def test_workers_drained_what_a_batch_system_sends_first_ends_a_command(
    nox: Nox, number: signal.Signals
) -> None:
    """
    It names the signal, and the command that goes on waiting.
    """
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    waiting = nox.popen("wait", job_id)
    wait_until(lambda: has_open(waiting.pid, nox.home / "nox.sqlite3"), 30, "an open store")
    waiting.send_signal(number)
    _, said = waiting.communicate(timeout=30)

    assert 143 == waiting.returncode
    assert [
        f"terminated by {number.name}; jobs go on",
        f"hint: go on with nox wait {job_id}",
    ] == said.splitlines()


def test_a_signal_stops_claiming_at_once(any_nox: Nox) -> None:
    """
    Goal G12: whoever is told to end in the middle of many short jobs begins none but what is being claimed.
    """
    requests = "".join(f'{{"kind": "echo", "payload": {n}}}\n' for n in range(MANY))
    ids = any_nox.submit("-", "--no-start", input=requests)
    worker = any_nox.worker("--slots", f"{SLOTS}")
    with any_nox.store() as store:
        wait_until(lambda: store.counts().get(JobState.DONE, 0) > 10, START_S, lambda: worker.log)
        worker.process.terminate()
        assert 0 == worker.wait(30)
        jobs = store.get_many(ids)

    assert {JobState.DONE, JobState.QUEUED} == {job.state for job in jobs}
    assert {0} == {job.losses + job.releases for job in jobs}
    _, told, after = worker.log.partition("received SIGTERM")
    assert told
    assert after.count(" started ") <= SLOTS * MAX_BUNDLED


def test_workers_drained_what_is_given_back_starts_elsewhere(any_nox: Nox, ice: str) -> None:
    """
    Goal G12: another worker begins it, and it is no loss.
    """
    (job_id,) = any_nox.submit(ice, "--opt", "--no-start")
    ending = any_nox.worker("--slots", "1", "--drain-timeout", "0")
    running(any_nox, job_id, ending)
    other = any_nox.worker("--slots", "1", "--drain-timeout", "0")
    with any_nox.store() as store:
        wait_until(lambda: len(store.workers()) == 2, START_S, lambda: other.log)
        ending.kill(signal.SIGTERM)
        wait_until(lambda: store.get(job_id).attempt == 2, START_S, lambda: other.log)
        job, (given,) = store.get(job_id), store.attempts(job_id)

    assert ("given_back", 0, 0) == (given.ended_as, job.losses, job.releases)


@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_gives_back_at_once(
    any_nox: Nox, ice: str, second: signal.Signals, code: int
) -> None:
    """
    Who asks twice does not wait for the job, which waits for another worker; the exit code tells.
    """
    (job_id,) = any_nox.submit(ice, "--opt", "--no-start")
    worker = any_nox.worker("--slots", "1", "--drain-timeout", "600")
    children = running(any_nox, job_id, worker)
    worker.kill(signal.SIGTERM)
    worker.wait_log("draining")

    worker.kill(second)

    assert code == worker.wait(30)
    assert (JobState.QUEUED, 0) == (any_nox.job(job_id).state, any_nox.job(job_id).losses)
    wait_until(lambda: not any(map(is_alive, children)), 30, "the end of all that the worker had started")


def test_a_draining_worker_takes_no_new_job(any_nox: Nox, ice: str) -> None:
    """
    What is submitted during a drain waits, although a slot is free.
    """
    (job_id,) = any_nox.submit(ice, "--opt", "--no-start")
    worker = any_nox.worker("--slots", "2", "--drain-timeout", "600")
    running(any_nox, job_id, worker)
    worker.kill(signal.SIGTERM)
    worker.wait_log("draining")

    (late,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    worker.kill(signal.SIGTERM)

    assert 143 == worker.wait(30)
    assert (JobState.QUEUED, 0) == (any_nox.job(late).state, any_nox.job(late).attempt)


@pytest.mark.parametrize("after_ms", [0, 50, 100, 150, 200, 300, 400, 500])
def test_a_signal_during_the_start_leaves_no_trace(nox: Nox, after_ms: int) -> None:
    """
    However early the signal comes, no job stays claimed and no process stays behind.
    """
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    worker = nox.worker("--slots", "1")
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun >= after_ms / 1_000, 30, "the moment")

    worker.kill(signal.SIGTERM)

    assert worker.wait(30) in {0, 143, -signal.SIGTERM}
    assert nox.job(job_id).state in {JobState.QUEUED, JobState.DONE}
    wait_until(lambda: not nox.processes(), 30, "the end of all that it had started")
