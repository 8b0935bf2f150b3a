"""The worker that does what is due for all is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.housekeepers import housekeeper, submit_lost
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from tests.support.redis_server import RedisServer

LIMIT_S = 30.0


def test_housekeeper_is_killed(redis_nox: Nox, redis_server: RedisServer) -> None:
    """
    Another worker takes its place, and requeues and runs the job of a worker that was lost with it.
    """
    nox = redis_nox
    workers = [nox.worker("--slots", "1", "--for", "all") for _ in range(2)]
    with redis_server.client() as client, nox.store() as store:
        wait_until(lambda: housekeeper(client) in {one.pid for one in workers}, LIMIT_S, "a housekeeper")
        (killed,) = [one for one in workers if one.pid == housekeeper(client)]
        (left,) = [one for one in workers if one is not killed]
        job_id = submit_lost(store)
        killed.kill()
        wait_until(lambda: housekeeper(client) == left.pid, LIMIT_S, "another housekeeper")
        nox.wait(job_id, "completed", LIMIT_S)
        job = store.get(job_id)

    assert (JobState.DONE, 2, 1) == (job.state, job.attempt, job.losses)
    assert f"-{left.pid}-" in job.worker
