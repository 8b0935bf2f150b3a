"""`nox submit --wait` and `--watch` where no worker will run the jobs: the end at once, with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import search_path
from tests.support.programs import write_program
from tests.support.redis_server import free_port
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ECHO = ("submit", "--kind", "echo", "--payload", "1")
LATER = "not waiting for 1 job that no worker will run; later: nox wait @last\n"


@pytest.fixture
def login(tmp_path: Path) -> dict[str, str | None]:
    """The environment of a login node."""
    sbatch = write_program(tmp_path / "bin" / "sbatch", "#!/bin/sh\n")
    return {"PATH": f"{sbatch.parent}:{search_path()}"}


@pytest.mark.parametrize(
    "how", [["--wait"], ["--watch"], ["--wait", "--json"], ["--wait", "--timeout", "1h"]]
)
def test_submit_wait_on_a_login_node_it_does_not_wait(
    nox: Nox, login: dict[str, str | None], how: list[str]
) -> None:
    """
    The job is stored, stderr has the reason and what to do, and the code is 8.
    """
    ended = nox(*ECHO, *how, env=login)

    assert 8 == ended.returncode
    assert "this is a login node" in ended.stderr
    assert ended.stderr.endswith(LATER)
    job_id = json.loads(ended.stdout)["jobs"][0]["job_id"] if "--json" in how else ended.stdout.strip()
    assert JobState.QUEUED is nox.job(job_id).state


def test_submit_wait_on_a_terminal_of_a_login_node_it_does_not_watch(
    nox: Nox, login: dict[str, str | None]
) -> None:
    """
    A live view of what will never start would never end.
    """
    with Terminal(nox, *ECHO, "--watch", env=login) as terminal:
        assert 8 == terminal.end()
        assert LATER in terminal.plain


def test_submit_wait_where_no_worker_may_be_started_it_does_not_wait(nox: Nox) -> None:
    """
    So it is with autostart = never, and for a job that wants more than this machine has.
    """
    never = nox(*ECHO, "--wait", env={"NOX_AUTOSTART": "never"})
    wide = nox(*ECHO, "--wait", "--cores", "1024")

    assert (8, 8) == (never.returncode, wide.returncode)
    assert "autostart is never" in never.stderr
    assert "no worker has 1024 cores" in wide.stderr
    assert [LATER, LATER] == [ended.stderr.splitlines(keepends=True)[-1] for ended in (never, wide)]


def test_jobs_held_for_a_redis_that_is_away_are_not_waited_for(nox: Nox) -> None:
    """
    They wait to be handed over or released, which no worker does.
    """
    away = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "NOX_FALLBACK": "hold"}
    ended = nox(*ECHO, "--wait", env=away)

    assert 8 == ended.returncode
    assert "nox push hands them over" in ended.stderr


def test_submit_wait_where_a_worker_lives_it_waits(nox: Nox, login: dict[str, str | None]) -> None:
    """
    On a login node, too, a worker that somebody started runs the jobs.
    """
    worker = nox.worker("--slots", "1", env={"NOX_AUTOSTART": "never"})
    worker.wait_log("slot")

    assert 0 == nox(*ECHO, "--wait", env=login).returncode


@pytest.mark.parametrize("where", ["redis", "here"])
def test_submit_wait_where_a_worker_may_come_it_waits(
    nox: Nox, redis_url: str, login: dict[str, str | None], where: str
) -> None:
    """
    Workers of a Redis may come at any time; and --no-start leaves it to the caller to start one.
    """
    env = login | {"REDIS_URL": redis_url} if where == "redis" else {}
    words = [] if where == "redis" else ["--no-start"]
    waiting = nox.popen(*ECHO, "--wait", *words, env=env)
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("no worker is there to run what waits; ")
    nox.worker("--slots", "1", env={"REDIS_URL": redis_url} if where == "redis" else {})
    wait_until(lambda: waiting.poll() is not None, 60, "the end of the wait")

    assert 0 == waiting.returncode
