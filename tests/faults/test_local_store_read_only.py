"""A local store on a disk that is full, or that nobody may write: what it holds is read all the same."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.doctor import printed_without_engines
from tests.support.ended import complete
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stores import ADA, artifact, submit_named
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

ROOT = Path(__file__).parents[2]
READING = (
    "list", "list --json", "results @all -o csv", "status", "status 1", "status 1 --raw",
    "status @all --json", "logs 1", "wait 1", "fetch 1 --ls", "explain 1", "cite 1", "events --since 0",
    "metrics", "worker list", "watch 1",
)  # fmt: skip
CRASH = """
import os, sys
from pathlib import Path
from tests.support.stores import submit_named
from workers.store.sqlite.store import SqliteStore

submit_named(SqliteStore.open(Path(sys.argv[1])), "unseen")
os._exit(0)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with little room."""
    with small_disk(tmp_path / "disk", "6m") as mounted:
        yield mounted


@pytest.fixture
def stored(disk: SmallDisk, home: Path, nox: Nox) -> Nox:
    """Nox whose store lies on that disk, with one job that has ended and one that waits."""
    state = disk.root / "state"
    state.mkdir(mode=0o700)
    home.rmdir()
    home.symlink_to(state)
    store = SqliteStore.open(home)
    complete(store, None, artifact("opt.xyz", "1\n\nHe 0 0 0\n"), artifact("engine.log", "one\ntwo\n"))
    submit_named(store, "waits")
    store.close()
    nox.environ |= {"NOX_USER": ADA}
    return nox


def crash(home: Path) -> None:
    """Store one job more in a process that dies before it has closed the store."""
    subprocess.run([sys.executable, "-c", CRASH, str(home)], check=True, cwd=ROOT, timeout=60)


def shut(disk: SmallDisk, how: str) -> None:
    """Let nothing be written to the disk any more."""
    if how == "full":
        disk.fill()
    else:
        disk.shut()


@pytest.mark.parametrize("how", ["full", "read only"])
def test_local_store_read_only_what_a_store_holds_is_read_where_nothing_can_be_written(
    stored: Nox, disk: SmallDisk, tmp_path: Path, how: str
) -> None:
    """
    Jobs, results, logs, files and events are shown as ever, and nothing is said of anything missing.
    """
    expected = {words: stored(*words.split()).stdout for words in READING if "metrics" not in words}
    shut(disk, how)
    for words in READING:
        ended = stored(*words.split())

        assert 0 == ended.returncode, (words, ended.stderr)
        assert "not shown" not in ended.stderr
        if words.startswith(("list --json", "results", "status @all", "logs", "events")):
            assert expected[words] == ended.stdout
    fetched = stored("fetch", "1", "opt.xyz", "-d", str(tmp_path / "there"))

    assert 0 == fetched.returncode, fetched.stderr
    assert [] != list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("how", ["full", "read only"])
def test_local_store_read_only_what_cannot_be_changed_is_refused(
    stored: Nox, disk: SmallDisk, how: str
) -> None:
    """
    Submit, cancel and a worker say why; status and doctor warn; with the disk writable again all goes on.
    """
    why = "disk full: no room in" if how == "full" else "cannot be written"
    shut(disk, how)
    for words in ("submit --kind echo --no-start", "cancel 2 -y", "hold 2", "worker --burst"):
        refused = stored(*words.split())

        assert (4, "") == (refused.returncode, refused.stdout)
        assert why in refused.stderr
    told = json.loads(stored("status", "--json", check=True).stdout)
    assert why in told["store"]["warnings"][0]
    assert why in printed_without_engines(stored)[1]
    if how == "full":
        disk.free()
    else:
        disk.shut(is_shut=False)
    assert 0 == stored("cancel", "2", "-y").returncode
    assert ["cancelled", "completed"] == sorted(
        item["state"] for item in json.loads(stored("list", "--json", check=True).stdout)["items"]
    )


def test_a_log_that_was_left_is_read_with_the_store(stored: Nox, disk: SmallDisk) -> None:
    """
    What a process that was killed had committed is shown from a disk that nobody may write.
    """
    crash(stored.home)
    disk.shut()
    ended = stored("list", "-q", check=True)

    assert 3 == len(ended.stdout.split())
    assert "" == ended.stderr


@pytest.mark.parametrize("how", ["full", "read only"])
def test_local_store_read_only_what_cannot_be_seen_is_said(stored: Nox, disk: SmallDisk, how: str) -> None:
    """
    Where the log cannot be opened the store is read without it, and that changes are missing is said.
    """
    crash(stored.home)
    (stored.home / f"{FILE}-shm").unlink()
    shut(disk, how)
    ended = stored("list", "-q", check=True)

    assert 2 <= len(ended.stdout.split()) < 3
    assert "the newest changes, as those of a worker that runs, are not shown" in ended.stderr


def test_a_worker_that_runs_is_seen_on_a_disk_mounted_twice(
    stored: Nox, disk: SmallDisk, tmp_path: Path
) -> None:
    """
    Through a mount that nobody may write, each change that a process made a moment ago is seen.
    """
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["mount", "--bind", str(disk.root), str(there)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(there)], check=True)
        store = SqliteStore.open(stored.home)
        submit_named(store, "new")
        ended = stored("list", "-q", check=True, env={"NOX_HOME": str(there / "state")})
        store.close()
    finally:
        subprocess.run(["umount", "--lazy", str(there)], check=True)

    assert 3 == len(ended.stdout.split())
    assert "" == ended.stderr


def test_an_older_store_on_such_a_disk_says_that_it_is_older(stored: Nox, disk: SmallDisk) -> None:
    """
    It would have to be brought up to date first.
    """
    with sqlite3.connect(stored.home / FILE) as database:
        database.execute("PRAGMA user_version=9")
    database.close()
    disk.shut()
    refused = stored("list")

    assert (4, "") == (refused.returncode, refused.stdout)
    assert "was made by an older nox" in refused.stderr
