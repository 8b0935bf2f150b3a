"""The supply: what living workers and some allocations can start within ten minutes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING

from workers.pools.fit import job_time_s
from workers.pools.window import WINDOW_S, Load, Space, fill
from workers.store.pools import AllocationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workers.pools.run_times import RunTimes
    from workers.store.pools import Allocation, Demand, Pool, PoolDefinition, RunningJob
    from workers.store.values import Beat


@dataclass(slots=True)
class Supplier:
    """A worker, or an allocation whose worker has yet to join."""

    rooms: list[Space]
    engines: frozenset[str]  # empty: not known, so any
    time_s: float | None  # the longest time of a job that begins now; None: no limit
    pending: Allocation | None = None  # that it is; None: a worker, or an allocation that has begun
    is_idle: bool = True  # it has been given no job

    def take(self, load: Load, jobs: int) -> int:
        """Let it start jobs; return the number of those that it cannot start in the window."""
        need = load.need
        if self.engines and need.engine not in self.engines:
            return jobs
        if self.time_s is not None and max(need.time_limit_s, load.run_s) > self.time_s:
            return jobs
        rooms, self.rooms, before = self.rooms, [], jobs
        for room in rooms:
            jobs, left = fill(room, load, jobs)
            self.rooms += [one for one in left if not one.is_full]
        self.is_idle = self.is_idle and jobs == before
        return jobs


def suppliers(
    demand: Demand, owner: str, pools: Iterable[Pool], live: Iterable[Allocation], times: RunTimes
) -> list[Supplier]:
    """List what may start jobs of an owner within ten minutes.

    Pending allocations of the size that a request has now are not among it: their number is subtracted from
    what is needed.

    Args:
        demand: the living workers and the jobs that run on them.
        owner: the owner of the jobs.
        pools: the pools of the owner.
        live: their allocations that have not ended.
        times: the expected run times.
    """
    on: defaultdict[str, list[RunningJob]] = defaultdict(list)
    for job in demand.running:
        if not job.is_ahead:  # else it waits behind the job of its slot
            on[job.worker].append(job)
    # The slots of which the store lists no job run others like those that it lists.
    listed = [job for job in demand.running if not job.is_ahead] if demand.is_cut else []
    alike = cycle(listed)
    for beat in demand.workers:
        on[beat.worker] += islice(alike, min(len(listed), max(0, beat.busy - len(on[beat.worker]))))
    serving = [beat for beat in demand.workers if not beat.lane_only and beat.owner in {None, owner}]
    found = _grouped(_of_worker(beat, on[beat.worker], times, demand.now_ms) for beat in serving)
    sizes = {pool.name: pool.definition for pool in pools}
    unjoined = [one for one in live if one.pool in sizes and not one.worker]
    begun = [one for one in unjoined if one.state is AllocationState.RUNNING]
    for one in begun:
        if is_late(one, demand.now_ms):
            continue
        left_s = one.time_s - (demand.now_ms - (one.started_ms or demand.now_ms)) / 1_000
        found.append(_of_allocation(one, left_s, sizes[one.pool]))
    pending = [one for one in unjoined if one.state is not AllocationState.RUNNING]
    others = [one for one in pending if not _is_like(one, sizes[one.pool])]
    return found + [_of_allocation(one, one.time_s, sizes[one.pool], one) for one in others]


def _grouped(workers: Iterable[Supplier]) -> list[Supplier]:
    """Describe workers that have the same room as one; times beyond the window count in minutes."""
    alike: Counter[tuple[Space, frozenset[str], float | None]] = Counter()
    for one in workers:
        time_s = one.time_s
        if time_s is not None and time_s >= WINDOW_S:  # else the room depends on the time
            time_s = time_s // 60 * 60
        alike.update((room, one.engines, time_s) for room in one.rooms)
    return [
        Supplier([replace(room, copies=copies)], engines, time_s)
        for (room, engines, time_s), copies in alike.items()
    ]


def is_late(one: Allocation, now_ms: int) -> bool:
    """Whether an allocation began long ago without a worker: it may hang, and start no job."""
    is_begun = one.state is AllocationState.RUNNING and not one.worker and one.started_ms is not None
    return is_begun and now_ms - (one.started_ms or 0) >= 1_000 * WINDOW_S


def _is_like(one: Allocation, size: PoolDefinition) -> bool:
    """Whether an allocation has the size of its pool, which `nox alloc set` may have changed since."""
    return (one.cores, one.memory_bytes, one.time_s) == (size.cores, size.memory_bytes, size.time_s)


def _of_allocation(
    one: Allocation, left_s: float, pool: PoolDefinition, pending: Allocation | None = None
) -> Supplier:
    """Describe an allocation whose worker has yet to join."""
    room = empty(one, left_s)
    return Supplier([room] if room.share else [], pool.engines, job_time_s(left_s), pending)


def empty(size: Allocation | PoolDefinition, left_s: float) -> Space:
    """Return the room of an allocation without jobs: shares of the window if its end is near."""
    return Space(size.cores, size.memory_bytes, size.cores, min(1.0, job_time_s(left_s) / WINDOW_S))


def _of_worker(beat: Beat, running: Sequence[RunningJob], times: RunTimes, now_ms: int) -> Supplier:
    """Find what a worker has free, and what becomes free in the window."""
    window_s = WINDOW_S if beat.time_s is None else max(0.0, min(WINDOW_S, beat.time_s))
    rests = sorted(((_rest_s(job, times, now_ms), job) for job in running), key=lambda one: -one[0])
    cores, memory, slots, lost = beat.cores, beat.memory_bytes, beat.slots, 0.0
    for rest_s, job in rests[: beat.slots]:
        if rest_s >= window_s:
            cores, memory, slots = cores - job.cores, memory - job.memory_bytes, slots - 1
        else:
            lost += job.cores * rest_s
    share = (window_s - lost / cores) / WINDOW_S if cores > 0 else 0.0
    room = Space(max(0, cores), max(0, memory), max(0, slots), max(0.0, share))
    return Supplier([room] if share > 0 else [], beat.engines, beat.time_s)


def _rest_s(job: RunningJob, times: RunTimes, now_ms: int) -> float:
    """Return how much longer a job is expected to run; one that is late, as long again as it has run."""
    age_s = max(0.0, (now_ms - job.started_ms) / 1_000)
    left_s = times.expect(job.kind, job.engine, job.atoms).seconds - age_s
    return left_s if left_s > 0 else age_s
