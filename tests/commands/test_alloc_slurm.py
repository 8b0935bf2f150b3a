"""`nox alloc` and `nox worker --print-sbatch` on a real Slurm."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.slurm import Slurm

LIMIT_S = 120.0
ECHO = ("--kind", "echo", "--no-start", "--payload")
ELSEWHERE = "redis://head.example.org:6379/0"


@pytest.fixture
def login(redis_nox: Nox, slurm: Slurm) -> Nox:
    """A nox on the login node of a real Slurm, in a state directory whose name has to be quoted."""
    redis_nox.home = redis_nox.home / "it's a %j $HOME"
    redis_nox.environ |= slurm.environ | {"NOX_AUTOSTART": "never", "NOX_HOME": str(redis_nox.home)}
    return redis_nox


def shown(nox: Nox, name: str) -> list[dict[str, Any]]:
    """Return the allocations of a pool, the newest first."""
    found: list[dict[str, Any]] = json.loads(nox("alloc", "show", name, "--json", check=True).stdout)[
        "allocations"
    ]
    return found


def test_a_pool_starts_workers_as_jobs_need_them(login: Nox, slurm: Slurm) -> None:
    """
    The loop requests an allocation, its worker runs the jobs and ends when it is idle; nothing is left.

    The line of --before runs first, and the log is where `show` reads it.
    """
    size = ("--cores", "2", "--memory", "2G", "--time", "10m", "--idle", "3s", "--allow-loopback")
    login("alloc", "set", "small", *size, "--before", 'echo "before on $SLURM_JOB_ID"', check=True)
    loop = login.popen("alloc", "run")
    jobs = [*login.submit(*ECHO, "1"), *login.submit(*ECHO, "2")]
    for job in jobs:
        login.wait(job, "completed", LIMIT_S)
    wait_until(lambda: [one["state"] for one in shown(login, "small")] == ["ended"], LIMIT_S, "its end")
    loop.terminate()
    _, said = loop.communicate(timeout=LIMIT_S)

    (one,) = shown(login, "small")
    (batch_job,) = slurm.jobs("nox.small.")
    assert ("completed", 2) == (one["ended_as"], one["jobs"])
    assert (one["number"], "COMPLETED") == (batch_job.number, batch_job.state)
    assert 0 == loop.returncode
    assert f"requested allocation {batch_job.number}" in said
    assert f"allocation {batch_job.number} ended: completed, 2 jobs" in said
    log = next((login.home / "pools" / "small").iterdir()).read_text()
    assert log.startswith(f"before on {batch_job.number}\n")


def test_a_pool_that_is_removed_cancels_what_is_pending(login: Nox, slurm: Slurm) -> None:
    """
    Slurm cancels it, and leaves the jobs of others.
    """
    size = ("--cores", "2", "--memory", "2G", "--time", "10m", "--allow-loopback")
    others = [slurm.submit("--exclusive", f"--nodelist={name}") for name in slurm.nodes]
    for number in others:
        slurm.wait_state(number, "RUNNING")
    login("alloc", "set", "small", *size, check=True)
    login.submit(*ECHO, "1")

    def states() -> list[str]:
        login("alloc", "run", "--once", check=True)
        return [one["state"] for one in shown(login, "small")]

    wait_until(lambda: states() == ["pending"], LIMIT_S, lambda: f"a request: {slurm.jobs()}")
    removed = json.loads(login("alloc", "remove", "small", "--json", check=True).stdout)

    (cancelled,) = removed["cancelled"]
    slurm.wait_state(cancelled, "CANCELLED")
    assert {"RUNNING"} == {job.state for job in slurm.jobs("other")}


@pytest.mark.parametrize("words", ["-p nowhere", "--constraint=nothing"])
def test_a_pool_that_slurm_would_refuse_is_noted_at_once(login: Nox, words: str) -> None:
    """
    By the answer of sbatch --test-only.
    """
    size = ("--cores", "2", "--memory", "2G", "--time", "10m", "--allow-loopback")
    made = login("alloc", "set", "small", *size, "--", *words.split(), check=True)

    assert "warning: sbatch --test-only: " in made.stderr
    assert "invalid" in made.stderr.lower()


def test_a_printed_script_runs_a_worker(login: Nox, slurm: Slurm, tmp_path: Path) -> None:
    """
    Piped into sbatch, it runs the jobs that wait, with the settings of the login node.
    """
    login.environ["NOX_PREFIX"] = "other:"
    words = ("worker", "--print-sbatch", "--burst", "--memory", "2G", "--time-limit", "10m")
    script = login(*words, env={"REDIS_URL": ELSEWHERE}, check=True).stdout
    (job,) = login.submit(*ECHO, "1")
    made = subprocess.run(
        ["sbatch", "--parsable", f"--output={tmp_path}/log"],
        input=script.replace(ELSEWHERE, str(login.redis_url)),
        env=login.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == made.stderr
    login.wait(job, "completed", LIMIT_S)
    slurm.wait_state(made.stdout.strip(), "COMPLETED")
