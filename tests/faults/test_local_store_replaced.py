"""Somebody removes the local store, to begin anew, while a worker lives: what FLUSHALL is to Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

NEXT = '{"kind": "echo", "payload": 1}'


def submit_lingering(nox: Nox, until: Path) -> str:
    """Hand over a job that runs until a file is there; its id."""
    job = json.dumps({"kind": "echo", "payload": {"do": "linger", "until": str(until)}})
    (job_id,) = nox.submit("-", "--no-start", input=job)
    return job_id


@pytest.mark.parametrize("is_away_long", [False, True])
def test_a_worker_goes_over_to_the_new_store(nox: Nox, tmp_path: Path, *, is_away_long: bool) -> None:
    """
    What is submitted then is run by the worker that is there; the job that it ran is stopped, with its files
    kept, and no store has it any more.
    """
    worker = nox.worker("--slots", "2", standin=True)
    lost = submit_lingering(nox, tmp_path / "never")
    nox.wait(lost, "running")
    if not is_away_long:
        worker.freeze()
    for path in nox.home.glob(f"{FILE}*"):
        path.unlink()
    if is_away_long:
        worker.wait_log("out of contact with the store")
        worker.freeze()  # it ends if no store is there for some seconds
    until = tmp_path / "until"
    until.touch()
    job_id = submit_lingering(nox, until)
    worker.thaw()
    nox.wait(job_id, "completed")

    worker.wait_log("the store has no such job any more: its files are kept")
    assert 3 == nox("status", lost).returncode


def test_jobs_are_run_by_the_background_worker_of_the_removed_store(nox: Nox) -> None:
    """
    The worker that a submit started before is still there, so that the next starts none: it takes the job.
    """
    always = {"NOX_AUTOSTART": "always"}
    for _ in range(2):
        (job_id,) = nox.submit("-", input=NEXT, env=always)
        nox.wait(job_id, "completed")
        for path in nox.home.glob(f"{FILE}*"):
            path.unlink()
