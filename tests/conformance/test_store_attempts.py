"""The store's contract: what earlier attempts left stays; the last good outcome is shown until a newer."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    ADA,
    BOB,
    OTHER_WORKER,
    WORKER,
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
from workers.errors import ArtifactNotFound
from workers.job import JobState, Reason
from workers.store.base import KEPT_ATTEMPTS, KEPT_BYTES, LISTED_ATTEMPTS
from workers.store.values import Artifact, Change, KeptAttempts, Removed

if TYPE_CHECKING:
    from tests.support.vandal import Vandal
    from workers.job import Lease
    from workers.store.base import Store
    from workers.store.values import Outcome

DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED
QUEUED, RUNNING, SCHEDULED = JobState.QUEUED, JobState.RUNNING, JobState.SCHEDULED
# Digits that a JSON library may lose, and spaces that it would.
ODD = '{"attempt": %d,  "energy": -5.070544445412345678901, "tiny": 1e-400}'


def ended(number: int, state: JobState = DONE, *made: Artifact) -> Outcome:
    """Say how an attempt ended, with an artifact of its own."""
    files = made or (artifact("opt.xyz", f"geometry {number}"),)
    reason = Reason.SCF if state is FAILED else None
    return outcome(state, reason, outcome_json=ODD % number, artifacts=files)


def shown(store: Store, job_id: str) -> tuple[str | None, list[Artifact]]:
    """Read the shown outcome, and its artifacts with their contents."""
    made = [store.artifact(job_id, one.name) for one in store.artifacts(job_id)]
    return store.outcomes([job_id]).get(job_id), made


def left(store: Store, job_id: str, attempt: int) -> tuple[str | None, list[Artifact]]:
    """Read the outcome of one attempt, and its artifacts with their contents."""
    made = [store.artifact(job_id, one.name, attempt) for one in store.artifacts(job_id, attempt)]
    return store.outcome(job_id, attempt), made


def of(number: int) -> tuple[str, list[Artifact]]:
    """What attempt `number` left that ended as `ended` says."""
    return ODD % number, [artifact("opt.xyz", f"geometry {number}")]


def done_once(store: Store) -> str:
    """Store a job and run it once; its id."""
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, ended(1))
    return job_id


def again(store: Store, job_id: str, end: Outcome | None = None) -> Lease | None:
    """Run an ended job again, and with `end` to its end."""
    (change,) = store.retry([job_id], owner=None, done=True)
    assert change.changed
    return run_to_end(store, job_id, end) if end else None


def test_a_completed_job_is_retried_only_if_that_is_asked_for(store: Store) -> None:
    """
    It is left alone, with its outcome; a failed and a cancelled one run again.
    """
    job_id = done_once(store)
    lost, dropped = submit_named(store, "lost dropped")
    run_to_end(store, lost, failed())
    store.cancel([dropped], owner=None)
    before = store.get(job_id), shown(store, job_id), store.events("0")
    ids = [job_id, lost, dropped]

    assert [
        Change(job_id, DONE, DONE, changed=False),
        Change(lost, FAILED, QUEUED, changed=True),
        Change(dropped, CANCELLED, QUEUED, changed=True),
    ] == store.retry(ids, owner=ADA)
    assert before[:2] == (store.get(job_id), shown(store, job_id))
    assert [Change(job_id, DONE, QUEUED, changed=True)] == store.retry([job_id], owner=ADA, done=True)


def test_the_last_good_outcome_is_shown_until_a_new_attempt_has_completed(store: Store) -> None:
    """
    While the job is queued, runs, was cancelled or failed; then it is an earlier attempt's, to the byte.
    """
    job_id = done_once(store)
    assert (of(1), None, 1) == (shown(store, job_id), store.get(job_id).good, store.get(job_id).shown)
    again(store, job_id)
    assert (QUEUED, of(1)) == (store.get(job_id).state, shown(store, job_id))
    assert (1, 1) == (store.get(job_id).good, store.get(job_id).shown)
    lease = claim(store).lease
    assert (RUNNING, of(1)) == (store.get(job_id).state, shown(store, job_id))
    store.give_back(lease, "drained")
    assert of(1) == shown(store, job_id)
    store.cancel([job_id], owner=None)
    assert (CANCELLED, of(1)) == (store.get(job_id).state, shown(store, job_id))
    again(store, job_id, ended(3, FAILED))
    assert (FAILED, of(1), of(3)) == (store.get(job_id).state, shown(store, job_id), left(store, job_id, 3))
    again(store, job_id)
    assert (of(1), of(3)) == (shown(store, job_id), left(store, job_id, 3))
    run_to_end(store, job_id, ended(4))

    assert (of(4), None, 4) == (shown(store, job_id), store.get(job_id).good, store.get(job_id).shown)
    assert [of(1), (None, []), of(3), of(4)] == [left(store, job_id, number) for number in range(1, 5)]
    with pytest.raises(ArtifactNotFound):
        store.artifact(job_id, "opt.xyz", 2)


def test_an_outcome_that_is_not_good_is_not_shown_in_the_next_round(store: Store) -> None:
    """
    A failure is shown while the job is failed; then it is an earlier attempt's, also if the job never starts.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, ended(1, FAILED))
    assert of(1) == shown(store, job_id)
    again(store, job_id)
    assert ((None, []), of(1)) == (shown(store, job_id), left(store, job_id, 1))
    store.cancel([job_id], owner=None)
    assert ((None, []), of(1), None) == (
        shown(store, job_id),
        left(store, job_id, 1),
        store.get(job_id).shown,
    )


def test_store_attempts_each_attempt_is_listed_once(store: Store) -> None:
    """
    Over rounds, whether it ended its job or was given back; the newest is in the job until that waits.
    """
    job_id = done_once(store)
    again(store, job_id)
    store.cancel([job_id], owner=None)
    again(store, job_id)
    lease = claim(store).lease
    assert [1] == [tried.number for tried in store.attempts(job_id)]
    assert (2, WORKER, 3) == (store.get(job_id).attempt, store.get(job_id).worker, store.get(job_id).round)
    store.give_back(lease, "drained")
    assert (2, "", None) == (
        store.get(job_id).attempt,
        store.get(job_id).worker,
        store.get(job_id).started_ms,
    )
    run_to_end(store, job_id, ended(3))

    found = [(tried.number, tried.round, tried.ended_as) for tried in store.attempts(job_id)]
    assert [(1, 1, "done"), (2, 3, "given_back")] == found
    assert (3, WORKER) == (store.get(job_id).attempt, store.get(job_id).worker)


def test_a_start_that_an_older_nox_left_on_a_waiting_job(store: Store, vandal: Vandal) -> None:
    """
    A job that an older nox has queued again, or its worker given back, has no attempt that runs; nor has it
    one that was cancelled, when it is cancelled before it starts.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, ended(1, FAILED))
    store.retry([job_id], owner=None)
    vandal.leave_start(job_id)
    waiting = store.get(job_id)
    assert (QUEUED, None, "") == (waiting.state, waiting.started_ms, waiting.worker)

    store.cancel([job_id], owner=None)
    cancelled = store.get(job_id)
    assert (CANCELLED, None, "") == (cancelled.state, cancelled.started_ms, cancelled.worker)
    store.retry([job_id], owner=None)
    run_to_end(store, job_id)
    assert [1] == [tried.number for tried in store.attempts(job_id)]


def test_an_attempt_whose_engine_never_started_is_marked(store: Store) -> None:
    """
    It was claimed and given back: it is listed, and did not run.
    """
    (job_id,) = submit_named(store, "a")
    for ran in (False, True):
        store.give_back(claim(store).lease, "drained", had_time=False, ran=ran)

    assert [(1, False), (2, True)] == [(tried.number, tried.ran) for tried in store.attempts(job_id)]


def test_very_many_attempts_are_bounded(store: Store) -> None:
    """
    The newest of them are listed.
    """
    (job_id,) = submit_named(store, "a")
    for _ in range(LISTED_ATTEMPTS + 5):
        store.give_back(claim(store).lease, "drained", had_time=False)

    numbers = [tried.number for tried in store.attempts(job_id)]
    assert list(range(6, LISTED_ATTEMPTS + 6)) == numbers


def test_an_attempt_that_is_retried_leaves_its_outcome(store: Store, vandal: Vandal) -> None:
    """
    Each failure keeps what it left, a repeated finish changes nothing, and none of them is shown.
    """
    (job_id,) = submit(store, new_job("a", retries=2, retry_on=frozenset({Reason.SCF})))
    for number in (1, 2):
        lease = claim(store).lease
        for _ in range(2):
            store.finish(lease, ended(number, FAILED))
        assert (SCHEDULED, (None, [])) == (store.get(job_id).state, shown(store, job_id))
        assert number == store.kept_attempts().attempts
        vandal.fall_due(job_id)
        store.tick(beat())
    run_to_end(store, job_id, ended(3))

    assert of(3) == shown(store, job_id)
    assert [of(1), of(2), of(3)] == [left(store, job_id, number) for number in (1, 2, 3)]


def test_a_lost_attempt_leaves_the_good_outcome_shown(store: Store, vandal: Vandal) -> None:
    """
    Also when it is lost for good: its own outcome is there by its number.
    """
    job_id = done_once(store)
    again(store, job_id)
    for _ in range(3):
        claim(store)
        vandal.run_out(job_id)
        store.tick(beat(OTHER_WORKER))
        store.tick(beat(OTHER_WORKER))

    assert (FAILED, Reason.WORKER_LOST) == (store.get(job_id).state, store.get(job_id).reason)
    assert of(1) == shown(store, job_id)
    assert "worker lost 3 times" in (store.outcome(job_id, 4) or "")


def test_a_finish_is_repeated_harmlessly(store: Store) -> None:
    """
    Of a second round: the reply was lost, and the good outcome before it stays what it was.
    """
    job_id = done_once(store)
    again(store, job_id)
    lease = claim(store).lease
    for _ in range(2):
        store.finish(lease, ended(2))
    assert (of(2), of(1)) == (shown(store, job_id), left(store, job_id, 1))
    assert (1, 1) == (store.kept_attempts().jobs, store.kept_attempts().attempts)
    again(store, job_id)
    store.finish(lease, ended(9))

    assert (QUEUED, of(2)) == (store.get(job_id).state, shown(store, job_id))


def test_earlier_attempts_are_counted_and_forgotten(store: Store) -> None:
    """
    Not the one that is shown; files outside the store are named, and the attempts stay listed.
    """
    elsewhere = Artifact("trajectory.xyz", 5, "0" * 64, "chemical/x-xyz", host="node07", path="/there/1")
    job_id = done_once(store)
    assert KeptAttempts(0, 0, 0) == store.kept_attempts()
    again(store, job_id, ended(2, FAILED, artifact("engine.log"), elsewhere))
    assert KeptAttempts(0, 0, 0) == store.kept_attempts()
    again(store, job_id)
    kept = store.kept_attempts()
    assert (1, 1) == (kept.jobs, kept.attempts)
    assert len(ODD % 2) <= kept.bytes <= 1_000
    assert [elsewhere] == store.files(job_id)
    assert [Removed.REFUSED] == [one.what for one in store.remove_attempts([job_id], owner=BOB)]

    (removal,) = store.remove_attempts([job_id, "0" * 32], owner=ADA)
    assert (Removed.REMOVED, (elsewhere,), 3, 1) == (
        removal.what,
        removal.files,
        removal.newest,
        removal.shown,
    )
    assert KeptAttempts(0, 0, 0) == store.kept_attempts()
    assert (of(1), (None, []), []) == (shown(store, job_id), left(store, job_id, 2), store.files(job_id))
    assert [1, 2] == [tried.number for tried in store.attempts(job_id)]
    run_to_end(store, job_id, ended(3))
    (removal,) = store.remove_attempts([job_id], owner=None)
    assert (3, None) == (removal.newest, removal.shown)
    assert (of(3), (None, [])) == (shown(store, job_id), left(store, job_id, 1))


def test_a_removed_job_takes_its_attempts_along(store: Store) -> None:
    """
    Every attempt's files outside are named; with files only, the outcomes stay.
    """
    job_id = done_once(store)
    made = [Artifact("trajectory.xyz", 5, "0" * 64, "x", host="node07", path=f"/at/{n}") for n in (2, 3)]
    again(store, job_id, ended(2, FAILED, artifact("engine.log"), made[0]))
    again(store, job_id, ended(3, DONE, made[1]))
    (removal,) = store.remove([job_id], owner=None, files_only=True)
    assert {"/at/2", "/at/3"} == {one.path for one in removal.files}
    assert [(ODD % number, []) for number in (1, 2, 3)] == [left(store, job_id, n) for n in (1, 2, 3)]
    assert KeptAttempts(1, 2, 2 * len(ODD % 1)) == store.kept_attempts()
    again(store, job_id, ended(4, DONE, made[0]))
    (removal,) = store.remove([job_id], owner=None)

    assert ["/at/2"] == [one.path for one in removal.files]
    assert KeptAttempts(0, 0, 0) == store.kept_attempts()
    assert [(None, [])] * 4 == [left(store, job_id, number) for number in (1, 2, 3, 4)]


def test_the_newest_attempts_are_kept(store: Store) -> None:
    """
    However often a job runs again, the store holds a limited number of outcomes, and lists all attempts.
    """
    job_id = done_once(store)
    last = KEPT_ATTEMPTS + 4
    for number in range(2, last + 1):
        again(store, job_id, ended(number, FAILED if number % 2 else DONE))

    kept = [number for number in range(1, last) if left(store, job_id, number)[0]]
    assert list(range(last - KEPT_ATTEMPTS, last)) == kept
    assert all(of(number) == left(store, job_id, number) for number in kept)
    assert (1, KEPT_ATTEMPTS) == (store.kept_attempts().jobs, store.kept_attempts().attempts)
    assert list(range(1, last)) == [tried.number for tried in store.attempts(job_id)]


def test_a_good_outcome_is_shown_whatever_number_of_attempts_fail_after_it(store: Store) -> None:
    """
    The bound on earlier attempts does not count it.
    """
    job_id = done_once(store)
    for number in range(2, KEPT_ATTEMPTS + 4):
        again(store, job_id, ended(number, FAILED))

    assert of(1) == shown(store, job_id)


def test_a_long_outcome_and_all_artifacts_are_shown_whole(store: Store) -> None:
    """
    The bound on what a store in memory keeps of an attempt is for those that are not shown.
    """
    (job_id,) = submit_named(store, "a")
    text = '{{"attempt": 1, "numbers": [{}]}}'.format(", ".join(str(n / 7) for n in range(8_000)))
    made = artifact("trajectory.xyz", os.urandom(55_000).hex())
    assert len(text) > KEPT_BYTES
    run_to_end(store, job_id, outcome(outcome_json=text, artifacts=(made,)))
    again(store, job_id)
    assert (text, [made]) == shown(store, job_id)
    store.cancel([job_id], owner=None)
    again(store, job_id)
    assert (text, [made]) == shown(store, job_id)
    run_to_end(store, job_id, ended(2))

    assert text == store.outcome(job_id, 1)
    assert ["trajectory.xyz"] == [one.name for one in store.artifacts(job_id, 1)]


def test_store_attempts_what_is_claimed_next_is_not_held_up(store: Store) -> None:
    """
    The step that ends a second round hands out the next job.
    """
    job_id = done_once(store)
    again(store, job_id)
    lease = claim(store).lease
    (other,) = submit_named(store, "other")
    following = store.finish(lease, ended(2), claimant())

    assert following is not None
    assert other == following.job.id
    assert b"geometry 2" == zlib.decompress(store.artifact(job_id, "opt.xyz").content or b"")
