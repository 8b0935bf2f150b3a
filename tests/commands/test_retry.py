"""`nox retry`: ended jobs run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.ended import POSITIONS, complete, fail, water
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


def test_going_on_from_the_last_geometry(any_nox: Nox, any_store: Store) -> None:
    """
    A new job, the same but for where it starts; it names the one it goes on from, and there is one only.
    """
    first = fail(any_store, water("prod2", batch="x", tags={"k": "v"}, priority=3, spec={"charge": 1}))
    shown = any_nox("status", "1", check=True).stdout
    assert "try:  nox retry 1 --from-last-geometry" in shown
    told = any_nox("retry", "1", "--from-last-geometry", "--json", check=True).stdout
    (one,) = json.loads(told)["jobs"]
    assert (first, False, 2) == (one["retry_of"], one["existing"], one["number"])
    spec, before = json.loads(any_store.spec(one["job_id"])), json.loads(any_store.spec(first))
    assert (first, first, POSITIONS) == (
        spec.pop("retry_of"),
        spec["source"].pop("job"),
        spec["structure"]["positions_angstrom"],
    )
    assert before == {name: value for name, value in spec.items() if name in before}
    old, new = any_store.get_many([first, one["job_id"]])
    assert (old.name, old.batch, old.tags, old.priority) == (new.name, new.batch, new.tags, new.priority)
    assert JobState.FAILED is old.state
    again = any_nox("retry", "@failed:not_converged", "--from-last-geometry", check=True).stdout
    assert again.startswith("1 job on from the last geometry (1 of them there already): 2 (")
    assert f"on from the last geometry of job {first}" in any_nox("status", "2", check=True).stdout


def test_what_has_no_last_geometry(any_nox: Nox, any_store: Store) -> None:
    """
    Of some jobs one of which has none nothing is submitted.
    """
    fail(any_store)
    complete(any_store)
    run_to_end(any_store, submit_named(any_store, "echo")[0], failed(Reason.CRASHED))
    for number, why in ((2, "it is done"), (3, "it left no geometry")):
        ended = any_nox("retry", f"1,{number}", "--from-last-geometry")
        assert (5, True) == (
            ended.returncode,
            f"job {number} has no last geometry to go on from: {why}" in ended.stderr,
        )
    assert 3 == sum(any_store.counts().values())
