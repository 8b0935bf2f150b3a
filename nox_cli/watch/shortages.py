"""What a ready job waits for while workers live that may run it: the resource, what holds it, what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from workers.fit import Resource, may_run
from workers.job import MEMORY_STEP_BYTES
from workers.sizes import MIB, size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.fit import Offer
    from workers.job import Job

_HOLDERS = 3


@dataclass(frozen=True, slots=True)
class Shortage:
    """What there is too little of for a job, on the worker that lacks the fewest things."""

    resources: tuple[Resource, ...]
    offer: Offer
    job: Job

    @property
    def words(self) -> str:
        """Name it: `a free slot`, `4.0 GiB of memory (node07 has 1.0 GiB free)`."""
        return " and ".join(map(self._word, self.resources))

    def commands(self) -> Iterator[str]:
        """Name commands that let the job start with what is free."""
        if Resource.SLOT in self.resources:
            return
        wishes = []
        if Resource.CORES in self.resources and self.offer.cores:
            wishes.append(f"--cores {self.offer.cores}")
        if Resource.MEMORY in self.resources and self.offer.memory_bytes >= MEMORY_STEP_BYTES:
            wishes.append(f"--memory {whole_memory(self.offer.memory_bytes)}")
        if len(wishes) == len(self.resources):
            yield f"nox set {self.job.number} {' '.join(wishes)}"

    def _word(self, resource: Resource) -> str:
        if resource is Resource.SLOT:
            return "a free slot"
        if resource is Resource.CORES:
            return f"{counted(self.job.cores, 'core')} ({self.offer.host} has {self.offer.cores} free)"
        wanted, free = size_words(self.job.memory_bytes), size_words(self.offer.memory_bytes)
        return f"{wanted} of memory ({self.offer.host} has {free} free)"


def shortage(offers: Sequence[Offer], job: Job) -> Shortage | None:
    """Find what keeps every worker that may run a job from starting it; None: one has room, or runs it."""
    if any(one.id == job.id for offer in offers for one in offer.running):
        return None
    able = [offer for offer in offers if may_run(offer.beat, job)]
    found = [Shortage(offer.short_of(job), offer, job) for offer in able]
    nearest = min(found, key=lambda one: len(one.resources), default=None)
    return nearest if nearest is not None and nearest.resources else None


def offer_words(offer: Offer, job: Job) -> str:
    """Say what a worker has left, and which jobs hold the rest."""
    beat = offer.beat
    told = (
        f"{offer.host}: {offer.slots} of {counted(beat.slots, 'slot')}, "
        f"{offer.cores} of {counted(beat.cores, 'core')}, "
        f"{size_words(offer.memory_bytes)} of {size_words(beat.memory_bytes)} free"
    )
    if not may_run(beat, job):
        return f"{told}; can never run it"
    return f"{told}; held by {_holders(offer.running)}" if offer.running else told


def whole_memory(size_bytes: int) -> str:
    """Write as much memory as may be asked for, for `--memory`: a whole number of steps."""
    return f"{size_bytes // MEMORY_STEP_BYTES * MEMORY_STEP_BYTES // MIB}M"


def _holders(running: Sequence[Job]) -> str:
    """Name the jobs that hold a worker's room, the largest first."""
    largest = sorted(running, key=lambda job: (-job.memory_bytes, -job.cores, job.number))
    names = ", ".join(f"{job.number} {job.name}".rstrip() for job in largest[:_HOLDERS])
    rest = len(running) - _HOLDERS
    return f"{names} and {rest:,} more" if rest > 0 else names
