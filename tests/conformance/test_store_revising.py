"""The store's contract: what waiting jobs ask for can be changed, and nothing of running and ended ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import (
    ADA,
    BOB,
    GIB,
    claim,
    claimant,
    claimed_names,
    failed,
    history,
    names,
    new_job,
    run_to_end,
    submit,
    submit_named,
)
from workers.job import JobState, Reason
from workers.store.values import Change, Query, Revision, SortKey

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.store.base import Store

QUEUED, RUNNING, DONE = JobState.QUEUED, JobState.RUNNING, JobState.DONE


def test_a_new_priority_counts_at_once(store: Store) -> None:
    """
    The next claim goes by it, up and down, and the list by priority too.
    """
    a, b, c, d = submit_named(store, "a b c d")
    store.revise([c], Revision(priority=100), owner=None)
    store.revise([a], Revision(priority=-100), owner=None)
    store.revise([d], Revision(priority=7), owner=None)
    store.revise([d], Revision(priority=0), owner=None)

    assert ["c", "d", "b", "a"] == names(store.page(Query(sort=SortKey.PRIORITY)).items)
    assert [-100, 0, 100, 0] == [job.priority for job in store.get_many([a, b, c, d])]
    assert ["c", "b", "d", "a"] == claimed_names(store)


def test_store_revising_everything_that_can_be_changed(store: Store) -> None:
    """
    Priority, cores, memory, time, name and tags; tags beside those the job has; what is not named stays.
    """
    (job_id,) = submit(store, new_job("a", tags={"set": "1", "who": "me"}, cores=2, time_limit_s=60))
    before = store.get(job_id)
    wanted = Revision(5, 3, 4 * GIB, 90, "b \u00e9", {"set": "2", "new": ""})
    assert [Change(job_id, QUEUED, QUEUED, changed=True)] == store.revise([job_id], wanted, owner=ADA)
    after = store.get(job_id)

    assert (5, 3, 4 * GIB, 90, "b \u00e9") == (
        after.priority,
        after.cores,
        after.memory_bytes,
        after.time_limit_s,
        after.name,
    )
    assert {"set": "2", "who": "me", "new": ""} == dict(after.tags)

    store.revise([job_id], Revision(), owner=ADA)
    assert after == store.get(job_id)
    assert (before.number, before.created_ms) == (after.number, after.created_ms)
    assert [QUEUED] == history(store, job_id)


def test_a_job_that_asks_for_less_fits_at_once(store: Store) -> None:
    """
    Its new cores and memory decide where it fits, and no shape of old is left behind.
    """
    (job_id,) = submit_named(store, "a", cores=16, memory_bytes=64 * GIB)
    assert store.claim(claimant()) is None
    store.revise([job_id], Revision(cores=1, memory_bytes=0, time_limit_s=0), owner=None)

    assert ["a"] == claimed_names(store, cores=1)
    assert store.claim(claimant(cores=99, memory_bytes=99 * GIB)) is None


def test_running_and_ended_jobs_stay(store: Store) -> None:
    """
    What has begun was begun as it was asked for.
    """
    done, running = submit_named(store, "done running")
    run_to_end(store, done)
    claim(store)

    assert [
        Change(done, DONE, DONE, changed=False),
        Change(running, RUNNING, RUNNING, changed=False),
    ] == store.revise([done, running, "0" * 32], Revision(priority=9), owner=None)
    assert [0, 0] == [job.priority for job in store.get_many([done, running])]


def test_a_job_that_waits_for_another_try_can_be_changed(store: Store, vandal: Vandal) -> None:
    """
    Scheduled jobs wait too; the change counts when they are queued.
    """
    (job_id,) = submit(store, new_job("a", retries=1, retry_on=frozenset({Reason.SCF})))
    run_to_end(store, job_id, failed(Reason.SCF))
    assert store.revise([job_id], Revision(cores=32), owner=None)[0].changed
    vandal.fall_due(job_id)

    assert JobState.SCHEDULED is store.get(job_id).state
    assert 32 == store.get(job_id).cores


def test_store_revising_other_peoples_jobs_are_refused(store: Store) -> None:
    """
    With an owner given, only that owner's jobs are changed.
    """
    (foreign,) = submit_named(store, "b", owner=BOB)

    assert [Change(foreign, QUEUED, QUEUED, changed=False, refused=True)] == store.revise(
        [foreign], Revision(priority=1), owner=ADA
    )
    assert 0 == store.get(foreign).priority


def test_damaged_records_are_left_alone(store: Store, vandal: Vandal) -> None:
    """
    A record that cannot be read is not written to.
    """
    (job_id,) = submit_named(store, "a")
    vandal.damage(job_id)

    assert [Change(job_id, JobState.FAILED, JobState.FAILED, changed=False)] == store.revise(
        [job_id], Revision(priority=1), owner=None
    )


def test_thousands_at_once(store: Store) -> None:
    """
    Any number of jobs can be named.
    """
    ids = submit(store, *(new_job(f"{number}") for number in range(1_200)))
    last = ids[-1]
    store.revise(ids[:-1], Revision(priority=-1), owner=None)

    assert last == claim(store).job.id
    assert ids[0] == claim(store).job.id
