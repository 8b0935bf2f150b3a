"""Whether a worker may run a job, and what of a job no worker can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Job
    from workers.store.values import Beat


def may_run(beat: Beat, job: Job) -> bool:
    """Whether a worker that has all its room free would be handed a job."""
    return (
        _serves(beat, job) and job.engine in beat.engines and _has_cores(beat, job) and _has_memory(beat, job)
    )


def lack(beats: Sequence[Beat], job: Job) -> str:
    """Say what a job wants that none of these workers has; empty: one may run it.

    Args:
        beats: what the workers said of themselves; at least one.
        job: a job that waits.
    """
    if any(may_run(beat, job) for beat in beats):
        return ""
    if not any(_serves(beat, job) for beat in beats):
        return f"a worker for jobs of {job.owner}"
    if not any(job.engine in beat.engines for beat in beats):
        offered = sorted({key for beat in beats for key in beat.engines if "@" in key})
        return f"engine {job.engine} (offered: {' '.join(offered) or 'none'})"
    if not any(_has_cores(beat, job) for beat in beats):
        return f"{job.cores} cores (the most a worker has: {max(beat.cores for beat in beats)})"
    if not any(_has_memory(beat, job) for beat in beats):
        most = size_words(max(beat.memory_bytes for beat in beats))
        return f"{size_words(job.memory_bytes)} of memory (the most a worker has: {most})"
    room = f"{job.cores} cores, {size_words(job.memory_bytes)}"
    return f"one worker with all of: jobs of {job.owner}, {job.engine}, {room}"


def _serves(beat: Beat, job: Job) -> bool:
    if job.lane:
        return job.lane == beat.worker
    return not beat.lane_only and beat.owner in {None, job.owner}


def _has_cores(beat: Beat, job: Job) -> bool:
    return job.cores <= beat.cores


def _has_memory(beat: Beat, job: Job) -> bool:
    return job.memory_bytes <= beat.memory_bytes
