"""`nox worker`: the ends it comes to by itself: nothing left, enough jobs, the time is up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from nox_cli.run.worker import DRAIN_TIMEOUT_S
from tests.support.big import write_ice
from tests.support.environment import search_path
from tests.support.programs import write_program
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ECHO = ("--kind", "echo", "--payload", "1", "--no-start")
NO_ALLOCATION = dict.fromkeys(("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "SGE_TASK_ID"))


def states(nox: Nox, job_ids: list[str]) -> list[str]:
    """Read the raw states of jobs."""
    return [str(nox.job(job_id).state) for job_id in job_ids]


def test_a_burst_ends_when_nothing_is_left(any_nox: Nox) -> None:
    """
    It runs what is ready, what that lets start, and what falls due before long; then it ends in good order.
    """
    (first,) = any_nox.submit(*ECHO)
    ready = [first, *any_nox.submit(*ECHO, "--after", first), *any_nox.submit(*ECHO, "--delay", "2s")]

    worker = any_nox.worker("--slots", "2", "--burst")

    assert 0 == worker.wait()
    assert ["done"] * 3 == states(any_nox, ready)


def test_a_burst_waits_for_nothing_that_cannot_run_soon(any_nox: Nox) -> None:
    """
    Jobs for tomorrow, jobs that are held or wait for those, and jobs too large for it are left to others.
    """
    (held,) = any_nox.submit(*ECHO, "--hold")
    left = [
        held,
        *any_nox.submit(*ECHO, "--after", held),
        *any_nox.submit(*ECHO, "--delay", "1d"),
        *any_nox.submit(*ECHO, "--cores", "64"),
        *any_nox.submit(*ECHO, "--cores", "64", "--delay", "2s"),
    ]

    worker = any_nox.worker("--slots", "1", "--burst")

    assert 0 == worker.wait()
    assert ["held", "blocked", "scheduled", "queued"] == states(any_nox, left[:4])


def test_a_worker_ends_after_so_many_jobs(any_nox: Nox) -> None:
    """
    With several slots too, neither more nor fewer are run.
    """
    jobs = [job_id for _ in range(5) for job_id in any_nox.submit(*ECHO)]

    worker = any_nox.worker("--slots", "2", "--max-jobs", "3")

    assert 0 == worker.wait()
    assert (["done"] * 3 + ["queued"] * 2) == states(any_nox, jobs)


def test_a_worker_is_gone_when_its_time_is_up(any_nox: Nox, tmp_path: Path) -> None:
    """
    It takes no job that may take longer, gives back uncounted what still runs, and ends.
    """
    (long,) = any_nox.submit(*ECHO, "--time", "1h")
    (open_ended,) = any_nox.submit(write_ice(tmp_path / "ice.xyz"), "--opt", "--no-start")
    (short,) = any_nox.submit(*ECHO, "--time", "1s")

    worker = any_nox.worker("--slots", "2", "--cores", "2", "--time-limit", "20s", "--drain-before", "3s")
    wait_until(lambda: any_nox.job(open_ended).state is JobState.RUNNING, 60, lambda: worker.log)
    began = time.monotonic()

    assert 0 == worker.wait()
    # Less than the time that a worker without a limit would give its jobs to end.
    assert time.monotonic() - began < 20 + DRAIN_TIMEOUT_S / 2
    assert ["queued", "queued", "done"] == states(any_nox, [long, open_ended, short])
    given_back = any_nox.job(open_ended)
    assert (1, 0, 0) == (given_back.attempt, given_back.losses, any_nox.job(long).attempt)
    assert "ends in 20 s (--time-limit), takes no jobs after" in worker.log


def test_an_allocation_tells_the_time_limit(any_nox: Nox) -> None:
    """
    Slurm's word is taken: a worker whose allocation is about to end takes nothing and ends.
    """
    (job_id,) = any_nox.submit(*ECHO, "--time", "1h")
    # It ends in a while, however long the worker takes to start.
    allocation = {"SLURM_JOB_ID": "4711", "SLURM_JOB_END_TIME": str(int(time.time()) + 90)}

    worker = any_nox.worker("--slots", "1", "--time-limit", "auto", "--drain-before", "85s", env=allocation)

    assert 0 == worker.wait()
    assert "(SLURM_JOB_END_TIME)" in worker.log
    assert "queued" == str(any_nox.job(job_id).state)


@pytest.mark.parametrize(("at_first_s", "left"), [(3_600, "0:04"), (4, "1:00:00")])
def test_a_time_limit_that_was_changed_is_noticed(
    any_nox: Nox, tmp_path: Path, at_first_s: int, left: str
) -> None:
    """
    Slurm is asked whether the end of the allocation is still that of its beginning: shortened, and extended.
    """
    squeue = write_program(tmp_path / "bin" / "squeue", f"#!/bin/sh\necho {left}\n")
    (job_id,) = any_nox.submit(*ECHO, "--time", "10m")
    allocation = {
        "SLURM_JOB_ID": "4711",
        "SLURMD_NODENAME": "node3",
        "SLURM_JOB_END_TIME": str(int(time.time()) + at_first_s),
        "PATH": f"{squeue.parent}:{search_path()}",
    }
    is_shortened = at_first_s > 4
    held = ("--drain-before", "1s") if is_shortened else ("--max-jobs", "1")

    worker = any_nox.worker("--slots", "1", "--time-limit", "auto", *held, env=allocation)

    assert 0 == worker.wait()
    assert "squeue" in worker.log
    if not is_shortened:
        assert "done" == str(any_nox.job(job_id).state)


def test_worker_ends_is_said_where_no_end_is_known(any_nox: Nox) -> None:
    """
    Outside an allocation, or where nobody tells, `auto` sets no limit, and the worker says so and serves.
    """
    (job_id,) = any_nox.submit(*ECHO, "--time", "1h")
    worker = any_nox.worker("--slots", "1", "--time-limit", "auto", "--burst", env=NO_ALLOCATION)

    assert 0 == worker.wait()
    assert "no time limit: this is no allocation" in worker.log
    assert "done" == str(any_nox.job(job_id).state)


@pytest.mark.parametrize(
    "words",
    [
        ("--drain-before", "1m"),
        ("--time-limit", "1m", "--drain-before", "1m"),
        ("--time-limit", "soon"),
        ("--burst", "--idle-timeout", "5s"),
        ("--max-jobs", "0"),
    ],
)
def test_worker_ends_what_contradicts_itself_is_refused(nox: Nox, words: tuple[str, ...]) -> None:
    """
    It is a usage error and starts nothing.
    """
    ended = nox("worker", *words)

    assert 2 == ended.returncode
    assert "Traceback" not in ended.stderr
    assert not nox.home.exists() or not list(nox.home.glob("workers/*"))
