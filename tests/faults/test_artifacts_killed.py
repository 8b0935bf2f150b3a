"""A worker is killed while it writes artifacts: nothing half-written is shown, and none stays."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.sound import look
from tests.support.stores import OTHER_WORKER, beat, new_job, submit
from tests.support.waiting import wait_until
from workers.job import JobState
from workers.machine import host
from workers.runtime.artifacts import ArtifactStore
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Moment = Callable[[subprocess.Popen[str]], object]

ROOT = Path(__file__).parents[2]
JOBS = 400
LIMIT_S = 30.0
NAMES = ("opt.xyz", "trajectory.xyz")
# How long after the first publication a worker is killed, in seconds; one takes a few hundredths.
LATEST_S = 0.2
# Runs jobs that leave two files each, too large for the store, as fast as it can.
PUBLISH = """
import os, sys
from pathlib import Path
from tests.support.stores import beat, claimant, outcome
from workers.runtime.artifacts import ArtifactStore
from workers.machine import host
from workers.store.sqlite.store import SqliteStore

home, scratch, worker = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
store, artifact_store = SqliteStore.open(home), ArtifactStore(home / "artifacts", host())
artifact_store.prepare()
scratch.mkdir()
store.tick(beat(worker))
found = store.claim(claimant(worker))
while found:
    artifact_store.clear_earlier(found.job.id, found.lease.fence, set)
    for name in ("opt.xyz", "trajectory.xyz"):
        (scratch / name).write_bytes(os.urandom(300_000))
    kept = artifact_store.keep(found.job.id, found.lease.fence, scratch, b"log")
    found = store.finish(found.lease, outcome(artifacts=kept.artifacts), claimant(worker))
    print("published", flush=True)
"""


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """A local store with more jobs than are run here."""
    opened = SqliteStore.open(home)
    submit(opened, *(new_job() for _ in range(JOBS)))
    yield opened
    opened.close()


def kill_a_publisher(home: Path, n: int, moment: Moment) -> None:
    """Start a worker that publishes files, and kill it at a moment after its first job."""
    scratch, worker = home.with_name(f"scratch-{n}"), f"node01-{n}-aa"
    command = [sys.executable, "-c", PUBLISH, str(home), str(scratch), worker]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdout is not None
        assert "published" == publisher.stdout.readline().strip()
        moment(publisher)
        publisher.kill()


def files_of(home: Path) -> set[Path]:
    """Every file below the directory of artifacts."""
    return {path for path in (home / "artifacts").rglob("*") if path.is_file()}


def parts_of(home: Path) -> list[str]:
    """Name every file that is only half there."""
    with suppress(FileNotFoundError):
        return os.listdir(home / "artifacts/.parts")  # noqa: PTH208  it comes and goes
    return []


def kill_at(home: Path, store: SqliteStore, moments: Sequence[Moment]) -> int:
    """Kill a worker at each of these moments; each time the next to start finds all in order.

    Returns how many had left something half-written.
    """
    halves = 0
    for n, moment in enumerate(moments):
        kill_a_publisher(home, n, moment)
        halves += bool(parts_of(home))
        store.tick(beat(OTHER_WORKER))
        ArtifactStore(home / "artifacts", host()).prepare()
        seen = look(home)
        shown = {Path(one.path) for files in seen.artifacts.values() for one in files if one.path}
        # Whole files of the lost attempt may be there until the job's next one; parts are not.
        lost = {job.id for job in seen.jobs.values() if job.losses}
        assert {path.parents[1].name for path in files_of(home) - shown} <= lost
        assert [] == parts_of(home)
        assert set(NAMES) >= {path.name for path in files_of(home)}
        done = [job.id for job in seen.jobs.values() if job.state is JobState.DONE]
        assert len(done) > n
        assert {3} == {len(seen.artifacts[job_id]) for job_id in done}
    return halves


def test_artifacts_killed_what_a_killed_worker_was_writing_is_gone_at_the_next_start(
    home: Path, store: SqliteStore
) -> None:
    """
    Killed while a part is there: the next start removes it; all shown is whole.
    """

    def has_part(publisher: subprocess.Popen[str]) -> bool:
        """Stop it, if it has a part: no look at the directory would be quick enough otherwise."""
        publisher.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, publisher.pid, os.WSTOPPED)
        if parts_of(home):
            return True
        publisher.send_signal(signal.SIGCONT)
        return False

    def moment(publisher: subprocess.Popen[str]) -> None:
        wait_until(lambda: has_part(publisher), LIMIT_S, "a part")

    assert 10 == kill_at(home, store, [moment] * 10)


@pytest.mark.long
def test_artifacts_killed_what_a_killed_worker_was_writing_is_gone_at_any_moment(
    home: Path, store: SqliteStore
) -> None:
    """
    The same at fifty random moments.
    """
    chance = random.Random(57)

    def moment(_: subprocess.Popen[str]) -> None:
        time.sleep(chance.uniform(0.0, LATEST_S))  # the moment is what is tried here, not what is waited for

    kill_at(home, store, [moment] * 50)
