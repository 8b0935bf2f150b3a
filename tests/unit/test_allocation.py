"""When an allocation ends, as its batch system tells: stand-ins print what its programs print."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from workers.allocation import Deadline, ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLURM, PBS = {"SLURM_JOB_ID": "4711"}, {"PBS_JOBID": "12.server"}
QSTAT = "Job Id: 12.server\n    job_state = R\n    Resource_List.walltime = 02:00:00\n"


@pytest.fixture
def says(tmp_path: Path) -> Callable[[str, str, int], str]:
    """Make a program that prints a text; the PATH it is on."""

    def make(name: str, text: str, code: int = 0) -> str:
        (tmp_path / f"{name}.txt").write_text(text)
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho "$*" > {tmp_path}/asked\n/bin/cat {tmp_path}/{name}.txt\nexit {code}\n'
        )
        program.chmod(0o755)
        return str(tmp_path)

    return make


def left_s(environ: dict[str, str]) -> float | None:
    """How long the allocation lasts, to the nearest ten seconds."""
    found = ending(environ)
    return None if found is None else round(found.left_s, -1)


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


def test_a_worker_drains_for_a_share_of_its_time() -> None:
    """
    A tenth, and a minute at most; half of that is for jobs to end.
    """
    now = time.monotonic()
    short, long, told = Deadline.after(100), Deadline.after(36_000), Deadline.after(100, 40)

    assert [90, 35_940, 60] == [round(one.drain_at - now) for one in (short, long, told)]
    assert [95, 35_970, 80] == [round(one.give_back_at - now) for one in (short, long, told)]
    assert (89, 35_939, 59) == (short.time_s, long.time_s, told.time_s)
