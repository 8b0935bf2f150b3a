"""The work of `nox worker` as a function, without a command line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import load
from nox_cli.exits import ExitCode
from nox_cli.run.worker import WorkerOptions, run_worker
from tests.support.stores import submit_named
from workers.errors import UsageError
from workers.job import JobState
from workers.logs import Log, LogForm
from workers.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_worker_runs_jobs_without_a_command_line(tmp_path: Path) -> None:
    """
    Options, settings, a store and a log are all that a worker needs; it returns how it ended.
    """
    environ = {"HOME": str(tmp_path), "NOX_HOME": str(tmp_path / "home"), "NOX_USER": "ada"}
    settings, lines = load(environ, Call("worker", ())), io.StringIO()
    store = open_store(settings.store)
    submit_named(store, "a")
    ended = run_worker(
        WorkerOptions(burst=True, slots=1), settings, lambda: store, environ, Log(lines, LogForm.TEXT)
    )
    (job,) = store.get_many(store.with_numbers(1, 1, limit=1))
    store.close()

    assert (ExitCode.DONE, JobState.DONE) == (ended.exit, job.state), lines.getvalue()
    assert "local store at" in lines.getvalue()


def test_a_worker_with_contradicting_options_opens_no_store(tmp_path: Path) -> None:
    """
    `--burst` and `--idle-timeout` are refused before anything is opened.
    """
    settings = load({"HOME": str(tmp_path)}, Call("worker", ()))
    options = WorkerOptions(burst=True, idle_timeout=1.0)

    with pytest.raises(UsageError, match="contradict each other"):
        run_worker(options, settings, pytest.fail, {}, Log(io.StringIO(), LogForm.TEXT))
