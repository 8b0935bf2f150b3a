"""Commands report in a line what is wrong with the local store, and change nothing."""

from __future__ import annotations

import os
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import COMMAND, Nox
from tests.support.processes import end
from tests.support.sound import look
from workers.job import JobState
from workers.store.sqlite.schema import OLDEST, VERSION
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JOB = '{"kind": "echo", "payload": 1}\n'
LOG = f"{FILE}-wal"
HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
COMMANDS = (
    ("list",),
    ("status",),
    ("results",),
    ("submit", "-", "--no-start"),
    ("submit", "-"),
    ("run", "-"),
    ("worker",),
)
# Runs a nox command by a made-up table of mounts, and with another place of this machine's own.
ON_A_NETWORK = """
import os, sys
from pathlib import Path
from nox_cli.config import home as homes
from nox_cli.main import main
from workers import machine
look = machine.network_file_system
machine.network_file_system = lambda path: look(path, proc=Path(os.environ["MOUNTS"]))
homes.node_local.__defaults__ = ((Path(os.environ["OWN"]),),)
sys.exit(main())
"""


def refused(nox: Nox, *args: str) -> list[str]:
    """Run a command that must end with code 4; the lines it said."""
    ended = nox(*args, input=JOB)
    lines = ended.stderr.splitlines()

    assert (4, "") == (ended.returncode, ended.stdout), ended.stderr
    assert ["error:", "hint:"] == [line.split()[0] for line in lines], ended.stderr
    return lines


def kept(home: Path) -> dict[str, bytes]:
    """The store's file and its log."""
    return {name: (home / name).read_bytes() for name in (FILE, LOG) if (home / name).exists()}


@pytest.fixture
def left(nox: Nox) -> Path:
    """The file of a store that a killed process left: newer jobs are in the log."""
    nox.submit("-", "--no-start", input=JOB * 30)
    worker = nox.worker("--slots", "1")
    worker.wait_log("done", 30)
    with nox.store() as store:
        worker.kill()
        copies = {name: (nox.home / name).read_bytes() for name in (FILE, LOG)}
        assert store.counts()
    for name, content in copies.items():
        (nox.home / name).write_bytes(content)
    (nox.home / f"{FILE}-shm").unlink(missing_ok=True)
    return nox.home / FILE


@pytest.mark.parametrize(
    "spoil", [lambda _: b"", lambda content: b"\0" * len(content)], ids=["empty", "zeroed"]
)
def test_a_damaged_store_is_told_by_every_command_and_kept(
    nox: Nox, left: Path, spoil: Callable[[bytes], bytes]
) -> None:
    """
    Code 4, what is damaged and how to begin anew; file and log stay as they are, and the hint works.
    """
    left.write_bytes(spoil(left.read_bytes()))
    before = kept(nox.home)
    for command in COMMANDS:
        error, hint = refused(nox, *command)
        assert f"the local store {left} is damaged" in error
    assert before == kept(nox.home)

    subprocess.run(shlex.split(hint.partition("anew, move all of it away: ")[2]), check=True)
    (job_id,) = nox.submit("-", "--no-start", input=JOB)
    assert [job_id] == list(look(nox.home).jobs)
    assert before == kept(nox.home.with_name(f"{nox.home.name}.damaged"))


def test_a_store_of_a_newer_nox_is_refused(nox: Nox) -> None:
    """
    Code 4, which version it is, and nothing is changed.
    """
    nox.submit("-", "--no-start", input=JOB)
    with closing(sqlite3.connect(nox.home / FILE)) as database:
        database.execute(f"PRAGMA user_version={VERSION + 1}")
    before = kept(nox.home)
    for command in COMMANDS:
        error, _ = refused(nox, *command)
        assert f"was made by a newer nox: version {VERSION + 1}, not {VERSION}" in error

    assert before == kept(nox.home)


def test_a_store_from_before_the_first_release_is_refused(nox: Nox) -> None:
    """
    Code 4, which version it is, and nothing is changed; the hint makes way for a new store.
    """
    nox.submit("-", "--no-start", input=JOB)
    with closing(sqlite3.connect(nox.home / FILE)) as database:
        database.execute(f"PRAGMA user_version={OLDEST - 1}")
    before = kept(nox.home)
    for command in COMMANDS:
        error, hint = refused(nox, *command)
        assert f"was made by a nox from before 0.1.0: version {OLDEST - 1}, not {VERSION}" in error
    assert before == kept(nox.home)

    subprocess.run(shlex.split(hint.partition("to begin anew: ")[2]), check=True)
    (job_id,) = nox.submit("-", "--no-start", input=JOB)
    assert [job_id] == list(look(nox.home).jobs)
    assert before == kept(nox.home.with_name(f"{nox.home.name}.v{OLDEST - 1}"))


def test_a_store_that_is_held_is_told_with_who_holds_it(nox: Nox) -> None:
    """
    Code 4 after about five seconds; looking goes on all the while, and afterwards all is as it was.
    """
    (job_id,) = nox.submit("-", "--no-start", input=JOB)
    command = [sys.executable, "-c", HOLD, str(nox.home / FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "held" == holder.stdout.readline().strip()
        error, _ = refused(nox, "submit", "-", "--no-start")
        status = nox.status(job_id)
        end(holder.pid)
        holder.communicate()

    assert (
        f"error: the local store is busy (held by process {holder.pid}); the job was not submitted" == error
    )
    assert "pending" == status["state"]
    assert [job_id] == list(look(nox.home).jobs)


def test_a_worker_that_could_keep_no_file_claims_nothing(nox: Nox, tmp_path: Path) -> None:
    """
    The directory for artifacts cannot be written: code 4 before any claim, and the job stays queued.
    """
    (job_id,) = nox.submit("-", "--no-start", input=JOB)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    # Root may write everywhere, unless it does without that right.
    weak = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    for artifacts in (shut, shut / "artifacts"):
        ended = subprocess.run(
            [*weak, *COMMAND, "worker"],
            env=nox.environ | {"NOX_ARTIFACTS": str(artifacts)},
            cwd=nox.cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 4 == ended.returncode, ended.stderr
        assert f"cannot write {shut}" in ended.stderr
        assert "no worker was started" in ended.stderr

    job = look(nox.home).jobs[job_id]
    assert (JobState.QUEUED, 0) == (job.state, job.attempt)


@pytest.fixture
def network(tmp_path: Path) -> dict[str, str]:
    """An environment in which everything below `nfs` lies on NFS."""
    table = tmp_path / "proc/self"
    table.mkdir(parents=True)
    lines = ["1 0 0:1 / / rw - ext4 /dev/a rw", f"2 1 0:2 / {tmp_path / 'nfs'} rw - nfs4 server:/home rw"]
    (table / "mountinfo").write_text("\n".join(lines) + "\n")
    for name in ("nfs", "own"):
        (tmp_path / name).mkdir(mode=0o700)
    return {"MOUNTS": str(tmp_path / "proc"), "OWN": str(tmp_path / "own")}


def on_network(nox: Nox, env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run a nox command that takes a directory for one on NFS."""
    return subprocess.run(
        [sys.executable, "-c", ON_A_NETWORK, *args],
        env=env,
        cwd=nox.cwd,
        input=JOB,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_home_on_a_network_that_was_asked_for_is_refused(nox: Nox, network: dict[str, str]) -> None:
    """
    NOX_HOME on NFS: code 4, what is wrong with it, and nothing is made there.
    """
    home = nox.cwd / "nfs/nox"
    ended = on_network(nox, nox.environ | network | {"NOX_HOME": str(home)}, "submit", "-", "--no-start")

    assert (4, "") == (ended.returncode, ended.stdout)
    assert f"NOX_HOME names {home}, which lies on a network file system (nfs4)" in ended.stderr
    assert not home.exists()


def test_a_default_home_on_a_network_moves_and_says_so(nox: Nox, network: dict[str, str]) -> None:
    """
    A home directory on NFS: jobs lie on this machine, and status names the machine and the place.
    """
    plain = {name: value for name, value in nox.environ.items() if name != "NOX_HOME"}
    env = plain | network | {"HOME": str(nox.cwd / "nfs")}
    ended = on_network(nox, env, "status")

    assert 0 == ended.returncode, ended.stderr
    assert f"{nox.cwd}/own/nox-{os.getuid()}/{FILE} on {os.uname().nodename}" in ended.stdout
    assert [] == list((nox.cwd / "nfs").iterdir())
