"""Output of the commands that change jobs: how many were changed, and why others were not."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from nox_cli.counts import counted, state_words
from workers.job import FINAL, WAITING, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.changes.selection import Cancelled, Changed, Retried
    from nox_cli.render.terminal.out import Out
    from nox_cli.submission.handover import Restarted

_RUNNING = frozenset({JobState.RUNNING})


def _text(done: Changed, out: Out, *, verb: str) -> None:
    """Write one line that counts jobs.

    Args:
        done: the changes.
        out: the streams.
        verb: what was done to the jobs that were changed, such as `held`.
    """
    count = sum(one.changed for one in done.changes)
    words = [f"{verb} {counted(count, 'job')}" if count else f"{verb} nothing"]
    if left := _left(done):
        words.append(f"left {state_words(left)} alone")
    if refused := sum(one.refused for one in done.changes):
        words.append(f"{refused:,} of other users left alone")
    out.line(f"{', '.join(words)} ({done.kind}: {done.where})")


def _left(done: Changed) -> Counter[JobState]:
    """Count the jobs by state that were not changed, though they are the user's."""
    return Counter(one.before for one in done.changes if not (one.changed or one.refused))


hold, release, change = (partial(_text, verb=verb) for verb in ("held", "released", "changed"))


def cancel(done: Cancelled, out: Out) -> None:
    """Write one line that counts jobs."""
    words = []
    if waiting := done.count(WAITING, JobState.CANCELLED):
        words.append(f"cancelled {counted(waiting, 'waiting job')}")
    if running := done.count(_RUNNING, JobState.RUNNING):
        words.append(f"told {counted(running, 'running job')} to stop")
    if stopped := done.count(_RUNNING, JobState.CANCELLED):
        words.append(f"cancelled {counted(stopped, 'job')} whose worker is gone")
    if ended := sum(one.before in FINAL for one in done.cancellations):
        words.append(f"{ended:,} had ended already")
    if refused := sum(one.refused for one in done.cancellations):
        words.append(f"{refused:,} of other users left alone")
    out.line(f"{', '.join(words) or 'nothing was cancelled'} ({done.kind}: {done.where})")


def retry(done: Retried | Restarted, out: Out) -> None:
    """Write one line that counts jobs."""
    from nox_cli.submission.handover import Restarted

    if not isinstance(done, Restarted):
        out.line(f"{'; '.join(_retried(done))} ({done.kind}: {done.where})")
        return
    jobs = done.stored.jobs
    existing = sum(job.existing for job in jobs)
    of_them = f" ({existing:,} of them there already)" if existing else ""
    on = "the last geometry" if len(jobs) == 1 else "the last geometries"
    numbers = ",".join(str(job.number) for job in jobs)
    out.line(f"{counted(len(jobs), 'job')} on from {on}{of_them}: {numbers} ({done.kind}: {done.where})")


def _retried(done: Retried) -> Iterator[str]:
    """Count the jobs that run again, and by state those that do not."""
    count = sum(one.changed for one in done.changes)
    yield f"{counted(count, 'job')} queued again" if count else "nothing was queued again"
    if left := _left(done):
        offer = " (--done includes done ones)" if left[JobState.DONE] else ""
        yield f"{state_words(left)} left alone{offer}"
    if refused := sum(one.refused for one in done.changes):
        yield f"{refused:,} of other users left alone"
