"""`nox submit --begin`, `--delay` and `--hold`: when jobs may start."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import wait_until
from workers.job import JobState
from workers.store.base import RENEW_EVERY_S

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

ECHO = ("submit", "--kind", "echo")


def test_a_delayed_job_starts_when_it_is_due(any_nox: Nox, any_store: Store) -> None:
    """
    Not before its time, and long before a worker would look anyway; until then status tells the time.
    """
    any_nox.worker("--slots", "1").wait_log("1 slot")
    begun = time.time_ns() // 1_000_000
    job_id = any_nox(*ECHO, "--delay", "10", check=True).stdout.strip()
    submitted = time.time_ns() // 1_000_000
    job = any_store.get(job_id)

    assert JobState.SCHEDULED is job.state
    assert begun + 10_000 <= (job.due_ms or 0) <= submitted + 10_000
    assert "starts at " in json.loads(any_nox("status", job_id, "--json").stdout)["message"]
    wait_until(lambda: any_store.get(job_id).state is JobState.DONE, 60.0, "the job's end")
    late_ms = (any_store.get(job_id).started_ms or 0) - (job.due_ms or 0)
    assert 0 <= late_ms < 1_000 * RENEW_EVERY_S / 3


def test_a_time_of_day_and_years_ahead(any_nox: Nox, any_store: Store) -> None:
    """
    --begin takes a time of day and a date; the record tells it in UTC.
    """
    any_nox(*ECHO, "--begin", "tomorrow 06:00", check=True)
    any_nox(*ECHO, "--begin", "2099-01-02T03:04:05Z", "--hold", check=True)
    first, second = any_store.get_many(any_store.with_numbers(1, 2))

    assert (JobState.SCHEDULED, JobState.HELD) == (first.state, second.state)
    assert "2099-01-02T03:04:05.000Z" == json.loads(any_nox("status", "2", "--raw").stdout)["due_at"]
    any_nox("release", "2", check=True)
    assert JobState.SCHEDULED is any_store.get(second.id).state


@pytest.mark.parametrize(
    "words",
    [
        ["--begin", "06:00", "--delay", "1h"],
        ["--begin", "1999-01-01"],
        ["--begin", "soon"],
        ["--delay", "soon"],
        ["--delay", "-1"],
    ],
)
def test_submit_start_what_makes_no_sense(nox: Nox, store: Store, words: list[str]) -> None:
    """
    Two times, one that is past, and what is no time: a usage error, and nothing is stored.
    """
    assert 2 == nox(*ECHO, *words).returncode
    assert {} == dict(store.counts())
