"""A worker that was frozen past its lease, and wakes up to find that another owns its job."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.standin.engine import GO, HELD
from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox

START_S = 60.0
TAKEN_OVER_S = 60.0


def submit_held(nox: Nox) -> str:
    """Submit an optimisation that does not end before the file GO is there; return its id."""
    file = nox.cwd / f"{HELD}-aspirin.xyz"
    shutil.copy(EXAMPLES / "aspirin.xyz", file)
    (job_id,) = nox.submit(str(file), "--opt", "vtight", "--no-start")
    return job_id


def test_a_resumed_worker_cannot_overwrite_the_new_owner(any_nox: Nox) -> None:
    """
    What the frozen worker computed is discarded when it wakes up; the new owner's record and files stay.
    """
    nox = any_nox
    job_id = submit_held(nox)
    old = nox.worker("--slots", "1", "--name", "old", standin=True)
    wait_until(lambda: nox.job(job_id).progress.step, START_S, lambda: old.log)
    old.freeze()
    new = nox.worker("--slots", "1", "--name", "new", standin=True)
    wait_until(lambda: nox.job(job_id).attempt == 2, TAKEN_OVER_S, lambda: new.log)
    (nox.cwd / GO).touch()
    wait_until(lambda: nox.job(job_id).state is JobState.DONE, START_S, lambda: new.log)
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
    lost = submit_held(nox)
    old = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(lost).progress.step, START_S, lambda: old.log)
    old.freeze()
    new = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(lost).attempt == 2, TAKEN_OVER_S, lambda: new.log)
    (nox.cwd / GO).touch()
    nox.wait(lost, "completed")
    new.process.terminate()
    assert 0 == new.wait()
    old.thaw()
    (job_id,) = nox.submit("--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")

    nox.wait(job_id, "completed", 60)
