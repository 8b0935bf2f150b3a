"""Jobs that no worker could ever run as things are: said when they are handed over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from workers.errors import StoreError
from workers.fit import lack
from workers.runtime.autostart import Wake
from workers.store.values import Beat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.fit import Lack
    from workers.job import NewJob
    from workers.runtime.autostart import Woken
    from workers.store.base import Store


@dataclass(frozen=True, slots=True)
class Unfit:
    """Jobs that lack the same."""

    job_ids: tuple[str, ...]
    sentence: str

    @property
    def words(self) -> str:
        """Say so."""
        return f"{counted(len(self.job_ids), 'job')} will wait: {self.sentence}"


def unfit(
    store: Store, jobs: Sequence[NewJob], woken: Woken | None, environ: Mapping[str, str]
) -> tuple[Unfit, ...]:
    """Find jobs that want more than any worker has that lives, or was just started for them; most first.

    Args:
        store: where they lie.
        jobs: those that were stored.
        woken: what was done so that they are run; None: the store rings for itself.
        environ: of this process; a worker that it starts has the same.
    """
    if not jobs:
        return ()
    if woken is not None and woken.wake is Wake.STARTED:
        beats = [_like_this_machine(jobs, environ)]
    else:
        beats = serving(store, jobs[0].owner)
    return _lacking(jobs, beats) if beats else ()


def _lacking(jobs: Sequence[NewJob], beats: Sequence[Beat]) -> tuple[Unfit, ...]:
    answers: dict[tuple[object, ...], Lack | None] = {}
    found: dict[str, list[str]] = {}
    for job in jobs:
        wants = (job.owner, job.lane, job.engine, job.cores, job.memory_bytes, job.time_limit_s)
        if wants not in answers:
            answers[wants] = lack(beats, job)
        if lacking := answers[wants]:
            found.setdefault(lacking.sentence, []).append(job.id)
    groups = (Unfit(tuple(job_ids), sentence) for sentence, job_ids in found.items())
    return tuple(sorted(groups, key=lambda group: -len(group.job_ids)))


def serving(store: Store, owner: str) -> list[Beat]:
    """List the living workers that take an owner's jobs; a store that does not answer now knows none."""
    with suppress(StoreError):
        beats = [worker.beat for worker in store.workers() if worker.alive]
        return [beat for beat in beats if not beat.lane_only and beat.owner in {None, owner}]
    return []


def _like_this_machine(jobs: Sequence[NewJob], environ: Mapping[str, str]) -> Beat:
    """Say what a worker will say of itself that was just started here, for these jobs' engines and owner."""
    from workers import machine

    cores = machine.usable_cores(environ)
    return Beat(
        worker="",
        pid=0,
        slots=cores,
        cores=cores,
        memory_bytes=machine.usable_memory_bytes(environ),
        engines=frozenset(job.engine for job in jobs),
        owner=None,
        name="",
        busy=0,
        nox_version="",
    )
