"""The store's contract: handing jobs over."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.stores import ADA, BOB, claim, history, new_job, outcome, submit
from workers.errors import InputRefused, JobNotFound, SubmitCut
from workers.job import JobState
from workers.store.base import SUBMIT_CHUNK, Store


def test_numbers_follow_the_order_of_the_jobs(store: Store) -> None:
    """
    Jobs are numbered in the order they were handed over, and later ones after earlier ones.
    """
    jobs = [new_job() for _ in range(5)]
    accepted = store.submit(jobs, submission="one")
    (later,) = store.submit([new_job()], submission="two")

    assert [job.id for job in jobs] == [word.job_id for word in accepted]
    first = accepted[0].number
    assert [first, first + 1, first + 2, first + 3, first + 4] == [word.number for word in accepted]
    assert later.number > accepted[-1].number
    assert not any(word.existing for word in accepted)


def test_a_stored_job_is_what_was_asked_for(store: Store) -> None:
    """
    Every field comes back as it was given, and the job waits to be run.
    """
    asked = new_job(
        "ts1",
        owner=BOB,
        kind="opt",
        engine="xtb@22.1",
        batch="screen",
        formula="C6H6",
        atoms=12,
        priority=-7,
        cores=4,
        memory_bytes=2 * 1024**3,
        time_limit_s=3600,
        tags={"project": "zeolites", "emoji": "\N{SNOWMAN}"},
    )
    (accepted,) = store.submit([asked], submission="one")
    job = store.get(asked.id)

    asked_for, kept = (set(one._fields) for one in (asked, job))
    shared = (asked_for & kept) - {"parents"}
    assert {name: getattr(asked, name) for name in shared} == {name: getattr(job, name) for name in shared}
    assert accepted.number == job.number
    assert JobState.QUEUED is job.state
    assert (None, 0, 1, 0, 0) == (job.reason, job.attempt, job.round, job.losses, job.releases)
    assert (None, None, "", False) == (job.started_ms, job.ended_ms, job.worker, job.cancel_requested)
    assert job.created_ms > 0


def test_repeating_a_submit_changes_nothing(store: Store) -> None:
    """
    The same ids with the same digests are the same jobs: same numbers, no second event, marked existing.
    """
    jobs = [new_job(), new_job()]
    first = store.submit(jobs, submission="one")
    again = store.submit(jobs, submission="one")

    assert [word.number for word in first] == [word.number for word in again]
    assert [True, True] == [word.existing for word in again]
    assert [JobState.QUEUED] == history(store, jobs[0].id)
    assert {JobState.QUEUED: 2} == dict(store.counts())


def test_repeating_a_submit_does_not_bring_an_ended_job_back(store: Store) -> None:
    """
    A late repetition finds the job as it is now.
    """
    job = new_job()
    submit(store, job)
    store.finish(claim(store).lease, outcome())
    (again,) = store.submit([job], submission="one")

    assert again.existing
    assert JobState.DONE is store.get(job.id).state


def test_store_submitting_what_was_cut_off_can_be_completed(store: Store) -> None:
    """
    A submit that was stored in part stores the rest when it is sent again.
    """
    kept, missing = new_job(), new_job()
    store.submit([kept], submission="one")
    accepted = store.submit([kept, missing], submission="one")

    assert [True, False] == [word.existing for word in accepted]
    assert [kept.id, missing.id] == store.last(ADA)


def test_an_id_with_another_digest_is_refused_and_nothing_is_stored(store: Store) -> None:
    """
    An id stands for one calculation; the jobs that came with the wrong one are not stored either.
    """
    stored = new_job("first")
    submit(store, stored)
    changed = stored._replace(name="second", digest="another")
    innocent = new_job()

    with pytest.raises(InputRefused):
        submit(store, innocent, changed)
    assert "first" == store.get(stored.id).name
    with pytest.raises(JobNotFound):
        store.get(innocent.id)
    assert {JobState.QUEUED: 1} == dict(store.counts())
    assert 1 == len(store.events("0").items)


def test_store_submitting_many_jobs_are_stored_in_order(store: Store) -> None:
    """
    More jobs than one step holds are numbered through, and each is there.
    """
    jobs = [new_job(str(i)) for i in range(2 * SUBMIT_CHUNK + 50)]
    accepted = store.submit(jobs, submission="one")

    numbers = [word.number for word in accepted]
    assert [job.id for job in jobs] == [word.job_id for word in accepted]
    assert list(range(numbers[0], numbers[0] + len(jobs))) == numbers
    assert [job.id for job in jobs] == store.last(ADA)
    assert {JobState.QUEUED: len(jobs)} == dict(store.counts())


def test_a_submit_that_fails_late_says_what_is_kept(store: Store) -> None:
    """
    If a later step is refused, either nothing at all is stored, or the error names exactly what is.
    """
    stored = new_job()
    submit(store, stored)
    jobs = [new_job() for _ in range(SUBMIT_CHUNK + 10)]
    jobs[-1] = stored._replace(digest="another")

    with pytest.raises((InputRefused, SubmitCut)) as caught:
        submit(store, *jobs)
    told = caught.value.stored if isinstance(caught.value, SubmitCut) else ()
    found = {job.id for job in store.get_many([job.id for job in jobs])} - {stored.id}
    assert set(told) == found
    assert len(found) in {0, SUBMIT_CHUNK}


def test_the_newest_submit_of_an_owner_is_known(store: Store) -> None:
    """
    Calls under one token are one submit; another owner's submits do not count.
    """
    token = uuid4().hex
    first, second, third, foreign = new_job(), new_job(), new_job(), new_job(owner=BOB)
    store.submit([first], submission=uuid4().hex)
    store.submit([second], submission=token)
    store.submit([third], submission=token)
    store.submit([foreign], submission=uuid4().hex)

    assert [second.id, third.id] == store.last(ADA)
    assert [foreign.id] == store.last(BOB)
    assert [] == store.last("nobody")


def test_a_submit_that_was_forgotten_is_not_the_newest(store: Store) -> None:
    """
    The submit before it is the newest again, until there is another; a later submit stays the newest.
    """
    first, second, third = new_job(), new_job(), new_job(owner=BOB)
    store.submit([first], submission="one")
    store.submit([third], submission="of bob")
    store.forget_submit(BOB, "of bob")
    store.submit([second], submission="two")
    store.forget_submit(ADA, "one")
    assert ([second.id], []) == (store.last(ADA), store.last(BOB))

    store.submit([first], submission="three")
    store.forget_submit(ADA, "three")
    store.forget_submit(ADA, "three")
    assert [second.id] == store.last(ADA)


def test_an_empty_submit_stores_nothing(store: Store) -> None:
    """
    No jobs, no answer, no event.
    """
    assert [] == store.submit([], submission="one")
    assert () == store.events("0").items


def test_store_submitting_other_processes_see_what_was_stored(store: Store, another: Store) -> None:
    """
    Once submit returned, every other process sees the job.
    """
    (job_id,) = submit(store, new_job("seen"))

    assert store.get(job_id) == another.get(job_id)
    assert "seen" == another.get(job_id).name
