"""Allocations on a real Slurm when something goes wrong: kills, refusals, lost answers, failed nodes."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from datetime import datetime
from random import SystemRandom
from typing import TYPE_CHECKING

import pytest

from tests.support.batch import BatchStandIn
from tests.support.login import LIMIT_S, POOL, LoginNode
from tests.support.slurm import Slurm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.batch import Act, Program
    from tests.support.nox import Nox

# Later than any test; so that the allocation waits.
LATER = ("--", "--begin=now+1hour")
KILLS = 50


@pytest.fixture
def login(redis_nox: Nox, slurm: Slurm) -> LoginNode:
    """A login node of the shared Slurm."""
    return LoginNode(redis_nox, slurm)


@pytest.fixture
def stand_in(login: LoginNode, tmp_path: Path) -> BatchStandIn:
    """Programs that stand before those of Slurm on the login node."""
    made = BatchStandIn(tmp_path / "programs", login.slurm.environ)
    login.nox.environ |= made.environ
    return made


@pytest.mark.parametrize(
    ("program", "act"),
    [("squeue", "kill_before"), ("sbatch", "kill_before"), ("sbatch", "kill_after")],
    ids=["asking", "intended", "requested"],
)
def test_a_kill_loses_and_doubles_no_allocation(
    login: LoginNode, stand_in: BatchStandIn, program: Program, act: Act
) -> None:
    """
    `nox alloc run` is killed before it asks, before Slurm has its request, or before it has the number:
    what follows finds or makes the one allocation, and Slurm has one batch job, under the recorded name.
    """
    login.set(*LATER)
    login.submit()
    login.look()
    login.hasten()
    stand_in.order(program, act, times=1)
    killed = login.nox.popen("alloc", "run", "--once")
    killed.communicate(timeout=LIMIT_S)
    before = len(login.batch_jobs)
    for _ in range(2):
        login.look()
        login.hasten()
    unanswered = len(login.batch_jobs)
    login.request_again()

    assert -9 == killed.returncode
    assert before == (act == "kill_after")
    assert unanswered == (0 if (program, act) == ("sbatch", "kill_before") else 1)
    (job,) = login.batch_jobs
    (one,) = [one for one in login.allocations if one["state"] != "ended"]
    assert (job.number, job.name) == (one["number"], f"nox.{POOL}.{one['token']}")


@pytest.mark.parametrize("act", ["garbage", "lose", "mute"])
def test_an_answer_that_says_little_loses_and_doubles_nothing(
    login: LoginNode, stand_in: BatchStandIn, act: Act
) -> None:
    """
    If sbatch prints nonsense, a number that Slurm does not know, or nothing although it did its work, there
    is one batch job in the end, whose number is recorded.
    """
    login.set(*LATER)
    login.submit()
    login.look()
    login.hasten()
    stand_in.order("sbatch", act, {"garbage": "\0what?", "lose": "999999999"}.get(act, ""), times=1)
    login.look()
    login.request_again()

    (job,) = login.batch_jobs
    assert [job.number] == [one["number"] for one in login.allocations if one["state"] == "pending"]


def test_a_request_that_slurm_has_twice_is_one_allocation(login: LoginNode, stand_in: BatchStandIn) -> None:
    """
    The two batch jobs have one name: one is cancelled while it is pending, and no other is requested.
    """
    login.set("--pending", "1", *LATER)
    login.submit(3, "--cores", "4", "--time", "8m")
    login.look()
    login.hasten()
    stand_in.order("sbatch", "twice", times=1)
    for _ in range(3):
        login.look()
        login.hasten()

    assert ["CANCELLED", "PENDING"] == sorted(job.state for job in login.batch_jobs)
    (one,) = login.allocations
    (left,) = [job for job in login.batch_jobs if job.state == "PENDING"]
    assert (one["state"], one["number"]) == ("pending", left.number)


def test_refusals_are_answered_by_longer_pauses(login: LoginNode) -> None:
    """
    An unknown partition: pauses of 1, 5, 15, 60 minutes; after ten refusals the pool is paused with
    Slurm's words.
    """
    login.set("--", "-p", "nowhere")
    login.submit()
    login.look()
    pauses_min = []
    for _ in range(10):
        login.hasten(to_next=True)
        login.look()
        at = datetime.fromisoformat(login.pool["no_request_before"]).timestamp()
        pauses_min.append(round((at - time.time()) / 60))
    login.hasten(to_next=True)
    look = login.look()

    assert [1, 5, 15, 60, 60] == pauses_min[:5]
    assert ("refused", 10) == (login.pool["paused"], login.pool["refusals"])
    assert "invalid partition specified: nowhere" in login.pool["why"]
    assert not look["requested"]
    assert [] == login.batch_jobs


def test_three_allocations_without_a_worker_pause_the_pool(login: LoginNode) -> None:
    """
    The nodes lack nox: three allocations fail, then the pool is paused with the lines of the log, and none
    follows.  Slurm has forgotten the first before it is asked.
    """
    login.set("--before", "exec /gone/nox worker")
    login.submit()
    login.look()
    for strikes in range(1, 4):
        login.hasten(to_next=True)
        login.look()
        login.slurm.wait_state(login.batch_jobs[-1].number, "FAILED")
        if strikes == 1:
            login.slurm.wait_forgotten(login.batch_jobs[-1].number)
        login.hasten(to_next=True)
        login.look()
        assert strikes == login.pool["strikes"]
    login.hasten(to_next=True)
    login.request()

    assert 3 == len(login.batch_jobs)
    assert "strikes" == login.pool["paused"]
    assert "/gone/nox" in login.pool["why"]


@pytest.fixture
def patient_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm that knows an ended job for longer than a look may take."""
    with Slurm(tmp_path_factory.mktemp("slurm"), MinJobAge="300") as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("what", "ended_as"),
    [("preempted", "preempted"), ("node", "node_failed"), ("scancel", "cancelled")],
)
def test_an_end_that_others_cause_is_no_strike(
    redis_nox: Nox, patient_slurm: Slurm, what: str, ended_as: str
) -> None:
    """
    A running allocation is preempted, its node fails, or a person cancels it: no strike, and another one
    replaces it.
    """
    login = LoginNode(redis_nox, patient_slurm)
    login.set("--idle", "5m")
    (job,) = login.submit(1, payload="1")
    login.request()
    number = login.running()
    login.nox.wait(job, "completed", LIMIT_S)
    if what == "preempted":
        login.slurm.submit("-p", "urgent", "--nodes=3", "--exclusive", "--time=10")
    elif what == "node":
        (node,) = login.slurm.run("squeue", "-h", f"--jobs={number}", "--format=%N").split()
        login.slurm.fail_node(node)
    else:
        login.slurm.run("scancel", number)
    ended = login.until(ended_as)
    login.submit()
    login.hasten(to_next=True)
    login.request()

    assert number == ended["number"]
    assert 0 == login.pool["strikes"]
    assert login.pool["paused"] is None
    assert 2 == len(login.batch_jobs)


def test_a_node_that_is_allocated_whole_counts_with_all_of_its_cores(login: LoginNode) -> None:
    """
    While it runs, with all of its time, and in the sum of what has been used: `--exclusive` gives four cores
    where one was asked for.
    """
    login.set("--cores", "1", "--idle", "5m", "--budget", "500h/day", "--", "--exclusive")
    login.submit(1)
    login.request()
    number = login.running()
    login.hasten()
    login.look()
    during = login.pool["core_hours_used"]
    login.slurm.run("scancel", number)
    login.until("ended")
    with login.nox.store() as store:
        assert store.pools is not None
        (one,) = store.pools.allocations("ada", ended=True)
        (pool,) = store.pools.pools("ada")

    assert 4 * 600 / 3_600 == during
    assert [4 * ((one.ended_ms or 0) - (one.started_ms or 0)) // 1_000] == list(pool.spent.values())


def test_a_slurmctld_that_is_unreachable_changes_nothing(login: LoginNode) -> None:
    """
    While no program of Slurm's gets an answer, nothing is requested or forgotten; then it continues.
    """
    login.set("--pending", "1", *LATER)
    login.submit(3, "--cores", "4", "--time", "8m")
    login.request()
    (before,) = login.batch_jobs
    login.slurm.stop_controller()
    login.hasten(to_next=True)
    look = login.look()
    login.hasten(to_next=True)
    login.look()
    during = login.allocations
    login.slurm.start_controller()
    login.hasten(to_next=True)
    after = login.look()

    assert look["silence"]
    assert [("pending", before.number)] == [(one["state"], one["number"]) for one in during]
    assert ("", 1) == (after["silence"], after["decisions"][0]["pending"])
    assert [before.number] == [job.number for job in login.batch_jobs]


def test_demand_that_is_gone_cancels_what_is_pending(login: LoginNode) -> None:
    """
    After two minutes without jobs nox cancels a pending allocation, which is no strike.
    """
    login.set(*LATER)
    jobs = login.submit()
    login.request()
    login.nox("cancel", *jobs, check=True)
    login.look()
    login.hasten()
    login.look()
    ended = login.until("unwanted")

    assert "CANCELLED" == login.batch_jobs[0].state
    assert (ended["number"], 0) == (login.batch_jobs[0].number, login.pool["strikes"])


def test_demand_that_is_gone_leaves_what_runs(login: LoginNode) -> None:
    """
    A running allocation is never cancelled: its worker ends by itself when it has had no job for a while.
    """
    login.set()
    login.submit()
    login.request()
    number = login.running()
    for _ in range(3):
        login.hasten()
        login.look()
    login.slurm.wait_state(number, "COMPLETED")

    assert "completed" == login.until("completed")["ended_as"]


def test_an_allocation_that_is_held_still_counts(login: LoginNode) -> None:
    """
    A person holds it: it is pending, and no other is requested in its place.
    """
    login.set("--pending", "1", *LATER)
    login.submit(3, "--cores", "4", "--time", "8m")
    login.request()
    (job,) = login.batch_jobs
    login.slurm.run("scontrol", "uhold", job.number)
    login.hasten()
    login.request()

    assert [job.number] == [other.number for other in login.batch_jobs]
    assert ("pending", "JobHeldUser") == (login.allocations[0]["state"], login.allocations[0]["reason"])


def test_looks_at_a_standstill_ask_little(login: LoginNode, stand_in: BatchStandIn) -> None:
    """
    Twenty looks with one allocation that waits and no other that is needed: no request, and no more than
    one question each.
    """
    login.set(*LATER)
    login.submit()
    login.request()
    requested, asked = (len(stand_in.calls(name)) for name in ("sbatch", "squeue"))
    for _ in range(20):
        login.look()

    assert requested == len(stand_in.calls("sbatch"))
    assert len(stand_in.calls("squeue")) <= asked + 20
    assert not stand_in.calls("scancel")


@pytest.mark.long
@pytest.mark.parametrize("act", ["hang", "swallow"])
def test_an_sbatch_that_never_ends_loses_and_doubles_nothing(
    login: LoginNode, stand_in: BatchStandIn, act: Act
) -> None:
    """
    It is ended after half a minute, whether Slurm has the request or not; nothing is requested before that
    is known, and in the end there is one batch job.
    """
    login.set(*LATER)
    login.submit()
    login.look()
    login.hasten()
    stand_in.order("sbatch", act, times=1)
    look = login.look()
    login.request()
    unanswered = len(login.batch_jobs)
    login.request_again()

    assert "did not answer" in look["silence"]
    assert unanswered == (act == "swallow")
    (job,) = login.batch_jobs
    assert [job.number] == [one["number"] for one in login.allocations if one["state"] == "pending"]


@pytest.mark.long
def test_a_slurmctld_that_is_frozen_changes_nothing(login: LoginNode) -> None:
    """
    It takes connections and answers none: nothing is requested or forgotten; then it continues.
    """
    login.set("--pending", "2", *LATER)
    login.submit(3, "--cores", "4", "--time", "8m")
    login.request()
    before = login.batch_jobs
    login.slurm.freeze_controller()
    login.hasten(to_next=True)
    look = login.look()
    during = login.allocations
    login.slurm.thaw_controller()
    login.hasten(to_next=True)
    after = login.look()

    assert look["silence"]
    assert ["pending"] * len(before) == [one["state"] for one in during]
    assert "" == after["silence"]
    assert before == login.batch_jobs


@pytest.mark.long
def test_kills_at_any_time_lose_and_double_no_allocation(login: LoginNode) -> None:
    """
    `nox alloc run` is killed at fifty random moments while it requests up to three allocations: each batch
    job that Slurm accepted has one record with its number.
    """
    login.set("--max", "200", "--pending", "200", *LATER)
    login.submit(600, "--cores", "4", "--time", "8m")
    login.look()
    login.hasten(wish=3)
    began = time.monotonic()
    login.nox.popen("alloc", "run", "--once").communicate(timeout=LIMIT_S)
    took_s = time.monotonic() - began
    chance, cut_off = SystemRandom(), 0
    for _ in range(KILLS):
        login.hasten(to_next=True, drop=True, wish=3)
        process = login.nox.popen("alloc", "run", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.4 * took_s, 1.2 * took_s))
        process.kill()
        process.wait()
        cut_off += any(not one["number"] and one["state"] != "ended" for one in login.allocations)
    login.nox("cancel", "--all", "--yes", check=True)
    for _ in range(3):
        login.hasten(drop=True)
        login.look()

    with login.nox.store() as store:
        assert store.pools is not None
        records = store.pools.allocations("ada", ended=True)
    recorded = {one.number: one.name for one in records if one.number}
    assert {job.number: job.name for job in login.batch_jobs} == recorded
    assert len(recorded) == len(set(recorded.values()))
    assert cut_off, f"no kill came between a request and its number: {len(recorded)}"
