"""The lines above every view: the progress of all jobs shown, and the jobs by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.render import jobs
from nox_cli.render.gauges import DOT, bar, flow, sparkline
from workers.job import JobState

if TYPE_CHECKING:
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.watch.batch_progress import BatchProgress

# How wide the bar is, at least and at most, and the sparkline.
_BAR = (8, 28)
_SPARKLINE = 12
_ANY = 10_000


def progress_line(progress: BatchProgress, what: str, width: int) -> list[Cell]:
    """Draw ended jobs out of all as a bar, the rate, the time left, and the latest ends.

    Args:
        progress: of the jobs.
        what: the name of the jobs: a batch, or `jobs`.
        width: the columns of the screen; words that do not fit are left out.
    """
    head, total = f" {what}  {progress.ended:,}/{progress.total:,}  ", max(1, progress.total)
    words = (
        "" if progress.rate_per_s is None else jobs.rate(progress.rate_per_s),
        "" if progress.left is None else jobs.left(progress.left, is_short=True),
        sparkline(progress.ends_per_slice, _SPARKLINE, base=0) if any(progress.ends_per_slice) else "",
    )
    tail = ""
    for word in filter(None, words):
        if len(head) + _BAR[0] + len(tail) + len(word) + 2 <= width:
            tail += f"  {word}"
    room = max(_BAR[0], min(_BAR[1], width - len(head) - len(tail)))
    shares = progress.ended / total, progress.counts.get(JobState.RUNNING, 0) / total
    return [head, *bar(*shares, room), tail]


def counts_line(progress: BatchProgress, where: str) -> list[Cell]:
    """Count jobs by state; waiting ones of all kinds together."""
    line = (flow(jobs.by_state(progress.counts), _ANY, DOT) or [["no jobs"]])[0]
    return [" ", *line, f"  {where}"]


def slots_words(busy: int, slots: int, workers: int) -> str:
    """Write how many slots work: `3 workers, 17 of 64 slots busy`."""
    return f"{counted(workers, 'worker')}, {busy:,} of {counted(slots, 'slot')} busy"
