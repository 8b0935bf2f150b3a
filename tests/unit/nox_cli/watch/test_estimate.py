"""The estimate of the time left: as often wrong as it says, and none where too little is known."""

from __future__ import annotations

import heapq
import math
from random import Random
from typing import TYPE_CHECKING

import pytest

from nox_cli.watch.estimate import GradientPace, Rest, Unended, estimate, size_of
from nox_cli.watch.pace import Pace
from tests.support.stores import ADA
from workers.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.watch.batch_progress import TimeLeft
    from nox_cli.watch.estimate import JobTime, Work

BEGAN_MS = 1_000_000
HISTORIES = 200
OPT: Work = ("opt", "xtb")


def history(random: Random) -> list[Job]:
    """Run a batch of some size, spread and mix of molecules in some slots; its records at the end."""
    mix, spread = random.choice(("equal", "mixed", "outliers")), random.choice((0.05, 0.2, 0.5, 0.8))
    typical_ms, exponent = math.exp(random.uniform(6, 11)), random.uniform(0.5, 3)
    free = [BEGAN_MS + random.randrange(2_000) for _ in range(random.choice((1, 2, 4, 8, 32)))]
    heapq.heapify(free)
    jobs = []
    for number in range(random.choice((20, 50, 200, 600))):
        atoms = random.randrange(15, 80) if mix == "mixed" else 40
        took_ms = typical_ms * (atoms / 40) ** exponent * math.exp(random.gauss(0, spread))
        took_ms *= 8 if mix == "outliers" and random.random() < 0.04 else 1
        start = free[0]
        end = start + max(1, int(took_ms))
        heapq.heapreplace(free, end + int(random.expovariate(1 / 30)))
        jobs.append(
            Job(f"{number:032x}", number, JobState.DONE, ADA, "opt", BEGAN_MS, atoms=atoms)._replace(
                started_ms=start, ended_ms=end
            )
        )
    return jobs


def at(job: Job, now_ms: int) -> Job:
    """Show the record of a job as it was at a moment."""
    if (job.started_ms or 0) > now_ms:
        return job._replace(state=JobState.QUEUED, started_ms=None, ended_ms=None)
    if (job.ended_ms or 0) > now_ms:
        return job._replace(state=JobState.RUNNING, ended_ms=None)
    return job


def test_estimate_is_passed_as_often_as_it_says() -> None:
    """
    Of many simulated batches, each looked at once, a tenth takes longer than the 90th percentile, and about
    half takes longer than the median.
    """
    random, passed = Random(1), []
    for _ in range(HISTORIES):
        jobs = history(random)
        last_ms = max(job.ended_ms or 0 for job in jobs)
        now_ms = int(BEGAN_MS + (last_ms - BEGAN_MS) * random.choice((0.1, 0.3, 0.5, 0.7, 0.9)))
        pace = Pace()
        for job in jobs:
            pace.see(at(job, now_ms))
        left, true_s = pace.left(now_ms), (last_ms - now_ms) / 1_000
        if left is not None:
            passed.append((true_s > left.likely_s, true_s > left.late_s))
    likely, late = (sum(column) / len(passed) for column in zip(*passed, strict=True))

    assert len(passed) > HISTORIES / 2
    assert 0.05 <= late <= 0.15
    assert 0.35 <= likely <= 0.6


def points(*took_s: float, atoms: int = 20) -> list[JobTime]:
    """Make the times of ended jobs."""
    return [(size_of(atoms), math.log(1_000 * seconds)) for seconds in took_s]


def left(times: Mapping[Work, Sequence[JobTime]], **rest: float) -> TimeLeft | None:
    """Estimate a rest with one job that has just begun; `waiting` more of `atoms` atoms, `at_once`."""
    size, at_once = size_of(int(rest.get("atoms", 20))), rest.get("at_once", 1.0)
    waiting = {(OPT, size): rest["waiting"]} if rest.get("waiting") else {}
    return estimate(times, Rest([Unended(OPT, size, 0.0)], waiting, at_once))


def test_estimate_needs_five_ended_jobs_of_each_kind_of_work() -> None:
    """
    With fewer, or with those of another kind or engine, there is none.
    """
    assert left({OPT: points(10, 10, 10, 10)}) is None
    assert left({("hess", "xtb"): points(*[10] * 9)}) is None
    assert left({("opt", "tblite"): points(*[10] * 9)}) is None
    assert left({OPT: points(*[10] * 5)}) is not None


@pytest.mark.parametrize(("atoms", "is_known"), [(15, False), (16, True), (25, True), (26, False)])
def test_estimate_is_only_of_sizes_like_those_that_have_ended(atoms: int, is_known: bool) -> None:
    """
    A molecule more than a quarter larger than all that have ended, or smaller, has none.
    """
    assert (left({OPT: points(*[10] * 20)}, atoms=atoms) is not None) == is_known


def test_estimate_follows_the_size_of_molecules() -> None:
    """
    Twice the atoms take eight times as long where that is so of those that have ended.
    """
    times = {OPT: [(size_of(n), math.log(1_000 * (n / 10) ** 3)) for n in range(10, 21)]}
    small, large = left(times, waiting=100, atoms=10), left(times, waiting=100, atoms=20)

    assert small is not None
    assert large is not None
    assert 7 < large.likely_s / small.likely_s < 9


def test_estimate_of_equal_jobs_allows_for_a_pace_that_changes() -> None:
    """
    However equal the times of many jobs were, the late end is a few percent later than the likely one.
    """
    found = left({OPT: points(*[10.0] * 1_000)}, waiting=1_000)

    assert found is not None
    assert 1.02 < found.late_s / found.likely_s < 1.08


def test_estimate_divides_the_rest_among_the_slots() -> None:
    """
    Ten times the slots take a tenth of the time, also if there are more than are simulated.
    """
    times = {OPT: points(*[10.0, 11.0, 9.0] * 20)}
    few, many = left(times, waiting=10_000, at_once=10), left(times, waiting=100_000, at_once=1_000)

    assert few is not None
    assert many is not None
    assert 9_000 < few.likely_s < 11_000
    assert 900 < many.likely_s < 1_150


def test_estimate_of_a_job_that_runs_longer_than_all_others_grows_with_it() -> None:
    """
    The longer a straggler has taken, the longer it is expected to take yet.
    """
    times = {OPT: points(*[10.0, 11.0, 9.0] * 20)}
    found = [
        estimate(times, Rest([Unended(OPT, size_of(20), age_ms)], {}, 1.0)) for age_ms in (20_000, 200_000)
    ]
    early, late = (one.likely_s for one in found if one is not None)

    assert 2 < early < 20
    assert 5 * early < late


def test_gradients_are_estimated_by_those_that_were_seen() -> None:
    """
    A steady pace is known well, one that changes gives a wide range; few counts give none.
    """
    steady, uneven = GradientPace(), GradientPace()
    for count in range(21):
        steady.see(float(count), 2 * count)
        uneven.see(count + 4.0 * (count > 10) * (count - 10), 2 * count)
    found, wide = steady.left(20.0, 140), uneven.left(60.0, 140)
    unknown = GradientPace()
    unknown.see(0.0, 1)
    unknown.see(9.0, 20)

    assert found is not None
    assert wide is not None
    assert (50.0, 50.0) == (round(found.likely_s, 6), round(found.late_s, 6))
    assert 150.0 == round(wide.likely_s, 6)
    assert wide.late_s > 1.5 * wide.likely_s
    assert unknown.left(10.0, 140) is None


def test_gradients_of_another_attempt_are_counted_anew() -> None:
    """
    A count that is smaller than the last belongs to another attempt.
    """
    pace = GradientPace()
    for count in range(10):
        pace.see(float(count), count)
    pace.see(10.0, 1)

    assert pace.left(11.0, 100) is None
