"""Jobs that no worker could ever run as things are: said when they are handed over."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from workers.autostart import Wake
from workers.errors import StoreError
from workers.fit import lack
from workers.store.values import Beat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workers.autostart import Woken
    from workers.fit import Lack
    from workers.store.base import Store
    from workers.store.values import NewJob

_SHOWN = 3


def unfit(store: Store, jobs: Sequence[NewJob], woken: Woken | None, environ: Mapping[str, str]) -> list[str]:
    """Say which jobs want more than any worker has that lives, or was just started for them.

    Args:
        store: where they lie.
        jobs: those that were stored.
        woken: what was done so that they are run; None: the store rings for itself.
        environ: of this process; a worker that it starts has the same.
    """
    if not jobs:
        return []
    if woken is not None and woken.wake is Wake.STARTED:
        beats = [_like_this_machine(jobs, environ)]
    else:
        beats = _serving(store, jobs[0].owner)
    return list(_told(jobs, beats)) if beats else []


def _told(jobs: Sequence[NewJob], beats: Sequence[Beat]) -> Iterator[str]:
    answers: dict[tuple[object, ...], Lack | None] = {}
    counts: Counter[str] = Counter()
    for job in jobs:
        wants = (job.owner, job.lane, job.engine, job.cores, job.memory_bytes, job.time_limit_s)
        if wants not in answers:
            answers[wants] = lack(beats, job)
        if lacking := answers[wants]:
            counts[lacking.sentence] += 1
    for sentence, count in counts.most_common(_SHOWN):
        yield f"{counted(count, 'job')} will wait: {sentence}"


def _serving(store: Store, owner: str) -> list[Beat]:
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
