"""Pools on a real Slurm: jobs start as many workers as they need, and these end by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lingering import submit_lingering, wait_running
from tests.support.login import LIMIT_S, LoginNode
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.slurm import Slurm


@pytest.fixture
def login(redis_nox: Nox, slurm: Slurm) -> LoginNode:
    """A login node of the shared Slurm."""
    return LoginNode(redis_nox, slurm)


def test_a_pool_starts_the_predicted_allocations_once(login: LoginNode) -> None:
    """
    Sixty jobs of two shapes, of a minute each as far as is known, are 80 core minutes: two allocations of 4
    cores have as many in ten minutes.  Two loops request these two, all jobs are done, and none is left.
    """
    login.set()
    jobs = [*login.submit(40), *login.submit(20, "--cores", "2")]
    loops = [login.nox.popen("alloc", "run") for _ in range(2)]
    for job in jobs:
        login.nox.wait(job, "completed", LIMIT_S)
    ends = ["ended", "ended"]
    wait_until(
        lambda: [one["state"] for one in login.allocations] == ends, LIMIT_S, lambda: str(login.page())
    )
    for loop in loops:
        loop.terminate()
        loop.communicate(timeout=LIMIT_S)

    assert ["COMPLETED"] * 2 == [job.state for job in login.batch_jobs]
    assert 60 == sum(one["jobs"] for one in login.allocations)
    assert {job.number for job in login.batch_jobs} == {one["number"] for one in login.allocations}


@pytest.mark.parametrize("words", [("--cores", "5"), ("--time", "9m")], ids=["too wide", "too long"])
def test_a_job_that_fits_no_pool_starts_nothing(login: LoginNode, words: tuple[str, str]) -> None:
    """
    It starts no allocation, however often a look is made, and `explain` names what the pool lacks.
    """
    login.set()
    (job,) = login.submit(1, *words)
    login.request()
    login.hasten()
    look = login.look()
    explained = login.nox("explain", job, check=True).stdout

    assert [] == login.batch_jobs
    assert not look["requested"]
    assert look["shapes"][0]["lack"] in explained
    assert look["shapes"][0]["lack"]


def test_a_pool_starts_nothing_for_what_a_worker_will_start(login: LoginNode, tmp_path: Path) -> None:
    """
    A worker elsewhere that is busy now has time for five more jobs of a minute within ten minutes.
    """
    login.set()
    worker = login.nox.worker("--slots", "1", standin=True)
    wait_running(login.nox, submit_lingering(login.nox, tmp_path / "go"), [worker])
    waiting = submit_lingering(login.nox, tmp_path / "go", 5)
    look = login.request()
    (tmp_path / "go").touch()
    for job in waiting:
        login.nox.wait(job, "completed")

    assert 5 == look["shapes"][0]["ready"]
    assert [] == login.batch_jobs


def test_allocations_end_at_the_budget(login: LoginNode) -> None:
    """
    Of the three allocations that jobs need, the core hours of the day allow one.
    """
    login.set("--budget", "1h/day", "--pending", "3")
    login.submit(3, "--cores", "4", "--time", "8m")
    login.request()
    login.hasten()
    look = login.look()

    assert 1 == len(login.batch_jobs)
    assert 0 == look["decisions"][0]["limits"]["--budget"]
