"""Two workers on one local store, and two thousand jobs."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.support.sound import look
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox

JOBS = 2_000
STARTED = re.compile(r" started .*job=([0-9a-f]{32})")


def test_local_store_shared_two_workers_run_two_thousand_jobs_none_twice(nox: Nox) -> None:
    """
    Each job is started once, by one of them, and done in its first attempt; both have their part.
    """
    jobs = "".join(f'{{"kind": "echo", "payload": {n}}}\n' for n in range(JOBS))
    workers = [nox.worker("--slots", "2") for _ in range(2)]
    for worker in workers:
        worker.wait_log("2 slots")
    ids = nox.submit("-", "--no-start", input=jobs)
    waited = nox("wait", "@last", "--timeout", "90", limit_s=100)
    started = [STARTED.findall(worker.log) for worker in workers]

    assert 0 == waited.returncode, waited.stderr
    assert Counter(ids) == Counter(started[0] + started[1])
    assert min(map(len, started)) > 0
    assert {(JobState.DONE, 1, 0)} == {
        (job.state, job.attempt, job.losses) for job in look(nox.home).jobs.values()
    }
