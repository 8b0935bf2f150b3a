"""Every exit code, from a real command that ends with it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from nox_cli.exits import ExitCode
from tests.contract.test_streams import handles_signals
from tests.support.redis_server import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ECHO = ("submit", "--kind", "echo", "--payload", "1", "--no-start")
# Two oxygen atoms 1.2 angstrom apart: one optimisation step is not enough for it.
STRETCHED = "2\n\nO 0 0 0\nO 0 0 1.8\n"


def submitted(nox: Nox, *argv: str) -> str:
    """Submit one job; return its id."""
    return nox(*(argv or ECHO), check=True).stdout.strip()


@pytest.fixture
def failing(nox: Nox) -> str:
    """A job that failed: an optimisation that may take one step only."""
    path = nox.cwd / "o2.xyz"
    path.write_text(STRETCHED)
    job = submitted(nox, "submit", str(path), "--opt", "--cycles", "1", "--no-start")
    nox.worker("--slots", "1")
    assert ExitCode.JOB_FAILED == nox("wait", job).returncode
    return job


def test_0_when_every_selected_job_completed(any_nox: Nox) -> None:
    """
    wait, status --exit-status and submit --wait end with 0 when all jobs completed.
    """
    any_nox.worker("--slots", "1")
    job = submitted(any_nox)

    assert ExitCode.DONE == any_nox("wait", job).returncode
    assert ExitCode.DONE == any_nox("status", job, "--exit-status").returncode
    assert ExitCode.DONE == any_nox("submit", "--kind", "echo", "--payload", "1", "--wait").returncode


def test_1_when_a_job_failed(nox: Nox, failing: str) -> None:
    """
    A failed job among those selected is 1, whatever else there is.
    """
    assert ExitCode.JOB_FAILED == nox("status", failing, "--exit-status").returncode
    assert ExitCode.JOB_FAILED == nox("wait", failing, submitted(nox)).returncode
    assert ExitCode.DONE == nox("status", failing).returncode


def test_1_when_a_job_failed_in_the_foreground(nox: Nox) -> None:
    """
    `nox run` ends with the verdict of its jobs.
    """
    (nox.cwd / "o2.xyz").write_text(STRETCHED)

    assert ExitCode.JOB_FAILED == nox("run", "o2.xyz", "--opt", "--cycles", "1").returncode


def test_2_when_the_command_line_makes_no_sense(nox: Nox) -> None:
    """
    An unknown option, command or setting is 2.
    """
    assert ExitCode.USAGE == nox("status", "--no-such").returncode
    assert ExitCode.USAGE == nox("no-such").returncode
    assert ExitCode.USAGE == nox("status", env={"NOX_AUTOSTART": "perhaps"}).returncode


@pytest.mark.parametrize("argv", [["wait", "999"], ["status", "999"], ["results", "999"], ["fetch", "999"]])
def test_3_when_nothing_matched(any_nox: Nox, argv: list[str]) -> None:
    """
    A selector that matches no job is 3.
    """
    assert ExitCode.NOTHING_MATCHED == any_nox(*argv).returncode


def test_4_when_the_store_is_out_of_reach(nox: Nox) -> None:
    """
    A Redis that refuses the connection, or speaks another language, is 4, and no local store is made instead.
    """
    refused = nox(*ECHO, env={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})

    assert ExitCode.STORE == refused.returncode
    assert [] == list(nox.home.glob("*.db"))


def test_5_when_an_input_is_refused(nox: Nox, tmp_path: Path) -> None:
    """
    A structure that cannot be read is 5, and nothing is stored.
    """
    (tmp_path / "bad.xyz").write_text("2\n\nH 0 0 0\n")

    assert ExitCode.INPUT_REFUSED == nox("submit", str(tmp_path / "bad.xyz")).returncode
    assert ExitCode.NOTHING_MATCHED == nox("status", "@last").returncode


def test_6_when_none_failed_but_one_was_cancelled(any_nox: Nox) -> None:
    """
    A cancelled job among those selected is 6.
    """
    job = submitted(any_nox)
    any_nox("cancel", job, check=True)

    assert ExitCode.JOB_CANCELLED == any_nox("wait", job).returncode
    assert ExitCode.JOB_CANCELLED == any_nox("status", job, "--exit-status").returncode


def test_8_when_a_job_is_pending(any_nox: Nox) -> None:
    """
    Looking once at a job that has not ended is 8.
    """
    job = submitted(any_nox)

    assert ExitCode.PENDING == any_nox("status", job, "--exit-status").returncode
    assert ExitCode.PENDING == any_nox("wait", job, "--timeout", "0").returncode


def test_70_when_nox_has_a_bug(nox: Nox, tmp_path: Path) -> None:
    """
    An error nobody foresaw is 70, with one line and no traceback.
    """
    # A module that stands in the way of one nox needs, as nothing in a sound installation does.
    (tmp_path / "tomllib.py").write_text("raise ZeroDivisionError")
    (tmp_path / ".nox.toml").write_text('autostart = "never"\n')

    ended = nox("status", env={"PYTHONPATH": str(tmp_path)})

    assert ExitCode.BUG == ended.returncode
    assert "Traceback" not in ended.stderr


def test_124_when_the_wait_timed_out(any_nox: Nox) -> None:
    """
    A wait that ends before the jobs is 124.
    """
    job = submitted(any_nox)

    assert ExitCode.WAIT_TIMED_OUT == any_nox("wait", job, "--timeout", "0.2").returncode


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
)
@pytest.mark.parametrize("command", ["wait", "watch"])
def test_130_and_143_when_interrupted(nox: Nox, command: str, number: signal.Signals, code: ExitCode) -> None:
    """
    A signal ends the view and never the job.
    """
    job = submitted(nox)
    view = nox.popen(command, job)
    wait_until(lambda: handles_signals(view.pid), 20, "nox to handle signals")

    view.send_signal(number)
    view.communicate(timeout=20)

    assert code == view.returncode
    assert ExitCode.PENDING == nox("status", job, "--exit-status").returncode
