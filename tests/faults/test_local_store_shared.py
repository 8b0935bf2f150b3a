"""Two workers on one local store, and two thousand jobs."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.support.sound import look
from tests.support.stores import runs
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox

JOBS = 2_000
DONE = re.compile(r" done .*job=([0-9a-f]{32})")


def test_local_store_shared_two_workers_run_two_thousand_jobs_none_twice(nox: Nox) -> None:
    """
    Each job is run once, by one of them; both have their part.
    """
    jobs = "".join(f'{{"kind": "echo", "payload": {n}}}\n' for n in range(JOBS))
    workers = [nox.worker("--slots", "2") for _ in range(2)]
    for worker in workers:
        worker.wait_log("2 slots")
    ids = nox.submit("-", "--no-start", input=jobs)
    waited = nox("wait", "@last", "--timeout", "90", limit_s=100)
    for worker in workers:  # whose logs are whole then
        worker.process.terminate()
        assert 0 == worker.wait()
    with nox.store() as store:
        ran = Counter(runs(store, job) for job in store.get_many(ids))

    assert 0 == waited.returncode, waited.stderr
    done = [DONE.findall(worker.log) for worker in workers]
    assert Counter(ids) == Counter(done[0] + done[1])
    assert min(map(len, done)) > 0
    assert {1: JOBS} == ran
    assert {(JobState.DONE, 0)} == {(job.state, job.losses) for job in look(nox.home).jobs.values()}
