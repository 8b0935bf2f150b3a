"""`nox retry`: ended jobs run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.stores import claim, failed, run_to_end, submit_named
from tests.waiting import wait_until
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from tests.nox import Nox
    from workers.store.base import Store


def test_ended_jobs_run_again(any_nox: Nox, any_store: Store) -> None:
    """
    Failed and completed ones are queued again, others left alone; one line says so.
    """
    ids = submit_named(any_store, "done failed running")
    run_to_end(any_store, ids[0])
    run_to_end(any_store, ids[1], failed(Reason.SCF))
    claim(any_store)
    ended = any_nox("retry", "1-3", check=True)

    assert ["queued", "queued", "running"] == [job.state for job in any_store.get_many(ids)]
    assert [2, 2, 1] == [job.round for job in any_store.get_many(ids)]
    assert (
        f"queued again 2 jobs, left 1 running alone ({any_store.kind}: {any_store.where})\n" == ended.stdout
    )


def test_a_worker_runs_them_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    A worker that waits hears of a retried job, and its record says what both attempts were.
    """
    any_nox.worker("--slots", "1")
    any_nox("submit", "--kind", "echo", "--payload", "1", "--wait", check=True)
    (job_id,) = any_store.with_numbers(1, 1)
    any_nox("retry", "1", check=True)
    wait_until(lambda: any_store.get(job_id).state is JobState.DONE, 5.0, "the second end")
    record = json.loads(any_nox("status", "1", "--raw", check=True).stdout)

    assert (2, 2) == (record["attempt"], record["round"])
    assert ["done"] == [tried.ended_as for tried in any_store.attempts(job_id)]


def test_failed_ones_by_reason(nox: Nox, store: Store) -> None:
    """
    Selectors name what failed, and why.
    """
    ids = submit_named(store, "scf crashed")
    run_to_end(store, ids[0], failed(Reason.SCF))
    run_to_end(store, ids[1], failed(Reason.CRASHED))
    nox("retry", "@failed:scf", check=True)

    assert ["queued", "failed"] == [job.state for job in store.get_many(ids)]
    assert 3 == nox("retry", "@failed:timeout").returncode
