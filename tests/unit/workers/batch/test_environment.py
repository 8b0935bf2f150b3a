"""When an allocation ends, as its batch system tells: stand-ins print what its programs print."""

from __future__ import annotations

import threading
import time
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import replace_text, write_program
from tests.support.waiting import wait_until
from workers.batch import environment
from workers.batch.environment import Deadline, current_ending, ending, pbs_memory
from workers.batch.grant import Limit
from workers.logs import Log
from workers.sizes import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SLURM, PBS = {"SLURM_JOB_ID": "4711"}, {"PBS_JOBID": "12.server"}
QSTAT = "Job Id: 12.server\n    job_state = R\n    Resource_List.walltime = 02:00:00\n"


@pytest.fixture
def says(tmp_path: Path) -> Callable[[str, str, int], str]:
    """Make a program that prints a text, or give it another while it may run; the PATH it is on."""

    def make(name: str, text: str, code: int = 0) -> str:
        replace_text(tmp_path / f"{name}.txt", text)
        write_program(
            tmp_path / name,
            f'#!/bin/sh\necho "$*" > {tmp_path}/asked\n/bin/cat {tmp_path}/{name}.txt\nexit {code}\n',
        )
        return str(tmp_path)

    return make


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Ends what follows the end of an allocation, and waits until no thread asks for it any more."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "deadline":
            thread.join(30)


def left_s(environ: dict[str, str]) -> float | None:
    """How long the allocation lasts, to the nearest ten seconds."""
    found = ending(environ)
    return None if found is None else round(found.left_s, -1)


def _lasts(deadline: Deadline, expected_s: int) -> bool:
    """Whether an allocation ends in so long, to the nearest ten seconds; a worker drains 6 s before."""
    return expected_s == round(deadline.time_s + 6, -1)


def test_slurm_says_when_a_job_ends() -> None:
    """
    Newer versions say it in the environment; nobody is asked.
    """
    found = ending(SLURM | {"SLURM_JOB_END_TIME": str(round(time.time()) + 600), "PATH": ""})

    assert found is not None
    assert ("SLURM_JOB_END_TIME", 600) == (found.source, round(found.left_s, -1))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("1:59:50", 7_190),
        ("29:50", 1_790),
        ("0:10", 10),
        ("2-03:00:00", 183_600),
        ("UNLIMITED", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_squeue_is_asked_what_is_left(
    says: Callable[..., str], tmp_path: Path, printed: str, expected: int | None
) -> None:
    """
    Of this job alone, in every form that squeue writes a time in.
    """
    path = says("squeue", f"{printed}\n")

    assert expected == left_s(SLURM | {"PATH": path})
    assert "--noheader --jobs=4711 --format=%L" == (tmp_path / "asked").read_text().strip()


def test_a_squeue_that_fails_tells_nothing(says: Callable[..., str]) -> None:
    """
    Nor does one that is not there.
    """
    assert ending(SLURM | {"PATH": says("squeue", "1:00\n", 1)}) is None
    assert ending(SLURM | {"PATH": ""}) is None


def test_a_near_end_is_asked_about(says: Callable[..., str]) -> None:
    """
    It may have been moved since the allocation began; where Slurm does not answer, the first word stands.
    """
    near = SLURM | {"SLURM_JOB_END_TIME": str(round(time.time()) + 20)}

    assert 3_600 == left_s(near | {"PATH": says("squeue", "1:00:00\n")})
    assert 20 == left_s(near | {"PATH": says("squeue", "", 1)})
    assert 31_536_000 == left_s(near | {"PATH": says("squeue", "UNLIMITED\n")})


@pytest.mark.parametrize("at", ["0", "1700000000"])
def test_an_end_that_is_past_was_moved(says: Callable[..., str], at: str) -> None:
    """
    The process still runs, so its job goes on: Slurm is asked, and without an answer no end is known.
    """
    past = SLURM | {"SLURM_JOB_END_TIME": at}

    assert 3_600 == left_s(past | {"PATH": says("squeue", "1:00:00\n")})
    assert ending(past | {"PATH": says("squeue", "UNLIMITED\n")}) is None
    assert ending(past | {"PATH": ""}) is None


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("0:30", 30), ("30:00", 1_800), ("UNLIMITED", 31_536_000), ("INVALID", 600), ("", 600), ("9:55", 600)],
)
def test_an_end_that_was_moved_is_noticed(
    says: Callable[..., str], ended: threading.Event, printed: str, expected: int
) -> None:
    """
    The batch system is asked while a worker runs: what it answers counts, no answer changes nothing.
    """
    environ = SLURM | {"PATH": says("squeue", f"{printed}\n")}
    lines = StringIO()
    deadline = Deadline(600, 6, partial(current_ending, environ))

    deadline.follow(Log(lines), ended)

    wait_until(partial(_lasts, deadline, expected), 30, lines.getvalue)
    assert ("source=squeue" in lines.getvalue()) == (expected != 600)


def test_an_end_is_asked_for_again(
    says: Callable[..., str], ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Every so often, for as long as the worker runs; shortened and extended ends are noticed alike.
    """
    monkeypatch.setattr(environment, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(environment, "ASK_OFTEN_S", 0.02)
    environ = SLURM | {"PATH": says("squeue", "10:00\n")}
    lines = StringIO()
    deadline = Deadline(600, 6, partial(current_ending, environ))
    deadline.follow(Log(lines), ended)

    for printed, expected in (("0:20", 20), ("2:00:00", 7_200), ("0:40", 40)):
        says("squeue", printed)
        wait_until(partial(_lasts, deadline, expected), 30, lines.getvalue)


def test_environment_nobody_waits_for_a_batch_system_that_does_not_answer(
    tmp_path: Path, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is asked on a thread of its own, for a limited time; the end stays where it was.
    """
    monkeypatch.setattr(environment, "ASK_S", 0.5)
    write_program(tmp_path / "squeue", f"#!/bin/sh\necho asked >> {tmp_path}/asked\nexec sleep 600\n")
    environ = SLURM | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    monkeypatch.setattr(environment, "ASK_EVERY_S", 0.02)
    deadline = Deadline(600, 6, partial(current_ending, environ))

    deadline.follow(Log(StringIO()), ended)

    asked = tmp_path / "asked"
    wait_until(lambda: asked.exists() and len(asked.read_text().split()) > 1, 30, "a second question")
    assert 590 == round(deadline.time_s, -1)


@pytest.mark.parametrize(
    ("said", "hosts", "expected"),
    [
        ("600mb", "", 600),
        ("614400kb", "", 600),
        ("1gb", "a\na\nb\n", 512),
        ("", "", None),
        ("lots", "", None),
    ],
)
def test_qstat_tells_the_memory(
    says: Callable[..., str], tmp_path: Path, said: str, hosts: str, expected: int | None
) -> None:
    """
    PBS grants it to the job; each of its hosts has an equal share.
    """
    (tmp_path / "hosts").write_text(hosts)
    path = says("qstat", QSTAT + (f"    Resource_List.mem = {said}\n" if said else ""))
    environ = PBS | {"PATH": path, "PBS_NODEFILE": str(tmp_path / "hosts")}

    assert ([] if expected is None else [Limit(expected * MIB, "qstat")]) == pbs_memory(environ)


def test_qstat_of_torque_tells_what_is_left(says: Callable[..., str]) -> None:
    """
    Torque counts it down itself, in seconds.
    """
    path = says("qstat", QSTAT + "    Walltime.Remaining = 3590\n")

    assert 3_590 == left_s(PBS | {"PATH": path})


def test_qstat_of_pbs_tells_since_when_a_job_runs(says: Callable[..., str]) -> None:
    """
    What was granted, less what has passed; what PBS says is used may be minutes old.
    """
    started = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(time.time() - 1_200))
    path = says("qstat", QSTAT + f"    resources_used.walltime = 00:18:00\n    stime = {started}\n")

    assert 6_000 == left_s(PBS | {"PATH": path})


def test_qstat_may_tell_only_how_much_is_used(says: Callable[..., str]) -> None:
    """
    That is better than nothing.
    """
    path = says("qstat", QSTAT + "    resources_used.walltime = 00:30:00\n")

    assert 5_400 == left_s(PBS | {"PATH": path})


@pytest.mark.parametrize("environ", [{}, PBS])
def test_outside_or_without_an_answer_no_end_is_known(
    says: Callable[..., str], environ: dict[str, str]
) -> None:
    """
    No guess is made.
    """
    assert ending(environ | {"PATH": says("qstat", "Job Id: 12.server\n")}) is None


def test_a_worker_drains_for_a_share_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A tenth, and a minute at most; half of that is for jobs to end.
    """
    monkeypatch.setattr(environment, "time", SimpleNamespace(monotonic=lambda: 1_000.0))
    short, long, told = Deadline(100), Deadline(36_000), Deadline(100, 40)

    assert [1_090, 36_940, 1_060] == [one.drain_at for one in (short, long, told)]
    assert [1_095, 36_970, 1_080] == [one.give_back_at for one in (short, long, told)]
    assert [90, 35_940, 60] == [one.time_s for one in (short, long, told)]
