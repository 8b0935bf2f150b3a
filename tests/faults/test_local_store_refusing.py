"""A local store that is held by others, has no room, or cannot be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import new_job, submit
from workers.errors import StoreBusy
from workers.job import JobState
from workers.store.sqlite import database
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NOBODY = 65534
HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
# Fills the store until it is refused; then ends what runs, if it can, with the limit raised again.
FILL = """
import json, resource, sys
from pathlib import Path
from tests.support.stores import claim, claimant, new_job, outcome, submit
from workers.errors import NoxError
from workers.store.sqlite.store import SqliteStore

home, room, at = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
store = SqliteStore.open(home)
kept = submit(store, *(new_job() for _ in range(20)))
lease = claim(store).lease
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
size = max(path.stat().st_size for path in home.glob("nox.sqlite3*"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
told = []
try:
    while at == "submit":
        kept += submit(store, *(new_job("x" * 200) for _ in range(20)))
    while at == "claim":
        store.give_back(store.claim(claimant()).lease, "drained")
        store.cancel(kept[-1:], owner=None)
    while at == "finish":
        store.finish(lease, outcome(outcome_json="x" * 300_000))
        lease = claim(store).lease
except NoxError as error:
    told = [type(error).__name__, error.what, error.did]
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
state = store.get(lease.job_id).state
store.finish(lease, outcome())
submit(store, new_job())
print(json.dumps([told, state, sorted(kept) == sorted(store.with_numbers(1, 10**6)[:-1])]))
"""
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))"
OPEN = """
import json, os, sys
from pathlib import Path
from tests.support.stores import new_job, submit
from workers.errors import NoxError
from workers.store.sqlite.store import SqliteStore

home, user = Path(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0:
    os.setuid(user)
try:
    submit(SqliteStore.open(home), new_job())
    print(json.dumps(["opened", "", ""]))
except NoxError as error:
    print(json.dumps([type(error).__name__, error.what, error.did]))
"""


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


@pytest.fixture
def foreign(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory that an ordinary user owns, in a place that user reaches."""
    assert request.node.name
    home = Path(tempfile.mkdtemp(prefix="nox-tests-"))
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    yield home
    home.chmod(0o700)
    shutil.rmtree(home)


def run(script: str, *arguments: object) -> Any:
    """Run a script in a process of its own; what it printed, as JSON."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


@contextmanager
def held(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the store's write lock."""
    command = [sys.executable, "-c", HOLD, str(home / FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "held" == holder.stdout.readline().strip()
        yield holder
        holder.communicate()


def test_a_store_held_by_another_process_is_busy(home: Path, store: SqliteStore) -> None:
    """
    A write waits about five seconds, then says who holds the store; reading goes on all the while.
    """
    (job_id,) = submit(store, new_job())
    with held(home) as holder:
        assert job_id == store.get(job_id).id
        started = time.monotonic()
        with pytest.raises(StoreBusy) as caught:
            submit(store, new_job())
        waited_s = time.monotonic() - started

    assert f"the local store is busy (held by process {holder.pid})" == caught.value.what
    assert "nothing was changed" == caught.value.did
    assert waited_s >= database.BUSY_S
    assert {JobState.QUEUED: 1} == dict(store.counts())
    submit(store, new_job())


def test_a_write_goes_on_when_the_holder_lets_go(home: Path, store: SqliteStore) -> None:
    """
    Whoever waits is not told anything if the store comes free in time.
    """
    with held(home) as holder:
        waiting = subprocess.Popen(
            [sys.executable, "-c", OPEN, str(home), str(os.geteuid())],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.poll() is None
        holder.communicate()
    printed, _ = waiting.communicate(timeout=30)

    assert ["opened", "", ""] == json.loads(printed)
    assert {JobState.QUEUED: 1} == dict(store.counts())


@pytest.mark.parametrize("at", ["submit", "claim", "finish"])
@pytest.mark.parametrize("room", [0, 5_000, 70_000])
def test_local_store_refusing_no_room_is_told_and_loses_nothing(home: Path, at: str, room: int) -> None:
    """
    Where a file may grow no further the store is full: nothing half-done, and with room again all goes on.
    """
    told, state, is_whole = run(FILL, home, room, at)

    assert ["StoreFull", f"disk full: no room in {home}", "nothing was changed"] == told
    assert "running" == state
    assert is_whole


def test_a_store_cannot_be_made_without_room(home: Path) -> None:
    """
    Nothing is left of a store that did not come to be, and the next one with room makes it.
    """
    name, what, _ = run(f"{LIMIT}{OPEN}", home, os.geteuid())

    assert ("StoreFull", f"disk full: no room in {home}") == (name, what)
    assert [] == list(home.iterdir())
    assert ["opened", "", ""] == run(OPEN, home, os.geteuid())


def test_a_directory_that_cannot_be_written_is_refused(foreign: Path) -> None:
    """
    An ordinary user is told which directory it is, and nothing is stored.
    """
    foreign.chmod(0o500)
    refused = run(OPEN, foreign, NOBODY)

    assert ["StoreRefused", f"{foreign} cannot be written", "nothing was stored"] == refused
    assert [] == list(foreign.iterdir())


def test_a_directory_that_cannot_be_made_is_refused(foreign: Path) -> None:
    """
    The same, one level up.
    """
    foreign.chmod(0o500)
    name, what, did = run(OPEN, foreign / "state", NOBODY)

    assert ("StoreRefused", "nothing was stored") == (name, did)
    assert str(foreign / "state") in what


@pytest.mark.parametrize("mode", [0o400, 0o000])
def test_a_file_that_cannot_be_written_is_refused(foreign: Path, mode: int) -> None:
    """
    A store whose file is closed to its own user is told, not taken for damaged or empty.
    """
    assert ["opened", "", ""] == run(OPEN, foreign, NOBODY)
    (foreign / FILE).chmod(mode)
    name, what, _ = run(OPEN, foreign, NOBODY)

    assert ("StoreRefused", f"the local store {foreign / FILE} cannot be opened for writing") == (name, what)
