"""`nox worker`: what it says of itself, whose jobs it takes, and who else is at work."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import arguments, descendants
from tests.support.waiting import wait_until
from workers import __version__
from workers.engine.registry import ENGINES, available
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox

ECHO = ("--kind", "echo", "--payload", "1", "--no-start")
SLURM = {"SLURM_JOB_ID": "4711", "SLURMD_NODENAME": "node3"}
WATER = Path(__file__).parents[2] / "examples" / "water.xyz"


def test_the_first_line_says_where_how_many_and_which(any_nox: Nox) -> None:
    """
    A worker begins by naming its store, its slots, its cores, and its engines with their versions.
    """
    worker = any_nox.worker("--slots", "3", "--cores", "4")
    worker.wait_log("engines")

    kind = "redis" if any_nox.redis_url else "local"
    engines = ", ".join(rf"{name} {re.escape(version)}" for name, version in sorted(available().items()))
    expected = rf"{kind} store at \S+, 3 slots, 4 cores, engines: {engines} worker=\S+-\d+-[0-9a-f]+"
    assert re.search(expected, worker.log.splitlines()[0])


def test_a_worker_keeps_to_what_its_batch_job_was_granted(any_nox: Nox) -> None:
    """
    Cores and memory of the allocation count, and the log says so; what is larger waits for another worker.
    """
    small = any_nox.submit(*ECHO, "--memory", "500M")
    wide = any_nox.submit(*ECHO, "--memory", "500M", "--cores", "2")
    large = any_nox.submit(*ECHO, "--memory", "700M")
    granted = {"SLURM_CPUS_ON_NODE": "1", "SLURM_MEM_PER_NODE": "600"}

    worker = any_nox.worker("--burst", env=SLURM | granted)

    assert 0 == worker.wait()
    states = [str(any_nox.job(job_id).state) for job_id in (*small, *wide, *large)]
    assert ["done", "queued", "queued"] == states
    assert "may use 1 core (SLURM_CPUS_ON_NODE) and 600 MiB of memory (SLURM_MEM_PER_NODE)" in worker.log
    assert "jobs ask for 2.0 GiB of memory unless submitted with --memory, and do not fit here" in worker.log


def test_worker_what_is_said_by_hand_wins_over_the_allocation(nox: Nox) -> None:
    """
    With a warning where it is more; variables that make no sense are passed over.
    """
    granted = {"SLURM_CPUS_ON_NODE": "1", "SLURM_MEM_PER_NODE": "600", "SLURM_MEM_PER_CPU": "none"}

    more = nox.worker("--burst", "--cores", "64", "--memory", "3G", env=SLURM | granted)
    less = nox.worker("--burst", "--cores", "1", "--memory", "100M", env=SLURM | granted)

    assert [0, 0] == [more.wait(), less.wait()]
    assert "64 cores" in more.log.splitlines()[0]
    assert "--cores 64 is more than this allocation has: 1 (SLURM_CPUS_ON_NODE)" in more.log
    assert "--memory 3.0 GiB is more than this allocation has: 600 MiB (SLURM_MEM_PER_NODE)" in more.log
    assert "than this allocation has" not in less.log
    assert "may use 1 core (--cores) and 100 MiB of memory (--memory)" in less.log


def test_a_worker_may_have_as_many_files_open_as_its_slots_need(any_nox: Nox) -> None:
    """
    The usual limit is too low for many slots, whose jobs would fail: a worker raises it as far as it may.
    """
    slots = 12
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        worker = any_nox.worker("--slots", str(slots))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    any_nox.wait(any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")[0], "completed")

    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    assert int(re.findall(r"Max open files +(\d+)", limits)[0]) >= 8 * slots


def test_a_worker_with_more_slots_than_files_does_not_start(any_nox: Nox) -> None:
    """
    Where the limit cannot be raised, three lines say so, and no job is taken that would fail.
    """
    (job_id,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", sys.executable, "-m", "nox_cli"]
    ended = subprocess.run(
        [*limited, "worker", "--slots", "40"],
        check=False,
        env=any_nox.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert 4 == ended.returncode
    assert "40 slots have up to 352 files open, and 64 are allowed" in ended.stderr
    assert "queued" == any_nox.job(job_id).state


@pytest.mark.parametrize("is_link", [True, False])
def test_worker_what_lies_in_the_place_of_the_lock_is_named(nox: Nox, *, is_link: bool) -> None:
    """
    A folder or a link there is refused in two lines, and is nobody's bug.
    """
    nox("status", check=True)
    lock = nox.home / "worker.lock"
    lock.symlink_to("elsewhere") if is_link else lock.mkdir()
    refused = nox("worker", "--burst")

    assert 4 == refused.returncode
    assert f"cannot lock {lock}: " in refused.stderr


def test_a_password_is_not_printed(any_nox: Nox) -> None:
    """
    What the log says of the store is fit for everybody's eyes.
    """
    worker = any_nox.worker()
    worker.wait_log("engines")

    assert "@" not in worker.log


def test_json_lines_carry_job_attempt_and_worker(any_nox: Nox) -> None:
    """
    Each line of the structured log is one object, and those about a job name it.
    """
    worker = any_nox.worker("--slots", "1", "--log-format", "json")
    (job_id,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    worker.wait_log('"done"')

    lines = [json.loads(line) for line in worker.log.splitlines()]
    (done,) = (line for line in lines if line["message"] == "done")
    assert (job_id, 1, 1) == (done["job"], done["number"], done["attempt"])
    assert {lines[0]["worker"]} == {line["worker"] for line in lines}


def test_living_workers_are_listed(any_nox: Nox) -> None:
    """
    The list names each worker that lives, with its version; one that has ended is not there.
    """
    assert "no worker is alive" in any_nox("worker", "list", check=True).stdout
    worker = any_nox.worker("--slots", "2", "--name", "left")
    worker.wait_log("engines")

    def listed() -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(any_nox("worker", "list", "--json", check=True).stdout)[
            "items"
        ]
        return found

    wait_until(lambda: len(listed()) == 1, 60, "the worker")
    (seen,) = listed()
    text = any_nox("worker", "list", check=True).stdout
    worker.process.terminate()
    worker.wait()

    assert (worker.pid, "left", 2, 0) == (seen["pid"], seen["name"], seen["slots"], seen["busy"])
    assert ["left", "tblite@"] == [word for word in ("left", "tblite@") if word in text]
    header, row = (line.split() for line in text.splitlines())
    assert (__version__, __version__) == (row[header.index("nox")], seen["nox_version"])
    assert [] == listed()


def test_a_worker_takes_its_owners_jobs_only(any_nox: Nox) -> None:
    """
    Jobs of others are left alone, unless the worker is for all.
    """
    (foreign,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start", env={"NOX_USER": "ada"})
    (own,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    any_nox.worker("--slots", "1")
    any_nox.wait(own, "completed")
    assert JobState.QUEUED is any_nox.job(foreign).state

    any_nox.worker("--slots", "1", "--for", "all")

    any_nox.wait(foreign, "completed")


def test_a_job_that_does_not_fit_waits(any_nox: Nox) -> None:
    """
    A job that asks for more cores than the worker has is passed over, not run with less.
    """
    (wide,) = any_nox.submit("--kind", "echo", "--payload", "1", "--cores", "2", "--no-start")
    (narrow,) = any_nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    any_nox.worker("--slots", "1", "--cores", "1")
    any_nox.wait(narrow, "completed")
    assert JobState.QUEUED is any_nox.job(wide).state

    any_nox.worker("--slots", "1", "--cores", "2")

    any_nox.wait(wide, "completed")


def test_nonsense_is_refused(nox: Nox) -> None:
    """
    An option's value that makes no sense is a usage error and starts nothing.
    """
    codes = [
        nox("worker", *words).returncode
        for words in (("--slots", "0"), ("--memory", "many"), ("--idle-timeout", "soon"), ("--for", "you"))
    ]

    assert [2, 2, 2, 2] == codes
    assert set() == nox.processes()


def test_the_handed_over_lock_is_nobodys_option(nox: Nox) -> None:
    """
    What submit tells the worker it starts is not shown to people.
    """
    assert "--lock-fd" not in nox("worker", "--help", check=True).stdout


def test_a_worker_that_waits_readies_an_engine_a_slot(any_nox: Nox) -> None:
    """
    Each slot has an engine process with the libraries most jobs need before there is a job, which runs in it.
    """
    worker = any_nox.worker("--slots", "2")

    def keepers() -> set[int]:
        return {pid for pid in descendants(worker.pid) if "workers.keeper.process" in arguments(pid)}

    # A keeper forks a child, of the same command line, once it has loaded its libraries.
    wait_until(lambda: len(keepers()) == 4, 60, "two keepers and their children")
    ready = keepers()
    assert all(engine_to_expect() in arguments(pid) for pid in ready)

    (job_id,) = any_nox.submit(str(WATER), "--no-start")
    any_nox.wait(job_id, "completed")
    assert ready == keepers()


def engine_to_expect() -> str:
    """Name the engine that jobs get here unless they ask for another."""
    return next(name for name in ENGINES if name in available())


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "\t", "a\u202eb", "x" * 256, "o" + "\u0301" * 9])
def test_a_name_that_cannot_be_printed_is_refused(any_nox: Nox, name: str) -> None:
    """
    A worker's name is shown to others: control characters, marks of direction and texts without end are none.
    """
    refused = any_nox("worker", "--burst", f"--name={name}")

    assert (5, "") == (refused.returncode, refused.stdout)
    assert "error: the worker's name " in refused.stderr
    assert "\x1b" not in refused.stderr
