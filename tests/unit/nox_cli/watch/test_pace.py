"""How long a batch has run and how long it takes yet: the same for every viewer, and about right."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import pytest

from nox_cli.watch.pace import Pace
from tests.support.stores import ADA
from workers.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# When the batch was submitted, and its first job started.
SUBMITTED_MS, BEGAN_MS = 1_000_000, 1_060_000
STEP_MS = 500


def job(number: int, atoms: int = 3) -> Job:
    """Make a job that waits."""
    return Job(f"{number:032x}", number, JobState.QUEUED, ADA, "opt", SUBMITTED_MS, atoms=atoms)


def batch(jobs: Sequence[Job], slots: int, took_ms: Sequence[int]) -> list[Job]:
    """Run jobs in so many slots, one after the other; their records at the end."""
    free = [BEGAN_MS] * slots
    ended = []
    for one, ms in zip(jobs, took_ms, strict=True):
        start = heapq.heappop(free)
        heapq.heappush(free, start + ms)
        ended.append(one._replace(state=JobState.DONE, started_ms=start, ended_ms=start + ms))
    return ended


def at(one: Job, now_ms: int) -> Job:
    """Show the record of a job as it was at a moment."""
    assert one.started_ms is not None
    assert one.ended_ms is not None
    if one.started_ms > now_ms:
        return one._replace(state=JobState.QUEUED, started_ms=None, ended_ms=None)
    if one.ended_ms > now_ms:
        return one._replace(state=JobState.RUNNING, ended_ms=None)
    return one


def watched(ended: Sequence[Job]) -> Iterator[tuple[int, Pace, Pace]]:
    """Watch a batch from its submit; at every step give the time, this view and one that begins then."""
    early = Pace()
    for one in ended:
        early.see(at(one, SUBMITTED_MS))
    moves = sorted(
        [(one.started_ms or 0, one.id, JobState.RUNNING) for one in ended]
        + [(one.ended_ms or 0, one.id, JobState.DONE) for one in ended]
    )
    last_ms = max(one.ended_ms or 0 for one in ended)
    for now_ms in range(BEGAN_MS, last_ms, STEP_MS):
        while moves and moves[0][0] <= now_ms:
            at_ms, job_id, state = moves.pop(0)
            early.move(job_id, state, at_ms)
        late = Pace()
        for one in ended:
            late.see(at(one, now_ms))
        yield now_ms, early, late


@pytest.mark.parametrize(
    ("slots", "took_ms"),
    [
        (4, [3_000] * 100),
        (2, [20_000] * 24),
        (16, [700] * 400),
        (8, [2_000 + 37 * (one % 50) for one in range(200)]),
        (1, [1_000] * 120),
    ],
)
def test_viewers_agree_and_are_about_right(slots: int, took_ms: list[int]) -> None:
    """
    Whoever comes late estimates what one who watched from the submit does, within a third or one job's time.
    """
    ended = batch([job(number) for number in range(len(took_ms))], slots, took_ms)
    last_ms = max(one.ended_ms or 0 for one in ended)
    estimates = 0
    for now_ms, early, late in watched(ended):
        assert early.elapsed_s(now_ms) == late.elapsed_s(now_ms) == (now_ms - BEGAN_MS) / 1_000
        assert early.rate(now_ms) == late.rate(now_ms)
        left = early.left(now_ms)
        assert left == late.left(now_ms)
        if left is not None:
            estimates += 1
            truth_s = (last_ms - now_ms) / 1_000
            limit_s = max(0.3 * truth_s, 1.1 * max(took_ms) / 1_000)
            assert abs(left.likely_s - truth_s) <= limit_s, (now_ms, truth_s)
    assert estimates > 5


def test_jobs_of_another_shape_are_estimated_by_their_own() -> None:
    """
    Large molecules that are left do not take as long as small ones did; before some have ended: no estimate.
    """
    small, large = (
        [job(number) for number in range(40)],
        [job(100 + number, atoms=99) for number in range(20)],
    )
    ended = batch([*small, *large], 2, [1_000] * 40 + [10_000] * 20)
    last_ms = max(one.ended_ms or 0 for one in ended)
    first_large_ms = sorted(one.ended_ms or 0 for one in ended if one.atoms == 99)[5]
    for now_ms, _, late in watched(ended):
        left = late.left(now_ms)
        if now_ms < first_large_ms - STEP_MS:
            continue
        if left is not None:
            assert abs(left.likely_s - (last_ms - now_ms) / 1_000) <= 11
    early = [late.left(now_ms) for now_ms, _, late in watched(ended) if now_ms < BEGAN_MS + 30_000]
    assert {None} == set(early)


def test_an_estimate_needs_five_seconds_and_five_ended_jobs() -> None:
    """
    Before that none is given.
    """
    quick = watched(batch([job(number) for number in range(400)], 4, [100] * 400))
    slow = watched(batch([job(number) for number in range(20)], 1, [4_000] * 20))

    shown = next(now_ms for now_ms, early, _ in quick if early.left(now_ms) is not None)
    assert BEGAN_MS + 5_000 == shown
    shown = next(now_ms for now_ms, early, _ in slow if early.left(now_ms) is not None)
    assert BEGAN_MS + 20_000 == shown


def test_a_job_that_runs_again_counts_anew() -> None:
    """
    Its earlier end is no longer among those that have ended.
    """
    ended = batch([job(number) for number in range(20)], 1, [4_000] * 20)
    seen = Pace()
    for one in ended:
        seen.see(at(one, BEGAN_MS + 22_000))
    before = seen.rate(BEGAN_MS + 22_000)
    seen.move(ended[0].id, JobState.QUEUED, BEGAN_MS + 22_000)

    assert before is not None
    assert seen.rate(BEGAN_MS + 22_000) is None
    assert 18.0 == seen.elapsed_s(BEGAN_MS + 22_000)


def test_pace_nothing_is_said_of_jobs_that_have_not_started() -> None:
    """
    Neither how long they have run nor how long they will.
    """
    seen = Pace()
    seen.see(job(1))

    assert (None, None, None) == (seen.elapsed_s(BEGAN_MS), seen.rate(BEGAN_MS), seen.left(BEGAN_MS))


def test_the_time_ends_with_the_last_job() -> None:
    """
    Of jobs that have all ended it is how long they took, whenever somebody looks.
    """
    seen = Pace()
    for one in batch([job(number) for number in range(6)], 2, [1_000] * 6):
        seen.see(one)

    assert 3.0 == seen.elapsed_s(BEGAN_MS + 86_400_000)
    assert seen.left(BEGAN_MS + 86_400_000) is None
