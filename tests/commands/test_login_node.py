"""What is said on a login node: one sentence everywhere, and nothing that sites forbid there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nox_cli.doctor.machine import check_reach
from tests.support.environment import search_path
from tests.support.redis_server import free_port
from workers.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ECHO = ("--kind", "echo", "--payload", "1")
SHARED = "nox worker --print-sbatch | sbatch, or nox alloc set (docs/hpc.md)"
SENTENCE = (
    "submit a batch script that runs nox run (docs/clusters.md); with a Redis that compute nodes reach: "
    f"{SHARED}"
)
FORBIDDEN = re.compile(r"nox worker(?! --print-sbatch)|--here|run here|runs? (them )?here")
SALLOC = {"SLURM_JOB_ID": "4711"}


@pytest.fixture
def login(tmp_path: Path) -> dict[str, str | None]:
    """The environment of a login node: a program that submits jobs, and no job."""
    (tmp_path / "sbatch").touch(mode=0o755)
    return {"PATH": f"{tmp_path}:{search_path()}", "NOX_AUTOSTART": None}


ASKED = pytest.mark.parametrize(
    "words",
    [
        ("submit", *ECHO),
        ("status",),
        ("status", "1"),
        ("explain", "1"),
        ("explain", "2"),
        ("doctor",),
        ("worker", "list"),
        ("run", *ECHO),
    ],
    ids=" ".join,
)


@ASKED
def test_every_hint_is_the_same_sentence(
    any_nox: Nox, login: dict[str, str | None], words: tuple[str, ...]
) -> None:
    """
    Where no worker lives and no node reaches the store, what changes that, never a worker or `run --here`.
    """
    any_nox.submit(*ECHO, "--no-start", env=login)
    any_nox.submit(*ECHO, "--cores", "64", "--no-start", env=login)

    ended = any_nox(*words, env=login)

    told = ended.stdout + ended.stderr
    is_told_nothing = words[0] == "submit" and any_nox.redis_url
    assert is_told_nothing or SENTENCE in told
    assert not FORBIDDEN.search(told)


@ASKED
def test_login_node_with_a_redis_that_nodes_reach(
    redis_nox: Nox, login: dict[str, str | None], words: tuple[str, ...]
) -> None:
    """
    The line that submits a worker to the batch system, or the command for a pool of them.
    """
    reached = login | {"REDIS_URL": str(redis_nox.redis_url).replace("127.0.0.1", "0.0.0.0")}
    redis_nox.submit(*ECHO, "--no-start", env=reached)
    redis_nox.submit(*ECHO, "--cores", "64", "--no-start", env=reached)

    ended = redis_nox(*words, env=reached)

    told = ended.stdout + ended.stderr
    assert words[0] == "submit" or SHARED in told
    assert words != ("explain", "2") or "a worker for this job has --cores 64 --memory 2048M" in told
    assert not FORBIDDEN.search(told)


@pytest.mark.parametrize("program", ["qsub", "bsub"])
def test_login_node_without_slurm_names_a_script_of_ones_own(
    redis_nox: Nox, tmp_path: Path, program: str
) -> None:
    """
    The line for sbatch helps nobody there.
    """
    (tmp_path / program).touch(mode=0o755)
    url = str(redis_nox.redis_url).replace("127.0.0.1", "0.0.0.0")
    told = redis_nox("worker", "list", env={"PATH": f"{tmp_path}:{search_path()}", "REDIS_URL": url}).stdout

    assert "submit a batch script that runs nox worker (docs/clusters.md)" in told
    assert "sbatch" not in told


def test_a_shell_of_salloc_is_on_a_login_node(nox: Nox) -> None:
    """
    Also where the batch system's programs are not found.
    """
    ended = nox("run", *ECHO, env=SALLOC)

    assert 2 == ended.returncode
    assert f"this is a login node; nothing was run\nhint: {SENTENCE}" in ended.stderr
    assert SENTENCE in nox("submit", *ECHO, env=SALLOC | {"NOX_AUTOSTART": None}, check=True).stderr


def test_a_worker_that_is_started_all_the_same_says_so(nox: Nox, login: dict[str, str | None]) -> None:
    """
    It runs, with a warning.
    """
    worker = nox.worker("--burst", env=login)

    assert 0 == worker.wait()
    assert f"warning this is a login node: {SENTENCE}" in worker.log


def test_login_node_nothing_is_said_to_run_here_that_does_not(nox: Nox, login: dict[str, str | None]) -> None:
    """
    With --fallback local on a login node, and with --no-start anywhere, jobs only go to the local store.
    """
    away = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    submit = ("submit", *ECHO, "--fallback", "local")
    there = nox(*submit, env=login | away, check=True).stderr
    idle = nox(*submit, "--no-start", env=away, check=True).stderr
    held = nox(*submit, "--hold", env=away, check=True).stderr
    here = nox(*submit, env=away | {"NOX_AUTOSTART": "always"}, check=True).stderr

    assert "jobs go to the local store" in there
    assert "no worker was started: this is a login node" in there
    assert [False] * 3 + [True] == ["and run here" in told for told in (there, idle, held, here)]


def test_held_jobs_are_not_released_on_a_login_node(nox: Nox, login: dict[str, str | None]) -> None:
    """
    --fallback hold recommends to push, and names `nox release` only where jobs may run.
    """
    away = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    told = nox("submit", *ECHO, "--fallback", "hold", env=login | away, check=True).stderr
    refused = nox("submit", *ECHO, env=login | away).stderr

    for words in (("explain", "1", "--local"), ("status", "1", "--local")):
        assert "try:  nox push\n" in nox(*words, env=login | away, check=True).stdout
    assert "nox push hands them over" in told
    assert "hint: start redis, or keep the jobs here for nox push: --fallback hold" in refused
    assert not FORBIDDEN.search(told + refused)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_doctor_warns_of_a_redis_on_loopback(login: dict[str, str], host: str) -> None:
    """
    On a login node and in an allocation no other node reaches it; elsewhere it is as it should be.
    """
    url = f"redis://{host}:6379/0"
    inside = {"SLURM_JOB_ID": "4711", "SLURMD_NODENAME": "node3", "PATH": login["PATH"]}

    for environ in (login, inside):
        (found,) = check_reach(environ, url)
        assert Severity.WARNING == found.severity
        assert "can be reached from this host only" in found.found
        assert [] == check_reach(environ, "redis://head.example.org:6379/0")
    assert [] == check_reach({"PATH": search_path()}, url)


def test_doctor_tells_of_a_redis_on_loopback(redis_nox: Nox, login: dict[str, str | None]) -> None:
    """
    The warning is part of what doctor says.
    """
    told = "can be reached from this host only"

    assert told in redis_nox("doctor", env=login).stdout
    assert told not in redis_nox("doctor").stdout
