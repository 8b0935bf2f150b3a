"""The store's contract across real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.stores import new_job, submit
from workers.job import JobState

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.settings import StoreSettings

PROCESSES = 4
# Claims until nothing is left and prints what it ran; its store is told by its arguments.
DRAIN = """
import json, sys
from pathlib import Path
from tests.support.stores import claimant, outcome
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

url, prefix, home, name = sys.argv[1:]
store = open_store(StoreSettings(redis_url=url or None, prefix=prefix, home=Path(home)))
sys.stdin.read()
ran = []
while found := store.claim(claimant(f"{name}-1-aa")):
    while found:
        ran.append(found.job.id)
        found = store.finish(found.lease, outcome(), claimant(f"{name}-1-aa") if len(ran) % 3 else None)
store.close()
print(json.dumps(ran))
"""


def start(settings: StoreSettings, name: str) -> subprocess.Popen[str]:
    """Start a process that opens the store, and waits for the end of its stdin before it begins."""
    where = [settings.redis_url or "", settings.prefix, str(settings.home), name]
    return subprocess.Popen(
        [sys.executable, "-c", DRAIN, *where],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_race_for_jobs_run_each_once(store: Store, settings: StoreSettings) -> None:
    """
    Several processes claim and finish at once: every job is run by exactly one of them, in one attempt.
    """
    ids = submit(store, *(new_job() for _ in range(400)))
    racers = [start(settings, f"node{n}") for n in range(PROCESSES)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        racer.stdin = None
    ran = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]

    assert [0] * PROCESSES == [racer.returncode for racer in racers]
    assert Counter(ids) == Counter(job_id for part in ran for job_id in part)
    assert {JobState.DONE: 400} == dict(store.counts())
    assert {1} == {job.attempt for job in store.get_many(ids)}
    for name, part in enumerate(ran):
        assert {f"node{name}"} >= {job.host for job in store.get_many(part)}


def test_store_processes_what_a_process_stored_outlives_it(store: Store, settings: StoreSettings) -> None:
    """
    A process that stored, claimed and finished is gone; what it did is there.
    """
    (job_id,) = submit(store, new_job())
    alone = start(settings, "node0")
    ran = json.loads(alone.communicate("", timeout=60)[0])

    assert [job_id] == ran
    assert (JobState.DONE, "node0") == (store.get(job_id).state, store.get(job_id).host)
