"""Measured durations: how many jobs a slot may hold at once, and which run alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stores import ADA
from workers.job import Job, JobState
from workers.runtime.durations import Durations

XTB = Job("a" * 32, 1, JobState.RUNNING, ADA, "sp", 0, engine="xtb@22.1", atoms=10, attempt=1)


def measured(*seconds: float, job: Job = XTB, **options: Any) -> Durations:
    """Measure how long jobs like one took."""
    durations = Durations(**options)
    for took in seconds:
        durations.note(job, took)
    return durations


def jobs_of(durations: Durations, job: Job = XTB) -> int | None:
    """Read how many jobs like one a slot may hold; None: it runs alone."""
    pace = durations.pace(job)
    return None if pace is None else pace.jobs


def test_durations_a_kind_is_unknown_until_four_jobs_of_it_were_measured() -> None:
    """
    Three are too few, and those of another kind or engine do not count.
    """
    durations = measured(0.001, 0.001, 0.001)
    others = XTB._replace(kind="opt"), XTB._replace(engine="tblite@0.4")
    for other in others:
        durations.note(other, 0.001)
    assert jobs_of(durations) is None

    durations.note(XTB, 0.001)
    assert 32 == jobs_of(durations)
    assert [None, None] == [jobs_of(durations, other) for other in others]


@pytest.mark.parametrize(
    ("seconds", "most", "jobs"),
    [(0.025, 32, 4), (0.012, 32, 8), (0.001, 32, 32), (0.0, 32, 32), (0.001, 4, 4), (0.001, 1, 1)],
)
def test_durations_a_slot_holds_what_takes_a_tenth_of_a_second(seconds: float, most: int, jobs: int) -> None:
    """
    As many as fit, 32 or the most that the worker allows.
    """
    assert jobs == jobs_of(measured(*[seconds] * 4, most=most))


def test_durations_the_median_of_the_newest_counts() -> None:
    """
    A few that took longer change nothing; of many only the newest 32 matter.
    """
    assert 10 == jobs_of(measured(*[0.01] * 7, 9.0, 9.0))

    durations = measured(*[0.01] * 40)

    for _ in range(32):
        durations.note(XTB, 0.005)
    assert 20 == jobs_of(durations)


@pytest.mark.parametrize("atoms", [0, 10])
def test_durations_a_kind_that_becomes_slow_runs_alone_until_it_is_quick_again(atoms: int) -> None:
    """
    More than 25 ms is long.
    """
    job = XTB._replace(atoms=atoms)
    durations = measured(*[0.001] * 4, job=job)
    assert 32 == jobs_of(durations, job)
    for _ in range(5):
        durations.note(job, 0.026)
    assert jobs_of(durations, job) is None

    for _ in range(10):
        durations.note(job, 0.001)
    assert 32 == jobs_of(durations, job)


@pytest.mark.parametrize(
    "changes",
    [{"cores": 2}, {"time_limit_s": 60}, {"parents": 1}, {"attempt": 2}, {"engine": "xtb-cli@6.7"}],
    ids=lambda changes: next(iter(changes)),
)
def test_durations_a_job_that_asks_for_care_runs_alone(changes: dict[str, Any]) -> None:
    """
    However short jobs like it are: several cores, a limit, parents, an earlier attempt, a program.
    """
    job = XTB._replace(**changes)
    durations = measured(*[0.001] * 8, job=job)

    assert jobs_of(durations, job) is None
    assert ("engine" not in changes) == (jobs_of(durations) is not None)


def test_durations_a_larger_molecule_runs_alone() -> None:
    """
    Twice the atoms take eight times as long at most: with an eighth of 50 ms at 10 atoms, 20 are short.
    """
    durations = measured(*[0.050 / 8] * 4)

    assert [16, 16, None] == [jobs_of(durations, XTB._replace(atoms=atoms)) for atoms in (3, 19, 21)]


def test_durations_the_largest_jobs_that_were_measured_bound_the_size() -> None:
    """
    Of those that a slot held, none runs alone because smaller ones were more.
    """
    durations = Durations()
    for atoms in (5, 5, 5, 5, 5, 10, 20, 30):
        durations.note(XTB._replace(atoms=atoms), 0.001)

    assert jobs_of(durations, XTB._replace(atoms=30)) == 32
