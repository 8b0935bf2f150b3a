"""A worker that was frozen past its lease, and wakes up to find that another owns its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox

START_S = 60.0
TAKEN_OVER_S = 30.0


def test_a_resumed_worker_cannot_overwrite_the_new_owner(any_nox: Nox) -> None:
    """
    What the frozen worker computed is discarded when it wakes up; the new owner's record and files stay.
    """
    nox = any_nox
    (job_id,) = nox.submit(str(EXAMPLES / "aspirin.xyz"), "--opt", "vtight", "--no-start")
    old = nox.worker("--slots", "1", "--name", "old")
    wait_until(lambda: nox.job(job_id).state is JobState.RUNNING, START_S, lambda: old.log)
    old.freeze()
    new = nox.worker("--slots", "1", "--name", "new")
    wait_until(lambda: nox.job(job_id).state is JobState.DONE, TAKEN_OVER_S + START_S, lambda: new.log)
    with nox.store() as store:
        before = [store.get(job_id), store.outcomes([job_id]), store.artifacts(job_id)]

    old.thaw()
    old.wait_log("lease lost, discarded", 60)

    with nox.store() as store:
        assert before == [store.get(job_id), store.outcomes([job_id]), store.artifacts(job_id)]
        assert ["worker_lost"] == [attempt.ended_as for attempt in store.attempts(job_id)]
    assert 2 == nox.job(job_id).attempt
    assert [] == list((nox.home / "artifacts").iterdir())


def test_a_resumed_worker_goes_on_with_other_jobs(any_nox: Nox) -> None:
    """
    Having lost one job is no reason to be deaf.
    """
    nox = any_nox
    (lost,) = nox.submit(str(EXAMPLES / "aspirin.xyz"), "--opt", "vtight", "--no-start")
    old = nox.worker("--slots", "1")
    wait_until(lambda: nox.job(lost).state is JobState.RUNNING, START_S, lambda: old.log)
    old.freeze()
    new = nox.worker("--slots", "1")
    wait_until(lambda: nox.job(lost).attempt == 2, TAKEN_OVER_S, lambda: new.log)
    nox.wait(lost, "completed")
    new.process.terminate()
    assert 0 == new.wait()
    old.thaw()
    (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")

    nox.wait(job_id, "completed", 60)
