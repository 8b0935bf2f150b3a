"""The line of `nox run` on a terminal."""

from __future__ import annotations

import pytest

from nox_cli.render.run import _so_far
from nox_cli.watch.batch_progress import BatchProgress, TimeLeft
from workers.job import JobState


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (79, "1,203/5,000  3 failed  21.3/s  about 3 min left (up to 4 min)"),
        (60, "1,203/5,000  3 failed  21.3/s  about 3 min left"),
        (39, "1,203/5,000  3 failed  about 3 min left"),
        (20, "1,203/5,000"),
    ],
)
def test_a_run_fits_the_terminal(room: int, line: str) -> None:
    """A narrow terminal has the count, the failures and the likely time; the rest where it fits."""
    counts = {JobState.DONE: 1_200, JobState.FAILED: 3, JobState.QUEUED: 3_797}
    progress = BatchProgress(counts, rate_per_s=21.3, left=TimeLeft(180.0, 240.0))

    assert line == _so_far(progress, room)
