"""`nox submit --from`: a job for each selected job, on its final geometry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import POSITIONS, SYMBOLS, record, water
from tests.support.stores import claim, failed, outcome, submit, submit_named
from workers.job import Condition, JobState, Parent

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

FROM = ("submit", "--no-start", "--engine", "xtb", "--from")
MOVED = [[x, y, z + 0.25] for x, y, z in POSITIONS]


def finish_at(store: Store, positions: list[list[float]] = MOVED) -> None:
    """Let the next job be done, at these positions."""
    found = claim(store)
    ended = json.loads(record(found.lease))
    ended["result"]["positions_angstrom"] = positions
    store.finish(found.lease, outcome(outcome_json=json.dumps(ended)))


def asked(store: Store, job_id: str) -> dict[str, Any]:
    """Read what a job is to compute."""
    found: dict[str, Any] = json.loads(store.spec(job_id))
    return found


def test_submit_from_of_done_jobs_the_geometry_is_taken_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    It is part of what is asked; charge, spin and name are the job's own, the method is what is said now.
    """
    (parent,) = submit(any_store, water(spec={"charge": 1, "unpaired": 1, "method": "gfn1"}))
    finish_at(any_store)
    (child,) = any_nox(*FROM, "1", "--ohess", check=True).stdout.split()
    spec, job = asked(any_store, child), any_store.get(child)

    assert ({"symbols": SYMBOLS, "positions_angstrom": MOVED}, False) == (
        spec["structure"],
        spec["awaits_geometry"],
    )
    assert (1, 1, "job 1", "job 1") == (
        spec["charge"],
        spec["unpaired"],
        spec["charge_origin"],
        spec["unpaired_origin"],
    )
    assert ("ohess", "gfn2", "mol/water.xyz", parent) == (
        spec["kind"],
        spec["method"],
        spec["source"]["file"],
        spec["source"]["job"],
    )
    assert ("water", JobState.QUEUED, "") == (job.name, job.state, job.batch)
    assert [Parent(parent, Condition.DONE)] == any_store.parents(child)


def test_others_are_waited_for(any_nox: Nox, any_store: Store) -> None:
    """
    A job that has yet to end is waited for, and so is what waits for it; one that failed cancels what starts
    from it, which is said.
    """
    submit(any_store, water("a"), water("b", priority=1))
    found = claim(any_store)
    any_store.finish(found.lease, failed())
    told = any_nox(*FROM, "@last", "--opt", "--json", check=True)
    waiting, cancelled = (one["job_id"] for one in json.loads(told.stdout)["jobs"])
    assert "warning: b: the job that it is to start from failed" in told.stderr
    assert [JobState.CANCELLED, JobState.BLOCKED] == [
        any_store.get(one).state for one in (cancelled, waiting)
    ]
    assert asked(any_store, waiting)["awaits_geometry"]
    assert [Condition.RESULT] == [one.condition for one in any_store.parents(waiting)]
    (next_,) = any_nox(*FROM, waiting, "--hess", check=True).stdout.split()
    assert JobState.BLOCKED is any_store.get(next_).state
    finish_at(any_store)
    assert [JobState.QUEUED, JobState.BLOCKED] == [any_store.get(one).state for one in (waiting, next_)]


def test_ids_come_by_stdin_and_a_batch_is_named_after_theirs(any_nox: Nox, any_store: Store) -> None:
    """
    As from `nox results -o ids`, in their order; other parents may be waited for too.
    """
    ids = submit(any_store, water("a", batch="screen-1a2b"), water("b", batch="screen-1a2b"))
    (other,) = submit_named(any_store, "other")
    told = any_nox(*FROM, "-", "--after", "1,3", "--json", input="\n".join(ids[::-1]), check=True)
    found = json.loads(told.stdout)
    assert ["b", "a"] == [one["name"] for one in found["jobs"]]
    assert found["batch"].startswith("screen-")
    assert len("screen-1a2b") == len(found["batch"])
    after = Parent(other, Condition.DONE)
    links = [any_store.parents(one["job_id"]) for one in found["jobs"]]
    assert [
        {Parent(ids[1], Condition.RESULT), after, Parent(ids[0], Condition.DONE)},
        {Parent(ids[0], Condition.RESULT), after},
    ] == [set(one) for one in links]


def test_the_same_twice_is_one_job(any_nox: Nox, any_store: Store) -> None:
    """
    With --unique it counts from which job a geometry is, not whether that job was done at the time.
    """
    submit(any_store, water())
    (first,) = any_nox(*FROM, "1", "--hess", "--unique", check=True).stdout.split()
    finish_at(any_store)
    assert [first] == any_nox(*FROM, "1", "--hess", "--unique", check=True).stdout.split()
    assert [first] != any_nox(*FROM, "1", "--opt", "--unique", check=True).stdout.split()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["2", "--hess"], 5, "job 2 is no calculation: it has no geometry"),
        (["1", "-c", "1"], 5, "an odd number"),
        (["1", "water.xyz"], 2, "water.xyz is given"),
        (["1", "--kind", "echo"], 2, "--kind and --from"),
        (["1", "--after-fail", "1"], 2, "in two ways"),
        (["9"], 3, "there is no job 9"),
        (["@failed"], 3, "no job matches"),
    ],
)
def test_submit_from_what_is_refused(
    any_nox: Nox, any_store: Store, words: list[str], code: int, said: str
) -> None:
    """
    Nothing is stored, and why is said.
    """
    submit(any_store, water())
    submit_named(any_store, "echo")
    ended = any_nox(*FROM, *words)

    assert (code, True) == (ended.returncode, said in ended.stderr)
    assert 2 == any_store.counts()[JobState.QUEUED]
    assert 0 == any_nox(*FROM, "@failed", "--allow-empty").returncode


def test_submit_from_of_a_retried_job_the_result_that_is_shown(any_nox: Nox, any_store: Store) -> None:
    """
    It has a geometry, which is taken at once, with a warning; the job that runs again is not waited for.
    """
    (parent,) = submit(any_store, water())
    finish_at(any_store)
    any_store.retry([parent], owner=None, done=True)
    claim(any_store)
    ended = any_nox(*FROM, "1", "--hess", check=True)
    child = ended.stdout.strip()
    spec = asked(any_store, child)

    assert "warning: water: the job that it starts from was retried: this is the geometry of its earlier" in (
        ended.stderr
    )
    assert (MOVED, False, parent) == (
        spec["structure"]["positions_angstrom"],
        spec["awaits_geometry"],
        spec["source"]["job"],
    )
    assert ([], JobState.QUEUED) == (any_store.parents(child), any_store.get(child).state)
