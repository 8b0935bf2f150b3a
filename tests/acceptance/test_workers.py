"""Several workers: they share the work, and one takes over from another."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from tests.standin.engine import GO, HELD
from tests.support.examples import EXAMPLES
from tests.support.processes import descendants, is_alive
from tests.support.waiting import wait_until
from workers.store.pools import Allocation, AllocationState, AutoscalerLease, PoolDefinition

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.job import Job

ONCE = ["queued", "running", "done"]
# A drained slot looks for work at least this often, and a lost lease is noticed within its length and a tick.
TAKEN_OVER_S = 90.0


def _pid_of(job: Job) -> int:
    """Read the process out of the id of the worker that ran a job."""
    return int(job.worker.split("-")[-2])


def test_workers_two_workers_share_fifty_jobs(any_nox: Nox) -> None:
    """
    Two workers on two terminals run fifty jobs, each job once and in its first attempt.  Each worker first
    takes one of two longer jobs, so that both have their part.
    """
    nox = any_nox
    file = nox.cwd / f"{HELD}-caffeine.xyz"
    shutil.copy(EXAMPLES / "caffeine.xyz", file)
    longer = nox.submit(*[str(file)] * 2, "--opt", "--priority", "10", "--no-start")
    requests = "".join(
        f'{{"kind": "echo", "payload": {{"do": "nap", "s": 0, "n": {n}}}}}\n' for n in range(50)
    )
    ids = nox.submit("-", "--no-start", input=requests)
    workers = [nox.worker("--slots", "1", standin=True), nox.worker("--slots", "1", standin=True)]
    wait_until(lambda: all(nox.job(job_id).progress.step for job_id in longer), 60.0, "both to have one")
    (nox.cwd / GO).touch()
    waited = nox("wait", *longer, *ids, "--timeout", "60")

    assert (0, 50) == (waited.returncode, len(set(ids)))
    assert [ONCE] * 52 == [nox.history(job_id) for job_id in (*longer, *ids)]
    assert {worker.pid for worker in workers} == {_pid_of(nox.job(job_id)) for job_id in longer}


def test_workers_what_a_killed_worker_left_is_taken_over(any_nox: Nox) -> None:
    """
    A worker is killed in the middle of a job: another runs it again, it ends once, and nothing is left over.
    """
    nox = any_nox
    file = nox.cwd / f"{HELD}-caffeine.xyz"
    shutil.copy(EXAMPLES / "caffeine.xyz", file)
    (job_id,) = nox.submit(str(file), "--ohess", "--no-start")
    killed = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(job_id).progress.step, 60.0, lambda: f"a first step:\n{killed.log}")
    children = descendants(killed.pid)
    killed.kill()
    wait_until(lambda: not any(map(is_alive, children)), 60, "the end of all that the worker had started")
    (nox.cwd / GO).touch()
    nox.worker("--slots", "1", standin=True)
    nox.wait(job_id, "completed", TAKEN_OVER_S)

    job = nox.job(job_id)
    assert (2, 1) == (job.attempt, job.losses)
    assert ["queued", "running", "queued", "running", "done"] == nox.history(job_id)
    with nox.store() as store:
        assert ["worker_lost"] == [attempt.ended_as for attempt in store.attempts(job_id)]


def test_a_drained_worker_loses_nothing(any_nox: Nox) -> None:
    """
    A worker that is asked to end leaves every job either ended or waiting, and ends with code 0.
    """
    nox = any_nox
    ids = nox.submit(*[str(EXAMPLES / "ethanol.xyz")] * 6, "--opt", "--no-start")
    worker = nox.worker("--slots", "1")
    wait_until(lambda: "done" in nox.history(ids[0]), 60.0, lambda: f"the first end:\n{worker.log}")
    worker.process.terminate()

    assert 0 == worker.wait(60)
    states = {str(nox.job(job_id).state) for job_id in ids}
    assert states <= {"done", "queued"}
    assert 0 == nox("wait", ids[0]).returncode


def test_workers_join_an_allocation_and_nox_run_does_not(redis_nox: Nox) -> None:
    """
    Inside an allocation of a pool `nox worker` is its worker and leaves it at SIGTERM; `nox run` is not.
    """
    nox, token = redis_nox, "0123456789abcdef"
    inside = {"NOX_ALLOCATION": token}
    with nox.store() as store:
        assert store.pools is not None
        store.pools.define("ada", "cpu", PoolDefinition(1, 2**30, 3_600), "0" * 64)
        lease = store.pools.acquire("ada", "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        new: dict[str, object] = {"state": "pending", "cores": 1, "memory_bytes": 2**30}
        store.pools.record(lease, "cpu", {}, [(token, new | {"time_s": 3_600, "intended_ms": 1})])

    def allocation() -> Allocation:
        with nox.store() as store:
            assert store.pools is not None
            (found,) = store.pools.allocations()
            return found

    nox("run", "--kind", "echo", "--payload", "1", env=inside, check=True)
    assert (AllocationState.PENDING, "") == (allocation().state, allocation().worker)

    worker = nox.worker("--slots", "1", env=inside)
    wait_until(lambda: allocation().worker, 60.0, lambda: f"the worker to join:\n{worker.log}")
    (job_id,) = nox.submit("--kind", "echo", "--payload", "2", "--no-start")
    nox.wait(job_id, "completed")
    assert (AllocationState.RUNNING, None) == (allocation().state, allocation().left_ms)
    assert worker.pid == int(allocation().worker.split("-")[-2])
    worker.kill(signal.SIGTERM)
    assert 0 == worker.wait(60)
    assert (AllocationState.RUNNING, 1) == (allocation().state, allocation().jobs)
    assert allocation().left_ms is not None
