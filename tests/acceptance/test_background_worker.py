"""Without a server: submit starts a worker in the background, which goes when it is no longer needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.environment import search_path
from tests.support.examples import EXAMPLES
from tests.support.processes import PROC, arguments
from tests.support.programs import write_program
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox


def test_submit_starts_one_worker_that_runs_the_job(nox: Nox) -> None:
    """
    On a plain machine nothing more is needed than submit; a second submit finds the worker alive.
    """
    (first,) = nox.submit(str(EXAMPLES / "water.xyz"), "--opt")
    nox.wait(first, "completed")
    background = nox.background()
    (second,) = nox.submit("--kind", "echo", "--payload", '{"x": 1}')
    nox.wait(second, "completed")

    assert 1 == len(background)
    assert background == nox.background()


def test_a_background_worker_outlives_the_command_that_started_it(nox: Nox) -> None:
    """
    It belongs to no terminal: a session of its own, its log in the state directory.
    """
    nox.submit("--kind", "echo", "--payload", "1")
    (worker,) = wait_until(nox.background, 60, "the worker")

    session = (PROC / str(worker) / "stat").read_text().rpartition(")")[2].split()[3]
    assert str(worker) == session
    assert [] != list(nox.home.glob("*.log"))


def test_a_background_worker_is_in_no_allocation(nox: Nox) -> None:
    """
    One that starts inside an allocation of a pool is not the worker of that.
    """
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", env={"NOX_ALLOCATION": "0123456789abcdef"})
    nox.wait(job_id, "completed")
    (worker,) = nox.background()

    assert b"NOX_ALLOCATION" not in (PROC / str(worker) / "environ").read_bytes()
    with nox.store() as store:
        assert [""] == [one.beat.allocation for one in store.workers()]


def test_an_idle_worker_ends_and_the_next_submit_starts_another(nox: Nox) -> None:
    """
    A worker with an idle time goes when there was nothing to do for so long; background workers have one.
    """
    (first,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    idle = nox.worker("--idle-timeout", "1")
    assert 0 == idle.wait(60)
    assert "completed" == nox.status(first)["state"]
    wait_until(lambda: not nox.processes(), 60, "the end of all that it had started")

    (second,) = nox.submit("--kind", "echo", "--payload", "2", env={"NOX_AUTOSTART": None})
    nox.wait(second, "completed")
    (background,) = nox.background()
    assert "--idle-timeout" in arguments(background)


def test_background_worker_no_start_starts_none(nox: Nox) -> None:
    """
    The job waits for a worker somebody starts.
    """
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")

    assert set() == nox.processes()
    assert "pending" == nox.status(job_id)["state"]


def test_autostart_never_starts_none(nox: Nox) -> None:
    """
    The environment may say so for good.
    """
    nox.submit("--kind", "echo", "--payload", "1", env={"NOX_AUTOSTART": "never"})

    assert set() == nox.processes()


def test_background_worker_nothing_is_started_on_a_login_node(nox: Nox, tmp_path: Path) -> None:
    """
    Where a batch system is at hand and no allocation, submit stores the job, starts nothing and says so.
    """
    sbatch = write_program(tmp_path / "slurm" / "sbatch", "#!/bin/sh\n")
    login = {"PATH": f"{sbatch.parent}:{search_path()}"}
    stored = nox("submit", "--kind", "echo", "--payload", "1", env=login, check=True)

    assert set() == nox.processes()
    assert "pending" == nox.status(stored.stdout.strip())["state"]
    assert "login node" in stored.stderr
    assert "nox worker" in stored.stderr


def test_background_worker_with_a_redis_no_worker_is_started(redis_nox: Nox) -> None:
    """
    Jobs of a shared store are run by workers somebody started.
    """
    redis_nox.submit("--kind", "echo", "--payload", "1")

    assert set() == redis_nox.processes()
