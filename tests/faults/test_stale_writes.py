"""A process frozen at any moment wakes up and writes what it no longer may."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.frozen import freeze
from tests.support.stores import OTHER_WORKER, beat, claim, new_job, outcome, submit
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers.job import JobState, Progress
from workers.runtime.artifacts import ArtifactStore
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.job import Lease
    from workers.store.base import Store

ROOT = Path(__file__).parents[2]
# How long after its claim the writer is frozen: it takes a few hundredths for every kind of write.
LATEST_S = 0.05
FILE_BYTES = 100_000  # more than goes into the store
LIMIT_S = 30.0
MOST_STEPS = 10_000  # some seconds long
# Claims a job for each line it reads; reports steps and publishes a file until it is refused, then tries each
# write there is, and says of it whether it was refused.
WRITE = """
import json, os, sys
from contextlib import suppress
from pathlib import Path
from tests.support.stores import beat, claimant, outcome
from workers.runtime.artifacts import ArtifactStore
from workers.errors import LeaseLost
from workers.job import Progress
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

url, prefix, home = sys.argv[1:]
store = open_store(StoreSettings(redis_url=url or None, prefix=prefix, home=Path(home)))
artifact_store, scratch = ArtifactStore(Path(home, "artifacts"), "old"), Path(home, "old")
artifact_store.prepare()
scratch.mkdir()

def is_refused(write):
    try:
        write()
    except LeaseLost:
        return True
    return False

for _ in sys.stdin:
    store.tick(beat())
    lease = store.claim(claimant()).lease
    print(lease.job_id, flush=True)
    made = ()
    with suppress(LeaseLost):
        for step in range(MOST_STEPS):
            store.progress(lease, Progress(phase="old", step=step))
            if step % 20 == 0:
                (scratch / "opt.xyz").write_bytes(os.urandom(FILE_BYTES))
                made = artifact_store.keep(lease.job_id, lease.fence, scratch, b"old").artifacts
    refused = {
        "progress": is_refused(lambda: store.progress(lease, Progress(phase="old", step=step))),
        "finish": is_refused(lambda: store.finish(lease, outcome(artifacts=made), claimant())),
        "give back": is_refused(lambda: store.give_back(lease, "old")),
        "renew": not store.renew([lease])[0].alive,
    }
    artifact_store.discard(lease.job_id, lease.fence, set)
    print(json.dumps(refused), flush=True)
"""


@pytest.fixture(params=["redis", "local"])
def settings(request: pytest.FixtureRequest, home: Path) -> StoreSettings:
    """Where an empty store lies."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    return StoreSettings(redis_url=url, prefix="nox:", home=home)


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[Store]:
    """That store, as its other worker has it open."""
    opened = open_store(settings)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Writer:
    """A process that writes under a lease, and can be frozen."""

    process: subprocess.Popen[str]
    settings: StoreSettings

    def claim(self) -> str:
        """Let it claim a job and begin to write; the job's id."""
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        return self._line()

    def freeze(self) -> None:
        """Stop it anywhere but within a step of the local store, for whose end everybody would wait."""
        freeze(self.process, None if self.settings.redis_url else self.settings.home / "nox.sqlite3")

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def refused(self) -> dict[str, bool]:
        """Hear which of its writes were refused."""
        told: dict[str, bool] = json.loads(self._line())
        return told

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def writer(settings: StoreSettings) -> Iterator[Writer]:
    """Start the process, and end it."""
    where = [settings.redis_url or "", settings.prefix, str(settings.home)]
    program = f"FILE_BYTES, MOST_STEPS = {FILE_BYTES}, {MOST_STEPS}\n{WRITE}"
    with subprocess.Popen(
        [sys.executable, "-c", program, *where],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Writer(process, settings)
        process.kill()


class Owner:
    """Takes jobs from the frozen writer, and sees what becomes of them."""

    def __init__(self, store: Store, settings: StoreSettings) -> None:
        self._store = store
        self._settings = settings
        self._artifact_store = ArtifactStore(settings.home / "artifacts", "new")
        self._scratch = settings.home / "new"
        self._scratch.mkdir()
        self._start = "0"

    def submit(self) -> str:
        """Hand over a job; its id."""
        self._start = self._store.events(None).cursor
        (job_id,) = submit(self._store, new_job())
        return job_id

    def take_back(self, job_id: str) -> None:
        """Find the writer's lease run out."""
        vandal_of(self._settings).run_out(job_id)
        # After a tick that is seconds late, the store spares all workers for a while.
        wait_until(lambda: job_id in self._store.tick(beat(OTHER_WORKER)).reaped, LIMIT_S, "its loss")

    def run(self) -> Lease:
        """Claim the job, and report a step."""
        lease = claim(self._store, OTHER_WORKER).lease
        self._store.progress(lease, Progress(phase="new", step=1))
        return lease

    def end(self, lease: Lease) -> None:
        """Publish a file and record the end."""
        (self._scratch / "opt.xyz").write_bytes(os.urandom(FILE_BYTES))
        self._artifact_store.clear_earlier(lease.job_id, lease.fence, set)
        kept = self._artifact_store.keep(lease.job_id, lease.fence, self._scratch, b"new")
        self._store.finish(lease, outcome(artifacts=kept.artifacts))

    def look(self, job_id: str) -> list[object]:
        """Read all that there is of a job: its record, its events, the files of its second attempt."""
        store, folder = self._store, self._artifact_store.root / job_id / "attempt-2"
        events = store.events(self._start).items
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*")}
        parts = [store.get(job_id), store.outcomes([job_id]), store.artifacts(job_id), store.attempts(job_id)]
        return [*parts, events, digests]


@pytest.mark.parametrize("cycles", [30, pytest.param(500, marks=pytest.mark.long)])
def test_stale_writes_nothing_stale_is_accepted(settings: StoreSettings, store: Store, cycles: int) -> None:
    """
    While it is frozen its job waits again, runs elsewhere or has ended: none of its writes, in flight or new,
    changes record, progress, events or artifacts, and its own files are gone.
    """
    chance, owner = random.Random(4), Owner(store, settings)
    with writer(settings) as old:
        for n in range(cycles):
            job_id = owner.submit()
            assert job_id == old.claim()
            time.sleep(chance.uniform(0, LATEST_S))  # the moment is what is tried here
            old.freeze()
            owner.take_back(job_id)
            lease = owner.run() if n % 3 else None
            if lease and n % 3 == 2:
                owner.end(lease)
            before = owner.look(job_id)
            old.thaw()

            assert {"progress": True, "finish": True, "give back": True, "renew": True} == old.refused()
            assert before == owner.look(job_id)
            assert not list((settings.home / "artifacts" / job_id).glob("attempt-1/*"))
            if n % 3 != 2:
                owner.end(lease or owner.run())

    assert {JobState.DONE: cycles} == dict(store.counts())
    assert not list((settings.home / "artifacts").glob(".parts/*"))
