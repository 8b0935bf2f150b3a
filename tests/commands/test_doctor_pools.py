"""`nox doctor`: the batch system, and pools that request nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from nox_cli.doctor import pools as checks
from nox_cli.doctor.pools import check_batch_system
from tests.commands.conftest import opened
from tests.support.doctor import examine_store, examine_without_engines
from tests.support.environment import search_path
from tests.support.pools import allocate, define, look, now_ms, pools_of
from tests.support.programs import write_program
from tests.support.stores import ADA, BOB, submit_named
from workers.findings import Severity
from workers.store.pools import AllocationState, Pause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.slurm import Slurm
    from workers.store.base import Store


@pytest.fixture
def store(redis_nox: Nox) -> Iterator[Store]:
    """The store of `redis_nox`."""
    found = opened(redis_nox)
    yield found
    found.close()


def program(folder: Path, name: str, line: str) -> None:
    """Make a program of the batch system."""
    write_program(folder / name, f"#!/bin/sh\n{line}\n")


def newest(nox: Nox) -> Mapping[str, str]:
    """The last finding on pools."""
    return [check for check in examine_store(nox).checks if check["name"] == "pools"][-1]


def test_doctor_asks_the_batch_system(slurm: Slurm) -> None:
    """
    Its version, whether it has accounts, and where nox is; inside an allocation and without one, nothing.
    """
    environ = os.environ | dict(slurm.environ)
    found = {finding.name: finding for finding in check_batch_system(environ)}

    assert found["batch"].found.startswith("Slurm ")
    assert Severity.OK is found["batch"].severity
    assert "sacct does not answer here" in found["accounts"].found
    assert sys.prefix in found["nodes"].found
    assert [] == check_batch_system(environ | {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1"})
    assert [] == check_batch_system({"PATH": search_path()})


def test_doctor_ends_where_squeue_hangs(nox: Nox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is ended after its time, and a warning says that nothing is requested until it answers.
    """
    monkeypatch.setattr(checks, "_ANSWER_S", 0.5)
    program(tmp_path, "sbatch", "exit 0")
    program(tmp_path, "squeue", "exec sleep 3600")
    monkeypatch.setenv("PATH", f"{tmp_path}:{search_path()}")
    report = examine_without_engines(nox)
    found = report.one("batch")

    assert ("warning", "squeue did not answer within 0.5 s") == (found["verdict"], found["found"])
    assert "nothing is requested until it answers" in found["hint"]
    assert "batch" not in report.problems


def test_doctor_warns_of_an_installation_that_nodes_do_not_see(
    slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each node has a /tmp of its own.
    """
    monkeypatch.setattr(sys, "prefix", "/tmp/venv")
    *_, found = check_batch_system(os.environ | dict(slurm.environ))

    assert ("nodes", Severity.WARNING) == (found.name, found.severity)
    assert "install it in a directory that the nodes see" == found.hint


def test_doctor_names_pools_that_request_nothing(redis_nox: Nox, store: Store) -> None:
    """
    Paused ones with the last line of the reason, and one that no autoscaler has looked at while jobs wait.
    """
    define(store)
    idle = newest(redis_nox)
    look(store, looked_ms=now_ms() - 7_200_000)
    quiet = newest(redis_nox)
    submit_named(store, "a")
    late = newest(redis_nox)
    pools_of(store).pause(ADA, "small", Pause.STRIKES, "3 were of no use:\nnox: not found")
    paused = newest(redis_nox)

    assert (
        ("ok", "the file of pool small is not on this machine")
        == (idle["verdict"], idle["found"])
        == (quiet["verdict"], quiet["found"])
    )
    assert "warning" == late["verdict"] == paused["verdict"]
    assert late["found"].startswith("no autoscaler has looked at pool small since")
    assert late["found"].endswith(", and 1 job waiting")
    assert paused["found"].endswith("ended without having been of use (nox: not found)")
    assert "nox alloc show small; nox alloc resume small" == paused["hint"]


def test_doctor_says_nothing_of_pools_of_others(redis_nox: Nox, store: Store) -> None:
    """
    Nor of a store without any.
    """
    define(store, owner=BOB)

    assert "pools" not in {check["name"] for check in examine_store(redis_nox).checks}


def test_doctor_takes_a_pending_allocation_for_an_answer_to_waiting_jobs(
    redis_nox: Nox, store: Store
) -> None:
    """
    Jobs that wait for it are no problem; those of a pool that is paused are one, with the command.
    """
    submit_named(store, "a")
    define(store)
    allocate(store)
    pending = examine_store(redis_nox).one("waiting")
    allocate(store, state=AllocationState.ENDED, ended_ms=now_ms())
    pools_of(store).pause(ADA, "small", Pause.USER)
    paused = examine_store(redis_nox).one("waiting")

    waiting = "1 job waiting, and no worker is alive; 1 waits"
    assert ("ok", f"{waiting} for allocation 4711 of pool small: it is pending (Priority)") == (
        pending["verdict"],
        pending["found"],
    )
    assert ("problem", "nox alloc resume small") == (paused["verdict"], paused["hint"])
    assert f"{waiting}: pool small is paused: by its user" == paused["found"]


@pytest.mark.usefixtures("store")
def test_doctor_checks_the_files_of_pools(redis_nox: Nox) -> None:
    """
    One that others can read, one that was edited, and one that is on another machine.
    """
    size = ("--cores", "2", "--memory", "4G", "--time", "1h", "--allow-loopback")
    redis_nox("alloc", "set", "small", *size, check=True)
    path = redis_nox.home / "pools" / "small.json"
    looked = examine_store(redis_nox).one("pools")
    path.chmod(0o644)
    opened_up = examine_store(redis_nox).one("pools")
    path.chmod(0o600)
    path.write_text(path.read_text().replace('"cores": 2', '"cores": 3'))
    edited = examine_store(redis_nox).one("pools")
    path.unlink()
    elsewhere = examine_store(redis_nox).one("pools")

    assert ("ok", "1 pool, none is paused") == (looked["verdict"], looked["found"])
    assert ("problem", f"chmod go= {path}") == (opened_up["verdict"], opened_up["hint"])
    assert "others can use it" in opened_up["found"]
    assert ("problem", "look at it, then nox alloc resume small") == (edited["verdict"], edited["hint"])
    assert f"{path} is not the file that nox alloc set wrote: it requests nothing" == edited["found"]
    assert ("ok", "the file of pool small is not on this machine") == (
        elsewhere["verdict"],
        elsewhere["found"],
    )
