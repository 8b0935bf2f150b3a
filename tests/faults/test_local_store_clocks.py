"""The clock of one of two workers on a local store is wrong by an hour."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import Clock
from tests.support.lingering import submit_lingering, wait_running
from tests.support.waiting import wait_until
from workers.job import JobState
from workers.store.base import LEASE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

HOUR_S = 3_600
LIMIT_S = 60.0
# The stand-in engine takes at most so many steps a second.
STEPS_A_SECOND = 20
NEGATIVE = re.compile(r"(?<!\S)-\d")


@pytest.mark.parametrize("by_s", [HOUR_S, pytest.param(-HOUR_S, marks=pytest.mark.long)])
def test_local_store_clocks_no_lease_is_lost_to_a_wrong_clock(nox: Nox, tmp_path: Path, by_s: int) -> None:
    """
    Two jobs outlast a lease under workers whose clocks differ by an hour: each ends in its first attempt, no
    time runs backwards, and no age that is shown is negative.
    """
    clock = Clock(tmp_path)
    clock.shift(by_s)
    wrong = clock.environment()
    ids = submit_lingering(nox, tmp_path / "end", 2)
    workers = [nox.worker("--slots", "1", standin=True, env=env) for env in (wrong, {})]
    wait_running(nox, ids, workers)
    steps = 1.5 * LEASE_S * STEPS_A_SECOND

    with nox.store() as store:
        wait_until(
            lambda: min(job.progress.step or 0 for job in store.get_many(ids)) > steps,
            LIMIT_S,
            lambda: "\n".join(worker.log for worker in workers),
        )
        shown = [nox(*command, env=env).stdout for env in (wrong, {}) for command in (("list",), ("status",))]
        (tmp_path / "end").touch()
        wait_until(lambda: all(job.state.is_final for job in store.get_many(ids)), LIMIT_S, "the ends")
        jobs = store.get_many(ids)

    assert 2 == len({worker.log[: len("2026-01-01T00")] for worker in workers})
    assert [(JobState.DONE, 1, 0)] * 2 == [(job.state, job.attempt, job.losses) for job in jobs]
    assert 2 == len({job.worker for job in jobs})
    assert all(job.created_ms <= (job.started_ms or 0) <= (job.ended_ms or 0) for job in jobs)
    assert [] == [line for text in shown for line in text.splitlines() if NEGATIVE.search(line)]
    records = [json.loads(nox("status", job_id, "--raw", env=wrong).stdout) for job_id in ids]
    assert ["done", "done"] == [record["state"] for record in records]
