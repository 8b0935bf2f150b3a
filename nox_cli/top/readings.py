"""Readings of a store for views, in a thread: one job, its log, the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from nox_cli.render import job_page
from nox_cli.results.convergence import convergence
from nox_cli.top.cells import printed
from nox_cli.watch.logs import LogPlace, grown, tail
from nox_cli.watch.status import Full, StatusOptions, read_status
from nox_cli.watch.workforce import Workforce, read_workforce
from workers.errors import ArtifactNotFound, NoxError, StoreError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.top.context import Context
    from workers.job import Job
    from workers.store.values import Point

# The last lines of a log that are shown, and the bytes of it that are kept.
_LOG_LINES, _LOG_BYTES = 2_000, 1 << 20


class JobReading(NamedTuple):
    """One job with its status page and the course of its optimisation."""

    job: Job
    lines: list[Sequence[Cell]]  # of the status page
    points: Sequence[Point] = ()
    threshold: float | None = None  # of the gradient norm, in hartree/bohr
    missing: str = "no steps of an optimisation are kept of this job"  # why there are no points


def read_job(context: Context, job_id: str, *, is_brief: bool = False) -> JobReading:
    """Read one job.

    Args:
        context: the store.
        job_id: the job.
        is_brief: of a job that has ended, do not read the trajectory.

    Raises:
        JobNotFound: it is gone.
        StoreError: the store cannot be read.
    """
    found = cast("Full", read_status(context.store, context.settings.home, [job_id], StatusOptions()))
    reading = JobReading(found.job, printed(job_page.text, found))
    if is_brief and found.job.state is not JobState.RUNNING:
        return reading
    try:
        course = convergence(context.store, found.job)
    except ArtifactNotFound as error:
        return reading._replace(missing=error.message)
    threshold = course.gradient_norm_threshold_hartree_per_bohr
    return reading._replace(points=course.points, threshold=threshold)


def read_workers(context: Context) -> Workforce:
    """Read the workers, the jobs that run on them, and the pools that may start more.

    Raises:
        StoreError: the store cannot be read.
    """
    return read_workforce(context.store, context.settings.home, context.owner, is_room_wanted=True)


class LogReading:
    """Reads the log of a job as it grows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._log, self._read, self._attempt, self._is_over = b"", 0, 0, False

    def read(self, job: Job) -> str:
        """Read what is new, and return the last lines; in place of a log, why there is none.

        Raises:
            StoreError: the store cannot be read.
        """
        if job.attempt != self._attempt:
            self._log, self._read, self._attempt, self._is_over = b"", 0, job.attempt, False
        if not self._is_over:
            place = LogPlace.here(self._context.settings.artifacts)
            is_over = job.state.is_final
            try:
                part = grown(self._context.store, job, place, self._read, is_over=is_over)
            except StoreError:
                raise
            except NoxError as error:
                return "\n".join(filter(None, (error.message, error.hint)))
            self._read += len(part)
            self._log = (self._log + part)[-_LOG_BYTES:]
            self._is_over = is_over
        text = tail(self._log, _LOG_LINES).decode(errors="replace")
        return text or "the engine has printed nothing so far"
