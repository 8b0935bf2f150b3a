"""Expected run times: what is learnt from done jobs, and what is assumed."""

from __future__ import annotations

import pytest

from tests.support.stores import ADA
from workers.job import Job, JobState
from workers.pools.report import Basis
from workers.pools.run_times import RunTimes


def done(seconds: float, atoms: int = 10, kind: str = "sp", engine: str = "xtb@22.1") -> Job:
    """Make a job that took a time."""
    plain = Job("a" * 32, 1, JobState.DONE, ADA, kind, 0, engine=engine, atoms=atoms)
    return plain._replace(started_ms=1_000, ended_ms=1_000 + round(1_000 * seconds))


TIMES = RunTimes(
    [done(1), done(3), done(8), done(100, atoms=1_020), done(100, atoms=980), done(5, kind="opt")]
)


@pytest.mark.parametrize(
    ("atoms", "seconds", "basis"),
    [
        (10, 3, Basis.MEASURED),
        (1_049, 100, Basis.MEASURED),
        (981, 100, Basis.MEASURED),
        (40, 24, Basis.SCALED),
        (4_000, 800, Basis.SCALED),
        (0, 0.0949, Basis.SCALED),
    ],
)
def test_run_times_are_medians_of_a_size(atoms: int, seconds: float, basis: Basis) -> None:
    """
    Sizes are rounded to two digits; others are scaled by the power 1.5 of the nearest.
    """
    found = TIMES.expect("sp", "xtb@22.1", atoms)

    assert seconds == pytest.approx(found.seconds, rel=0.01)
    assert basis is found.basis


def test_run_times_of_unknown_kinds_are_half_of_the_limit_or_a_minute() -> None:
    """
    Another engine or kind teaches nothing.
    """
    assert TIMES.expect("sp", "tblite@0.4", 10) == (60, Basis.ASSUMED)
    assert TIMES.expect("hess", "xtb@22.1", 10, 7_200) == (3_600, Basis.LIMIT)


def test_run_times_do_not_exceed_the_time_limit() -> None:
    """
    A job that is stopped after two seconds takes no longer.
    """
    assert TIMES.expect("sp", "xtb@22.1", 10, 2) == (2, Basis.MEASURED)


def test_run_times_follow_the_newest_hundred() -> None:
    """
    What was measured before them no longer counts.
    """
    times = RunTimes([*(done(2) for _ in range(100)), *(done(50) for _ in range(300))])

    assert times.expect("sp", "xtb@22.1", 10).seconds == 2
