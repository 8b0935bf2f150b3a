"""Removing ended jobs without a command line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nox_cli.changes.removal import Extent, find_ended, of_age, remove
from tests.support.stores import ADA, BOB, artifact, claim, new_job, outcome, submit
from workers.job import JobState
from workers.store.base import REMOVED_AT_ONCE
from workers.store.values import Removed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from workers.store.base import Store

LATER_MS = 4_000_000_000_000


def ended(store: Store, owner: str = ADA) -> str:
    """Store a job and complete it."""
    [job_id] = submit(store, new_job(owner=owner))
    store.finish(claim(store, owner=owner).lease, outcome(artifacts=(artifact("a.txt"),)))
    return job_id


def test_ended_jobs_are_found_and_removed(any_store: Store, tmp_path: Path) -> None:
    """
    Only the owner's ended jobs are found; a dry run counts them, and a removal removes them.
    """
    job_id = ended(any_store)
    ended(any_store, BOB)
    submit(any_store, new_job())
    jobs = {job.id: job.state for job in find_ended(any_store, ADA, LATER_MS)}
    dry = remove(any_store, jobs, ADA, tmp_path, dry_run=True)
    done = remove(any_store, jobs, ADA, tmp_path)

    assert {job_id: JobState.DONE} == jobs
    assert (True, {JobState.DONE: 1}, 0) == (dry.is_dry, dry.found, dry.what.total())
    assert (1, None) == (done.what[Removed.REMOVED], done.cut)
    assert [] == any_store.get_many([job_id])


def test_jobs_of_others_are_not_removed(any_store: Store, tmp_path: Path) -> None:
    """
    A job of another user is refused in its own outcome.
    """
    job_id = ended(any_store, BOB)
    done = remove(any_store, {job_id: JobState.DONE}, ADA, tmp_path)

    assert {Removed.REFUSED: 1} == done.what
    assert 1 == len(any_store.get_many([job_id]))


def test_files_are_removed_alone(any_store: Store, tmp_path: Path) -> None:
    """
    With the extent of files the job and its numbers stay.
    """
    job_id = ended(any_store)
    remove(any_store, {job_id: JobState.DONE}, ADA, tmp_path, Extent.FILES)

    assert [job_id] == [job.id for job in any_store.get_many([job_id])]
    assert [] == list(any_store.artifacts(job_id))


def test_jobs_are_chosen_by_age_and_state(any_store: Store) -> None:
    """
    A job that ended just now is not a day old.
    """
    jobs = any_store.get_many([ended(any_store)])

    assert 1 == len(list(of_age(jobs, None, frozenset())))
    assert [] == list(of_age(jobs, 86_400.0, frozenset()))
    assert [] == list(of_age(jobs, None, frozenset({JobState.FAILED})))


def test_removal_nothing_is_found_before_it_ended(any_store: Store) -> None:
    """
    Jobs that ended later than the given time stay.
    """
    ended(any_store)

    assert [] == list(find_ended(any_store, ADA, 1_000))


def test_a_long_removal_lets_others_write(
    any_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Between two chunks another client of the local store gets its turn; Redis gives it by itself.
    """
    ids = submit(any_store, *(new_job() for _ in range(2 * REMOVED_AT_ONCE + 1)))
    any_store.cancel(ids, owner=None)
    others: list[str] = []
    monkeypatch.setattr(time, "sleep", lambda _: others.extend(submit(any_store, new_job(owner=BOB))))
    done = remove(any_store, dict.fromkeys(ids, JobState.CANCELLED), ADA, tmp_path)

    assert len(ids) == done.what[Removed.REMOVED]
    assert (2 if any_store.kind == "local" else 0) == len(others)
