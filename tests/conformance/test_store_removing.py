"""The store's contract: ended jobs can be forgotten, and nothing that is needed goes with them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    BOB,
    artifact,
    beat,
    claim,
    claimant,
    failed,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import ArtifactNotFound, JobNotFound
from workers.job import Condition, JobState, Parent
from workers.store.values import Query, Removal, Removed, SortKey

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

REMOVED, ACTIVE, NEEDED, REFUSED = Removed.REMOVED, Removed.ACTIVE, Removed.NEEDED, Removed.REFUSED


def what(found: list[Removal]) -> list[Removed]:
    """Tell what became of jobs."""
    return [one.what for one in found]


def test_a_job_goes_with_all_that_was_kept_of_it(store: Store) -> None:
    """
    Its record, what was asked, the outcome, attempts and artifacts; files elsewhere are named.  No list,
    number, prefix, batch, count or key finds it any more.
    """
    job = new_job("a", unique="key", batch="x", priority=5)
    (mine,) = submit(store, job)
    outside = artifact("trajectory.xyz")._replace(content=None, host="node07", path="/far/trajectory.xyz")
    run_to_end(store, mine, outcome(artifacts=(artifact("opt.xyz"), outside)))
    newest = store.events(None).cursor

    assert [Removal(mine, REMOVED, (outside,))] == store.remove([mine], owner=ADA)
    assert [] == store.remove([mine], owner=ADA)
    with pytest.raises(JobNotFound):
        store.get(mine)
    with pytest.raises(JobNotFound):
        store.spec(mine)
    with pytest.raises(ArtifactNotFound):
        store.artifact(mine, "opt.xyz")
    assert ({}, [], []) == (store.outcomes([mine]), store.attempts(mine), store.artifacts(mine))
    assert ([], [], []) == (store.with_numbers(1, 9), store.with_prefix(mine[:4]), store.last(ADA))
    for query in (Query(), Query(owner=ADA), Query(batch="x"), *(Query(sort=key) for key in SortKey)):
        assert () == store.page(query).items
    assert ({}, {}) == (dict(store.counts()), dict(store.counts(batch="x")))
    assert () == store.events(newest).items
    (again,) = store.submit([job._replace(id="ab" * 16)], submission="s")
    assert (2, False) == (again.number, again.existing)


def test_store_removing_what_stays(store: Store) -> None:
    """
    Whatever has not ended, in every state, and what is somebody else's; the owner need not be told.
    """
    begin_ms = 2**42
    (done,) = submit_named(store, "done", owner=BOB)
    run_to_end(store, done)
    (running,) = submit_named(store, "running")
    claim(store)
    others = submit(
        store,
        new_job("held", held=True),
        new_job("scheduled", begin_ms=begin_ms),
        new_job("blocked", parents=(Parent(running),)),
        new_job("queued"),
    )

    assert [ACTIVE] * 5 == what(store.remove([running, *others], owner=None))
    assert [REFUSED] == what(store.remove([done], owner=ADA))
    assert 6 == sum(store.counts().values())
    assert [REMOVED] == what(store.remove([done], owner=None))


def test_a_parent_stays_as_long_as_a_child_has_not_ended(store: Store) -> None:
    """
    However it waits; once all have ended parents and children go in any order, and what is left can be read.
    """
    (parent,) = submit_named(store, "parent")
    run_to_end(store, parent)
    links = (Parent(parent, Condition.RESULT),)
    first, second = submit_named(store, "a b", parents=links)
    assert [NEEDED] == what(store.remove([parent], owner=None))
    run_to_end(store, first)
    claimed = claim(store)
    assert [NEEDED] == what(store.remove([parent], owner=None))
    store.finish(claimed.lease, failed())
    assert [REMOVED, REMOVED] == what(store.remove([first, parent], owner=None))
    assert [] == store.parents(second)
    (change,) = store.retry([second], owner=None)
    assert JobState.QUEUED is change.after
    run_to_end(store, second)
    assert [REMOVED] == what(store.remove([second], owner=None))
    assert {} == dict(store.counts())


def test_a_child_is_told_before_its_parent_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Those that were too many for one step have heard of the end by the time the parent may go.
    """
    (parent,) = submit_named(store, "parent")
    submit(store, *(new_job(f"{number}", parents=(Parent(parent),)) for number in range(1_700)))
    found = claim(store)
    with monkeypatch.context() as cut:
        cut.setattr(store, "_spread", lambda: None)
        store.finish(found.lease, failed())
    assert [REMOVED] == what(store.remove([parent], owner=None))
    assert {JobState.CANCELLED: 1_700} == dict(store.counts())
    children = store.with_numbers(2, 2_000)
    assert [REMOVED] * 1_700 == what(store.remove(children, owner=None))
    assert () == store.page(Query()).items


def test_files_only(store: Store) -> None:
    """
    Artifacts go, numbers stay; what is needed loses them too.
    """
    (parent,) = submit_named(store, "parent")
    run_to_end(store, parent, outcome(artifacts=(artifact("opt.xyz"),)))
    submit_named(store, "child", parents=(Parent(parent),))

    assert [REMOVED] == what(store.remove([parent], owner=ADA, files_only=True))
    assert [] == store.artifacts(parent)
    assert {parent} == set(store.outcomes([parent]))
    assert JobState.DONE is store.get(parent).state


def test_a_damaged_record_can_be_forgotten(store: Store, vandal: Vandal) -> None:
    """
    Whatever it was counted as, the counts are right afterwards.
    """
    (job_id,) = submit_named(store, "a")
    vandal.damage(job_id)
    assert [REMOVED] == what(store.remove([job_id], owner=ADA))
    assert ({}, ()) == (dict(store.counts()), store.page(Query()).items)
    assert store.claim(claimant()) is None


def test_store_removing_what_is_left_is_in_order(store: Store) -> None:
    """
    Of many jobs of two owners and batches any may go: lists, ranges and counts are those of the others.
    """
    chance = random.Random(5)
    jobs = [
        new_job(f"{number}", owner=chance.choice([ADA, BOB]), batch=chance.choice(["", "x", "y"]))
        for number in range(120)
    ]
    ids = submit(store, *jobs)
    while (found := store.claim(claimant())) is not None:
        store.finish(found.lease, outcome(chance.choice([JobState.DONE, JobState.CANCELLED])))
    gone = set(chance.sample(ids, 60)) | set(ids[10:40]) | set(ids[-5:])
    assert {REMOVED} == set(what(store.remove(sorted(gone), owner=None)))
    left = [job for job in jobs if job.id not in gone]

    for owner in (None, ADA, BOB):
        for batch in ("", "x", "y"):
            query = Query(owner=owner, batch=batch, sort=SortKey.NUMBER, descending=False, limit=200)
            expected = [job for job in left if owner in (None, job.owner) and batch in ("", job.batch)]
            assert [job.id for job in expected] == [job.id for job in store.page(query).items]
            assert len(expected) == sum(store.counts(owner=owner, batch=batch).values())
    store.tick(beat())
    (new,) = store.submit([new_job("new")], submission="s")
    assert 121 == new.number
