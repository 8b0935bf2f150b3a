"""The estimate of when a ready job starts, from jobs like it that ended last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nox_cli.watch.explanation import _wait_s
from tests.support.stores import ADA, WORKER, beat
from workers.fit import Offer
from workers.job import Job, JobState


def done(started_ms: int, ended_ms: int, **changes: Any) -> Job:
    """Make a job that is done."""
    job = Job("a" * 32, 1, JobState.DONE, ADA, "sp", 0, engine="xtb@22.1", worker=WORKER)
    return job._replace(started_ms=1 + started_ms, ended_ms=1 + ended_ms, **changes)


@pytest.mark.parametrize(
    ("newest", "wait_s"),
    [
        # Forty that two slots held at once, each for 80 ms, and of which one ended every 2 ms.
        ([done(2 * n, 2 * n + 80) for n in range(40)], 0.2),
        # One after the other.
        ([done(100 * n, 100 * n + 100) for n in range(40)], 5.0),
        # Of a worker that has ended; and long ones, of which more ran at once than could now.
        ([done(2 * n, 2 * n + 80, worker="gone-1-a") for n in range(40)], 4.0),
        ([done(0, 5_000 + n) for n in range(40)], 251.0),
    ],
)
def test_explanation_of_how_long_a_ready_job_waits(newest: list[Job], wait_s: float) -> None:
    """
    Jobs that waited behind others of their slot count by the pace at which they ended.
    """
    store: Any = SimpleNamespace(page=lambda _: SimpleNamespace(items=newest))
    offers = [Offer(beat(slots=2), "node07", tuple(newest[:2]))]

    assert _wait_s(store, newest[0]._replace(id="b" * 32), offers, 99) == pytest.approx(wait_s, rel=0.01)
