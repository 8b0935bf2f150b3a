"""Counts in words, and the words of states."""

from __future__ import annotations

import pytest

from nox_cli.counts import STATES, state_words
from nox_cli.values import states
from workers.job import JobState

HELD, QUEUED, RUNNING = JobState.HELD, JobState.QUEUED, JobState.RUNNING
DONE, FAILED = JobState.DONE, JobState.FAILED


@pytest.mark.parametrize(
    ("counts", "total", "words"),
    [
        ({}, None, "none"),
        ({HELD: 1, QUEUED: 1_999, RUNNING: 3, DONE: 4}, None, "4 done · 3 running · 2,000 waiting"),
        ({FAILED: 1}, 2_000, "0/2,000 done · 1 failed"),
        ({DONE: 2_000}, 2_000, "2,000/2,000 done"),
    ],
)
def test_counts_by_state(counts: dict[JobState, int], total: int | None, words: str) -> None:
    """
    What has ended comes first; all that have yet to start are `waiting`; states without jobs are left out.
    """
    assert words == state_words(counts, total)


def test_words_of_counts_select_the_jobs_that_were_counted() -> None:
    """
    Each word that people read in counts can be typed after --state.
    """
    for state in JobState:
        word = state_words({state: 1}).removeprefix("1 ")
        assert state in states([word])
        assert states([word]) == STATES[word]
