"""Engines that die, lie or never stop: each a clear verdict, and the next job is right."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin.keepers import ROOT, Driver
from workers.job import Reason
from workers.keeper.keeper import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.keeper.keeper import Ended

MIB = 1024**2


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A keeper of the stand-in."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    driver = Driver(tmp_path)
    yield driver
    driver.keeper.close()


def crashed(ended: Ended) -> str:
    """The message of a job that crashed."""
    assert ended.failure is not None
    assert Reason.CRASHED == ended.failure.reason
    assert ended.result is None
    return ended.failure.message


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_segfault_is_told_with_its_last_words_and_the_next_job_runs(driver: Driver) -> None:
    """
    A segfault is "engine crashed: SIGSEGV" with the tail of the log, in a new process at once.
    """
    before = driver.pid()
    ended = driver.do("die", signal=signal.SIGSEGV, print=["step 1", "step 2"])

    assert "engine crashed: SIGSEGV" == crashed(ended)
    assert ended.failure is not None
    assert ("step 1", "step 2") == ended.failure.evidence
    assert before != driver.pid()


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_children_other_deaths_are_named_too(driver: Driver, number: signal.Signals) -> None:
    """
    Every signal an engine may die of is told by its name.
    """
    assert f"engine crashed: {number.name}" == crashed(driver.do("die", signal=number))


def test_a_hundred_crashes_do_not_tire_the_keeper(driver: Driver) -> None:
    """
    Crash after crash, each is one verdict, and files of the keeper's do not pile up.
    """
    driver.do("die", signal=signal.SIGSEGV)
    files = open_files()
    messages = {crashed(driver.do("die", signal=signal.SIGSEGV)) for _ in range(100)}

    assert {"engine crashed: SIGSEGV"} == messages
    assert files == open_files()


def test_a_keeper_killed_between_jobs_costs_none(driver: Driver) -> None:
    """
    Nothing ran when it died: the next job runs under another keeper.
    """
    driver.pid()
    assert driver.keeper._link is not None
    killed = driver.keeper._link._process
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)

    assert driver.pid() != os.getpid()
    assert driver.keeper._link._process is not killed


def test_a_kill_from_outside_is_taken_for_what_it_mostly_is(driver: Driver) -> None:
    """
    A SIGKILL that nox did not send hints at the machine's memory.
    """
    ended = driver.do("die", signal=signal.SIGKILL)

    assert "engine was killed: SIGKILL from outside nox" == crashed(ended)
    assert ended.failure is not None
    assert "--memory" in ended.failure.hint


def test_the_memory_limit_is_told_with_limit_and_peak(driver: Driver) -> None:
    """
    An engine that wants more than its limit fails for want of memory, and only that job does.
    """
    ended = driver.do("grow", mib=400, limits=Limits(memory_bytes=256 * MIB, time_s=0))

    assert ended.failure is not None
    assert Reason.MEMORY == ended.failure.reason
    assert ended.failure.message.startswith("out of memory (limit 256 MiB, peak ")
    assert "--memory" in ended.failure.hint
    assert 400 * MIB == driver.payload(driver.do("grow", mib=400))


@pytest.mark.parametrize("words", ["Cannot allocate memory", "Error allocating 800 bytes"])
def test_an_engine_that_dies_of_a_failed_allocation_ran_out_of_memory(driver: Driver, words: str) -> None:
    """
    Libraries end in their own way when memory is refused; their last words tell.
    """
    ended = driver.do("die", code=1, print=[words])

    assert ended.failure is not None
    assert Reason.MEMORY == ended.failure.reason


def test_output_without_end_is_drained_and_cut(driver: Driver) -> None:
    """
    What is printed beyond the limit neither blocks the engine nor fills memory; the log says how
    much is missing, and the live view stops at the limit.
    """
    ended = driver.do("babble", mib=64, limits=Limits(memory_bytes=0, time_s=0, output_bytes=MIB))

    assert ended.result is not None
    assert MIB < len(ended.log) < MIB + 100
    assert b"\n[nox: 66060288 bytes of output were cut here]\n" in ended.log
    assert MIB == len(driver.output)


def test_an_engine_that_prints_for_ever_runs_into_its_time_limit(driver: Driver) -> None:
    """
    Printing does not keep the time limit from coming.
    """
    ended = driver.do("babble", limits=Limits(memory_bytes=0, time_s=1, output_bytes=MIB))

    assert ended.failure is not None
    assert Reason.TIMEOUT == ended.failure.reason
    assert "the time limit of 1 s was reached" == ended.failure.message


def test_exit_0_without_a_result_is_a_crash(driver: Driver) -> None:
    """
    An engine that says success without a number has failed.
    """
    assert "engine ended without a result" == crashed(driver.do("leave"))
    assert "engine ended without a result" == crashed(driver.do("die", code=0))
    assert "engine ended without a result (exit code 3)" == crashed(driver.do("die", code=3))


def test_a_number_that_is_not_finite_is_refused_and_the_raw_text_kept(driver: Driver) -> None:
    """
    NaN is no result; what the engine printed stays in the log.
    """
    ended = driver.do("nan")

    assert "the result is not finite" == crashed(ended)
    assert b"TOTAL ENERGY NaN\n" == ended.log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": '{"job": 2, "result": {"kind": "echo", "payload": NaN}}'}, "the result is not finite"),
        (
            {"text": '{"job": 2, "result": {"kind": "sp", "energy_hartree": 1e999}}'},
            "the engine sent what is not a result",
        ),
        ({"text": '{"job": 2, "result": {"kind": "banana"}}'}, "the engine sent what is not a result"),
        (
            {"text": '{"job": 2, "result": {"kind": "echo", "extra": 1}}'},
            "the engine sent what is not a result",
        ),
        ({"text": '{"job": 2, "failure": {"reason": "banana"}}'}, "the engine sent what is not a result"),
        ({"text": '{"progress": {"step": "x"}}'}, "the engine sent what is not a result"),
        ({"text": '{"progress": 5}'}, "the engine sent what is not a result"),
        (
            {"text": '{"job": 2, "warnings": 5, "result": {"kind": "echo"}}'},
            "the engine sent what is not a result",
        ),
        ({"text": "[]"}, "the engine sent what is not a result"),
        ({"text": "{}"}, "the engine sent what is not a result"),
        ({"text": "not json"}, "the engine sent what is not a result"),
        ({"hex": "ffffffff00"}, "the engine sent what is not a result"),
    ],
)
def test_frames_that_are_no_result_are_refused(
    driver: Driver, arguments: dict[str, Any], message: str
) -> None:
    """
    What is over-long, not JSON or of a foreign shape is a crash; that process serves no other job.
    """
    before = driver.pid()
    ended = driver.do("send", then="sleep", **arguments)

    assert message == crashed(ended)
    assert before != driver.pid()


def test_a_second_answer_is_not_taken_for_the_next_jobs(driver: Driver) -> None:
    """
    An engine that answers twice has answered once: the next job gets its own answer.
    """
    forged = '{"job": %d, "result": {"kind": "echo", "payload": "forged"}}'
    first = driver.do("send", text=forged % 1)
    second = driver.do("tell", print=["second"])

    assert "forged" == driver.payload(first)
    assert driver.payload(second)["pid"] != os.getpid()


def test_an_answer_to_another_job_is_foreign(driver: Driver) -> None:
    """
    Answers name their job; any other is refused.
    """
    ended = driver.do("send", text='{"job": 99, "result": {"kind": "echo", "payload": 1}}', then="sleep")

    assert "the engine sent what is not a result" == crashed(ended)
    assert ended.failure is not None
    assert ("the frame answers job 99, not 1",) == ended.failure.evidence


def test_children_half_a_frame_of_a_dead_engine_does_not_reach_the_next_job(driver: Driver) -> None:
    """
    An engine that dies in the middle of a frame leaves nothing for the next one to stumble over.
    """
    ended = driver.do("send", hex="40000000" + b'{"result"'.hex(), then="sleep", limits=Limits(0, 1))

    assert ended.failure is not None
    assert Reason.TIMEOUT == ended.failure.reason
    assert driver.pid() != os.getpid()


def test_an_engine_that_cannot_fork_says_so(driver: Driver) -> None:
    """
    Where no process can be started the job says so, with the limit, and the worker lives.
    """
    ended = driver.do("fork without room")

    assert crashed(ended).startswith("cannot start a process (limit 0)")
    driver.keeper.close()
    assert driver.pid() != os.getpid()


def test_a_file_over_the_limit_fails_the_job(driver: Driver) -> None:
    """
    No job writes a file larger than it may.
    """
    ended = driver.do("write", mib=8, limits=Limits(0, 0, file_bytes=4 * MIB))

    assert "a file of the engine's reached the limit of 4 MiB" == crashed(ended)
    assert 8 * MIB == driver.payload(driver.do("write", mib=8))


def test_an_unforeseen_error_is_internal(driver: Driver) -> None:
    """
    An exception nobody expected is told as such, and the process goes on.
    """
    before = driver.pid()
    ended = driver.do("fail")

    assert ended.failure is not None
    assert Reason.INTERNAL == ended.failure.reason
    assert "an error inside nox: RuntimeError: something unforeseen" == ended.failure.message
    assert before == driver.pid()
