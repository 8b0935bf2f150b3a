"""Whether a worker may run a job, and what of a job no worker can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workers.sizes import size_words, time_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.store.values import Beat


class Wanting(Protocol):
    """What a job asks of a worker, stored or not yet."""

    @property
    def owner(self) -> str: ...  # noqa: D102
    @property
    def lane(self) -> str: ...  # noqa: D102
    @property
    def engine(self) -> str: ...  # noqa: D102
    @property
    def cores(self) -> int: ...  # noqa: D102
    @property
    def memory_bytes(self) -> int: ...  # noqa: D102
    @property
    def time_limit_s(self) -> int: ...  # noqa: D102


def may_run(beat: Beat, job: Wanting) -> bool:
    """Whether a worker that has all its room free would be handed a job."""
    has_room = _has_cores(beat, job) and _has_memory(beat, job) and _has_time(beat, job)
    return _serves(beat, job) and job.engine in beat.engines and has_room


def lack(beats: Sequence[Beat], job: Wanting) -> str:
    """Say what a job wants that none of these workers has; empty: one may run it.

    Args:
        beats: what the workers said of themselves; at least one.
        job: what it asks for.
    """
    if any(may_run(beat, job) for beat in beats):
        return ""
    if not any(_serves(beat, job) for beat in beats):
        return f"a worker for jobs of {job.owner}"
    if not any(job.engine in beat.engines for beat in beats):
        offered = sorted({key for beat in beats for key in beat.engines if "@" in key})
        return f"engine {job.engine} (offered: {' '.join(offered) or 'none'})"
    return _lack_of_room(beats, job) or (
        f"one worker with all of: jobs of {job.owner}, {job.engine}, {job.cores} cores, "
        f"{size_words(job.memory_bytes)}"
    )


def _lack_of_room(beats: Sequence[Beat], job: Wanting) -> str:
    if not any(_has_cores(beat, job) for beat in beats):
        return f"{job.cores} cores (the most a worker has: {max(beat.cores for beat in beats)})"
    if not any(_has_memory(beat, job) for beat in beats):
        most = size_words(max(beat.memory_bytes for beat in beats))
        return f"{size_words(job.memory_bytes)} of memory (the most a worker has: {most})"
    if not any(_has_time(beat, job) for beat in beats):
        most = time_words(max(beat.time_s or 0 for beat in beats))
        return f"{time_words(job.time_limit_s)} left (the most a worker has: {most})"
    return ""


def _serves(beat: Beat, job: Wanting) -> bool:
    if job.lane:
        return job.lane == beat.worker
    return not beat.lane_only and beat.owner in {None, job.owner}


def _has_cores(beat: Beat, job: Wanting) -> bool:
    return job.cores <= beat.cores


def _has_memory(beat: Beat, job: Wanting) -> bool:
    return job.memory_bytes <= beat.memory_bytes


def _has_time(beat: Beat, job: Wanting) -> bool:
    return beat.time_s is None or job.time_limit_s <= beat.time_s
