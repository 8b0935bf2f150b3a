"""The fit of jobs and workers: what a worker lacks for a job, permanently or at the moment."""

from __future__ import annotations

from enum import StrEnum
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

from workers.sizes import size_words, time_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workers.job import Job, NewJob
    from workers.store.values import Beat


class Resource(StrEnum):
    """The needs of a job that a worker may lack."""

    OWNER = "owner"  # that it serves the job's owner
    LANE = "lane"  # that it is the worker the job is reserved for
    ENGINE = "engine"
    CORES = "cores"
    MEMORY = "memory"
    TIME = "time"  # that it stays long enough
    SLOT = "slot"


class Lack(NamedTuple):
    """A need of a job that no worker meets, even with all of its capacity free."""

    resource: Resource | None  # None: each need is met by some worker, and all of them by none
    wanted: str  # in words
    most: int = 0  # the most of the resource that a worker has: cores, bytes, seconds

    @property
    def sentence(self) -> str:
        """The lack in a sentence."""
        if self.resource is Resource.OWNER:
            return f"there is no {self.wanted.removeprefix('a ')}"
        return f"no worker has {self.wanted}"


class Offer(NamedTuple):
    """The free capacity of one worker: the worker, and the jobs that run on it.

    They may be more than its slots, which hold several short ones; those of a slot run one after the other.
    """

    beat: Beat
    host: str
    running: tuple[Job, ...]

    @property
    def slots(self) -> int:
        """The number of free slots."""
        return max(0, self.beat.slots - len(self.running))

    @property
    def cores(self) -> int:
        """The number of free cores."""
        return max(0, self.beat.cores - self._in_use(job.cores for job in self.running))

    @property
    def memory_bytes(self) -> int:
        """The free memory, in bytes."""
        return max(0, self.beat.memory_bytes - self._in_use(job.memory_bytes for job in self.running))

    def _in_use(self, amounts: Iterable[int]) -> int:
        """Add up the largest amounts, one a slot."""
        return sum(nlargest(self.beat.slots, amounts))

    def short_of(self, job: Job | NewJob) -> tuple[Resource, ...]:
        """Return the resources of which the running jobs leave too little for a job."""
        enough = {
            Resource.SLOT: self.slots > 0,
            Resource.CORES: job.cores <= self.cores,
            Resource.MEMORY: job.memory_bytes <= self.memory_bytes,
        }
        return tuple(resource for resource, is_enough in enough.items() if not is_enough)

    def capacity(self, job: Job | NewJob) -> int:
        """Count the jobs like this one that the worker runs at once."""
        by_memory = self.beat.memory_bytes // job.memory_bytes if job.memory_bytes else self.beat.slots
        return min(self.beat.slots, self.beat.cores // job.cores, by_memory)


def may_run(beat: Beat, job: Job | NewJob) -> bool:
    """Whether a worker with all of its capacity free would get a job."""
    return _serves(beat, job) and job.engine in beat.engines and all(_capacity(beat, job).values())


def lack(beats: Sequence[Beat], job: Job | NewJob) -> Lack | None:
    """Find what a job needs that none of these workers has; None: one may run it.

    Args:
        beats: the beats of the workers; at least one.
        job: the needs of the job.
    """
    if any(may_run(beat, job) for beat in beats):
        return None
    if job.lane and not any(job.lane == beat.worker for beat in beats):
        return Lack(Resource.LANE, f"its lane: it is reserved for {job.lane}")
    if not any(_serves(beat, job) for beat in beats):
        return Lack(Resource.OWNER, f"a worker for jobs of {job.owner}")
    if not any(job.engine in beat.engines for beat in beats):
        offered = sorted({key for beat in beats for key in beat.engines if "@" in key})
        return Lack(Resource.ENGINE, f"engine {job.engine} (offered: {' '.join(offered) or 'none'})")
    time = f", {time_words(job.time_limit_s)} left" if job.time_limit_s else ""
    return _lack_of_room(beats, job) or Lack(
        None,
        f"all of: jobs of {job.owner}, {job.engine}, {job.cores} cores, {size_words(job.memory_bytes)}{time}",
    )


def _lack_of_room(beats: Sequence[Beat], job: Job | NewJob) -> Lack | None:
    if not any(_capacity(beat, job)[Resource.CORES] for beat in beats):
        most = max(beat.cores for beat in beats)
        return Lack(Resource.CORES, f"{job.cores} cores (the most a worker has: {most})", most)
    if not any(_capacity(beat, job)[Resource.MEMORY] for beat in beats):
        most = max(beat.memory_bytes for beat in beats)
        wanted = f"{size_words(job.memory_bytes)} of memory (the most a worker has: {size_words(most)})"
        return Lack(Resource.MEMORY, wanted, most)
    if not any(_capacity(beat, job)[Resource.TIME] for beat in beats):
        most = max(beat.time_s or 0 for beat in beats)
        wanted = f"{time_words(job.time_limit_s)} left (the most a worker has: {time_words(most)})"
        return Lack(Resource.TIME, wanted, most)
    return None


def _serves(beat: Beat, job: Job | NewJob) -> bool:
    if job.lane:
        return job.lane == beat.worker
    return not beat.lane_only and beat.owner in {None, job.owner}


def _capacity(beat: Beat, job: Job | NewJob) -> dict[Resource, bool]:
    """Return whether all of a worker's cores, memory and time suffice for a job."""
    return {
        Resource.CORES: job.cores <= beat.cores,
        Resource.MEMORY: job.memory_bytes <= beat.memory_bytes,
        Resource.TIME: beat.time_s is None or job.time_limit_s <= beat.time_s,
    }
