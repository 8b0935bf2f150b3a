"""The fit of jobs and pools: the smallest pool whose allocations can run a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workers.sizes import size_words, time_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.job import Job, NewJob
    from workers.store.pools import Pool, PoolDefinition, ReadyShape

# A worker of an allocation claims no job that would outlast its drain, and needs some time to start.
_START_S = 60
_DRAIN_SHARE, _DRAIN_S = 0.1, 60.0


class Need(NamedTuple):
    """The needs of a job."""

    cores: int
    memory_bytes: int
    time_limit_s: int  # 0: none
    engine: str


def need_of(one: Job | NewJob | ReadyShape) -> Need:
    """Return the needs of a job, or of each job of a shape."""
    return Need(one.cores, one.memory_bytes, one.time_limit_s, one.engine)


def job_time_s(left_s: float) -> int:
    """Return the longest time limit of a job that an allocation takes whose worker has yet to join.

    Args:
        left_s: the time until its end; of a new allocation: all of its time.
    """
    return max(0, int(left_s - _START_S - min(_DRAIN_S, _DRAIN_SHARE * left_s)))


def lacks(definition: PoolDefinition, need: Need) -> str:
    """Name what the allocations of a pool lack for a job, in words; empty: nothing."""
    if definition.engines and need.engine not in definition.engines:
        return f"engine {need.engine}"
    if need.cores > definition.cores:
        return f"{need.cores} cores (it has {definition.cores})"
    if need.memory_bytes > definition.memory_bytes:
        has = size_words(definition.memory_bytes)
        return f"{size_words(need.memory_bytes)} of memory (it has {has})"
    if need.time_limit_s > job_time_s(definition.time_s):
        has = time_words(job_time_s(definition.time_s))
        return f"{time_words(need.time_limit_s)} (it has {has} for a job)"
    return ""


def pool_of(pools: Iterable[Pool], need: Need, run_s: float = 0.0) -> Pool | None:
    """Find the smallest pool of one owner that can run a job and is not paused; None: there is none.

    If all that can are paused, the smallest of these is returned.

    Args:
        pools: the pools.
        need: the needs of the job.
        run_s: its expected run time; pools whose allocations last that long come first.
    """
    able = [pool for pool in pools if not lacks(pool.definition, need)]
    return min(able, key=lambda pool: _preference(pool, run_s), default=None)


def nearest(pools: Iterable[Pool], need: Need) -> Pool:
    """Find the pool that lacks least for a job that none can run: engine, cores, memory, then time.

    Args:
        pools: at least one.
        need: the needs of the job.
    """
    return min(pools, key=lambda pool: (*_shortfall(pool.definition, need), *_preference(pool, 0.0)))


def _shortfall(size: PoolDefinition, need: Need) -> tuple[bool, int, int, int]:
    return (
        bool(size.engines) and need.engine not in size.engines,
        max(0, need.cores - size.cores),
        max(0, need.memory_bytes - size.memory_bytes),
        max(0, need.time_limit_s - job_time_s(size.time_s)),
    )


def _preference(pool: Pool, run_s: float) -> tuple[bool, bool, int, int, int, str]:
    size = pool.definition
    is_short = job_time_s(size.time_s) < run_s
    return pool.paused is not None, is_short, size.cores, size.memory_bytes, size.time_s, pool.name
