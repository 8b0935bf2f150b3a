"""Decisions: the allocations that ready jobs need, and those to request or cancel now."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

from workers.pools.fit import lacks, nearest, need_of, pool_of
from workers.pools.report import Basis, Decision, ShapeLine, allowed
from workers.pools.supply import empty, is_late, suppliers
from workers.pools.window import WINDOW_S, Allocations, Load
from workers.store.pools import AllocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from workers.pools.run_times import RunTimes
    from workers.store.pools import Allocation, Demand, Pool, ReadyShape

# A wish must last for this long, from one look to a later one, before it is a request.
WISH_S = 8.0
# Pending allocations are cancelled after this time without jobs for them.
UNWANTED_S = 120.0
_DAY = timedelta(days=1)


class Needs(NamedTuple):
    """The allocations that each pool needs for the jobs that no worker will start within ten minutes."""

    shapes: tuple[ShapeLine, ...]
    needed: Counter[str]  # allocations by pool, pending ones included
    useless: frozenset[str]  # tokens of pending ones that no job needs, requested before the pool was changed
    jobs: Counter[str]  # ready jobs that count for a pool
    cores: Counter[str]  # that these can use at once


def needs(
    demand: Demand, owner: str, pools: Sequence[Pool], live: Iterable[Allocation], times: RunTimes
) -> Needs:
    """Count each shape for the smallest pool that fits, and pack what no worker will start.

    Args:
        demand: ready jobs, running jobs and living workers.
        owner: the owner of jobs and pools.
        pools: all pools of the owner.
        live: their allocations that have not ended.
        times: the expected run times.
    """
    able = every = suppliers(demand, owner, pools, live, times)
    packed = {pool.name: Allocations(empty(pool.definition, pool.definition.time_s)) for pool in pools}
    jobs: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    lines = []
    for shape, load, basis in sorted(_loads(demand, times), key=_by_size, reverse=True):
        left = shape.jobs
        for supplier in able:
            if left == 0:
                break
            left = supplier.take(load, left)
        able = [supplier for supplier in able if supplier.rooms]
        pool = pool_of(pools, load.need, load.run_s)
        if pool is not None:
            packed[pool.name].add(load, left)
            jobs[pool.name] += shape.jobs
            cores[pool.name] += shape.jobs * shape.cores
        lack = "" if pool or not pools else lacks(nearest(pools, load.need).definition, load.need)
        lines.append(ShapeLine(shape, pool.name if pool else "", lack, load.run_s, basis, left))
    needed = Counter({name: found.count for name, found in packed.items()})
    needed.update(one.pending.pool for one in every if one.pending and not one.is_idle)
    useless = frozenset(one.pending.token for one in every if one.pending and one.is_idle)
    return Needs(tuple(lines), needed, useless, jobs, cores)


def _loads(demand: Demand, times: RunTimes) -> Iterable[tuple[ReadyShape, Load, Basis]]:
    for shape in demand.shapes:
        expected = [
            times.expect(kind, shape.engine, atoms, shape.time_limit_s) for kind, atoms in shape.samples
        ] or [times.expect("", shape.engine, 0, shape.time_limit_s)]
        # What counts is the share of the window: a job of an hour in ten of a second is no sixth of an hour.
        seconds = mean(min(one.seconds, WINDOW_S) for one in expected)
        run_s = mean(one.seconds for one in expected) if seconds >= WINDOW_S else seconds
        basis = Counter(one.basis for one in expected).most_common(1)[0][0]
        yield shape, Load(need_of(shape), run_s), basis


def _by_size(found: tuple[ReadyShape, Load, Basis]) -> tuple[int, int, float, int, str]:
    shape, load, _ = found
    return shape.cores, shape.memory_bytes, load.run_s, shape.time_limit_s, shape.engine


@dataclass(frozen=True, slots=True)
class Standing:
    """A pool and its allocations that have not ended, at one moment."""

    pool: Pool
    live: tuple[Allocation, ...]
    now_ms: int

    def decide(self, needed: int, jobs: int, useless: Collection[str] = ()) -> Decision:
        """Decide what to request and what to cancel.

        Args:
            needed: the allocations that jobs need which no worker will start.
            jobs: the ready jobs that count for this pool.
            useless: tokens of pending allocations that cannot be among those that are needed.
        """
        waiting = [one for one in self.live if one.state is not AllocationState.RUNNING]
        useful = sum(one.token not in useless for one in waiting)
        is_asked = any(one.state is AllocationState.INTENDED for one in waiting)
        late = sum(is_late(one, self.now_ms) for one in self.live)
        wanted, limits = max(0, needed - useful), self._limits(len(waiting) + late)
        possible = allowed(wanted, limits)
        why, request = self._request(possible, wanted, limits, is_asked=is_asked)
        surplus = max(0, useful - needed) + len(waiting) - useful
        cancel = self._cancelled(waiting, surplus, useless)
        if cancel:
            cancels = f"cancels {_counted(len(cancel), 'pending allocation')}: no job needs them"
            why = f"{why}, and {cancels}" if request else cancels
        elif not wanted and self.pool.paused is None:
            why = f"requests nothing: {self._rest(needed, jobs, len(waiting))}"
        running = len(self.live) - len(waiting)
        return Decision(self.pool, wanted, len(waiting), running, limits, request, surplus, cancel, why)

    def _cancelled(
        self, waiting: Sequence[Allocation], surplus: int, useless: Collection[str]
    ) -> tuple[Allocation, ...]:
        """Choose the pending allocations to cancel: useless ones, then the newest."""
        if not surplus or self.pool.paused or not self._has_lasted(self.pool.surplus_ms, UNWANTED_S):
            return ()
        found = sorted(waiting, key=lambda one: (one.token in useless, one.intended_ms))[-surplus:]
        return tuple(one for one in found if one.state is AllocationState.PENDING)

    def _rest(self, needed: int, jobs: int, waiting: int) -> str:
        """Return why no further allocation is wanted."""
        if not jobs:
            return "no job waits for it"
        if not needed:
            return "workers will start all of its jobs within ten minutes"
        return f"{_counted(waiting, 'pending allocation')} will do"

    def _request(
        self, possible: int, wanted: int, limits: Mapping[str, int], *, is_asked: bool
    ) -> tuple[str, int]:
        """Return the reason for a request, or for none, and the number of allocations."""
        pool = self.pool
        if pool.paused is not None:
            return f"requests nothing: it is paused ({pool.paused})", 0
        if is_asked:
            return "requests nothing: the batch system has yet to answer the last request", 0
        if not possible:
            binding = min(limits, key=limits.__getitem__)
            wants = f"wants {_counted(wanted, 'allocation')}, and {binding} allows none now"
            others = f"{_counted(pool.foreign, 'batch job')} with its name that this store did not request"
            is_theirs = pool.foreign and binding == "--max"
            return f"{wants}: it counts {others} (squeue --me)" if is_theirs else wants, 0
        if self.now_ms < pool.next_ms:
            until_s = (pool.next_ms - self.now_ms + 999) // 1_000
            after = f"after a refusal: {pool.refusal}" if pool.refusal else "before the next request"
            return f"waits {until_s} s {after}", 0
        if not self._has_lasted(pool.wished_ms, WISH_S):
            return f"requests {_counted(possible, 'allocation')} if the next look finds the same", 0
        request = min(possible, max(1, pool.wish))
        return f"requests {_counted(request, 'allocation')}", request

    def _has_lasted(self, since_ms: int | None, seconds: float) -> bool:
        return since_ms is not None and self.now_ms - since_ms >= 1_000 * seconds

    def _limits(self, waiting: int) -> dict[str, int]:
        definition = self.pool.definition
        found = {
            "--max": max(0, definition.most - len(self.live) - self.pool.foreign),
            "--pending": max(0, definition.pending - waiting),
        }
        if definition.budget is not None:
            each = definition.cores * definition.time_s
            free = definition.budget.core_seconds - self.used_core_seconds()
            found["--budget"] = max(0, free // each)
        return found

    def used_core_seconds(self) -> int:
        """Add up what counts against the budget: ended allocations, and live ones with all of their time."""
        budget = self.pool.definition.budget
        days = budget.days if budget is not None else 1
        today = datetime.fromtimestamp(self.now_ms / 1_000, UTC).date()
        counted = {(today - _DAY * back).isoformat() for back in range(days)}
        ended = sum(amount for day, amount in self.pool.spent.items() if day in counted)
        return ended + sum(one.used_cores * one.time_s for one in self.live)


def grouped(live: Iterable[Allocation]) -> dict[str, tuple[Allocation, ...]]:
    """Group allocations by pool."""
    found: defaultdict[str, list[Allocation]] = defaultdict(list)
    for one in live:
        found[one.pool].append(one)
    return {name: tuple(group) for name, group in found.items()}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
