"""The pools of an owner and their allocations: which of them jobs wait for, and why, in words.

Names and numbers are those of the store, which others may write to: a terminal gets them escaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nox_cli import times
from nox_cli.counts import counted
from workers.sizes import MIB, size_words
from workers.store.pools import AllocationState, Pause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import Job
    from workers.pools.fit import Need
    from workers.store.base import Store
    from workers.store.pools import Allocation, Pool, PoolDefinition

# Without a look for this time, no autoscaler is at work: cron calls it every few minutes.
LATE_S = 600.0
RUN = "nox alloc run"
_LINES, _NAMED, _SHOWN = 6, 3, 10
_WORD = re.compile(r"\w+", re.ASCII)
_PAUSED = {
    Pause.USER: "by its user",
    Pause.STRIKES: "its allocations ended without having been of use",
    Pause.REFUSED: "the batch system refuses its requests",
    Pause.CHANGED: "its file is not the one that nox alloc set wrote",
}
# The reasons of Slurm that users meet.
_REASONS = {
    "Priority": "batch jobs of others come first",
    "Resources": "no node has room for it so far",
    "ReqNodeNotAvail": "nodes that it needs are down or reserved",
    "Reservation": "its reservation has yet to begin",
    "BeginTime": "its time has not come",
    "Dependency": "it waits for another batch job",
    "JobHeldUser": "its user holds it",
    "JobHeldAdmin": "the site holds it",
    "PartitionDown": "the partition is closed",
    "PartitionInactive": "the partition is closed",
    "PartitionTimeLimit": "it asks for more time than the partition gives",
    "PartitionNodeLimit": "it asks for more than the partition gives",
    "QOSMaxJobsPerUserLimit": "as many of your batch jobs run as the site allows",
    "QOSMaxCpuPerUserLimit": "your batch jobs use as many cores as the site allows",
    "AssocGrpCpuLimit": "your account uses as many cores as the site allows",
    "AssocGrpCPUMinutesLimit": "your account has used up its core time",
}
# Those with which an allocation never starts: its pool has to ask for less.
_NEVER = {"PartitionTimeLimit", "PartitionNodeLimit"}
# The options of `nox alloc set` that limit requests, and what a pool at its limit has.
_LIMITS = {
    "--max": "has as many allocations as it may",
    "--pending": "has as many pending allocations as it may",
    "--budget": "has too little of its budget left for one more allocation",
}


class PoolWait(NamedTuple):
    """The cause why a ready job waits that no living worker takes, by the pools of its owner."""

    why: str  # begins with `waits`
    facts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # that would change it
    starts_ms: int | None = None  # when the batch system expects its allocation to start


class _HoldUp(NamedTuple):
    """The cause why a pool has requested nothing more, and the command that changes or explains it."""

    why: str
    commands: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class PoolsSeen(NamedTuple):
    """The pools of one owner or of all, and their allocations that have not ended."""

    pools: tuple[Pool, ...] = ()
    allocations: tuple[Allocation, ...] = ()

    def of(self, owner: str) -> PoolsSeen:
        """Return those of one owner."""
        return PoolsSeen(
            tuple(pool for pool in self.pools if pool.owner == owner),
            tuple(one for one in self.allocations if one.owner == owner),
        )

    @property
    def awaited(self) -> tuple[Allocation, ...]:
        """The allocations whose workers have yet to join, the first to start first."""
        return tuple(sorted((one for one in self.allocations if one.joined_ms is None), key=_by_start))

    def news(self) -> str:
        """Name what is pending or starting, and paused pools; empty: nothing is.

        As `2 allocations pending (Priority), the first expected at 14:05:00`.
        """
        return "; ".join(self._news())

    def words(self) -> str:
        """Name what keeps jobs without workers; empty: there are no pools."""
        if not self.pools:
            return ""
        wanted = next((pool for pool in self.pools if pool.demand_jobs), self.pools[0])
        held = _hold_up(wanted, self.allocations)
        return self.news() or ": ".join((held.why, *held.commands))

    def title(self, token: str) -> str:
        """Name an allocation by its number and pool: `4711 small`; empty: it is not among these."""
        found = next((one for one in self.allocations if one.token == token), None)
        return f"{found.number} {found.pool}".lstrip() if found else ""

    def lines(self) -> list[str]:
        """Describe each awaited allocation in a line, up to a number of them."""
        found = [f"{_named(one)}: {_state(one)}" for one in self.awaited]
        more = len(found) - _SHOWN
        return [*found[:_SHOWN], *([f"and {more:,} more: nox alloc list"] if more > 0 else [])]

    def wait(self, job: Job) -> PoolWait | None:
        """Find what a ready job waits for; None: its owner has no pools, or it is reserved for a worker."""
        from workers.pools.fit import lacks, nearest, need_of, pool_of

        mine = self.of(job.owner)
        if job.lane or not mine.pools:
            return None
        need = need_of(job)
        pool = pool_of(mine.pools, need)
        counts: tuple[str, ...] = ()
        if pool is not None:
            longer = pool_of(mine.pools, need, pool.definition.time_s) or pool
            other = "" if longer.name == pool.name else f"; if ones like it took longer, for {longer.name}"
            counts = (f"it counts for pool {pool.name}: {_size(pool.definition)}{other}",)
        if (one := mine.awaited_by(need)) is not None:
            late = next((late_words(pool) for pool in mine.pools if pool.name == one.pool), "")
            facts = (*counts, *_gloss(one), *((f"{late}: {RUN}",) if late else ()))
            return PoolWait(f"waits for {_named(one)}: {_state(one)}", facts, _instead(one), _start(one))
        if pool is None:
            near = nearest(mine.pools, need)
            why = f"waits: no pool can run it: {near.name}, the nearest, lacks {lacks(near.definition, need)}"
            return PoolWait(why, (), (_larger(near, need),))
        held = _hold_up(pool, mine.allocations)
        return PoolWait(f"waits: {held.why}", (*counts, *held.facts), held.commands)

    def awaited_by(self, need: Need) -> Allocation | None:
        """Find the allocation whose worker will be the first to take such a job; None: there is none."""
        from workers.pools.fit import lacks

        engines = {pool.name: pool.definition for pool in self.pools}
        able = (
            one
            for one in self.awaited
            if one.pool in engines
            and not lacks(
                engines[one.pool]._replace(cores=one.cores, memory_bytes=one.memory_bytes, time_s=one.time_s),
                need,
            )
        )
        return next(able, None)

    def _news(self) -> Iterator[str]:
        awaited = self.awaited
        pending = [one for one in awaited if one.state is not AllocationState.RUNNING]
        if starting := len(awaited) - len(pending):
            yield f"{counted(starting, 'allocation')} starting"
        if pending:
            reasons = ", ".join(dict.fromkeys(one.reason for one in pending if one.reason))
            start = next(filter(None, map(_start, pending)), None)
            first = "the first " if len(pending) > 1 else ""
            yield (
                f"{counted(len(pending), 'allocation')} pending"
                f"{f' ({reasons})' if reasons else ''}{f', {first}{_expected(start)}' if start else ''}"
            )
        with_awaited = {(one.owner, one.pool) for one in awaited}
        late = (late_words(pool) for pool in self.pools if (pool.owner, pool.name) in with_awaited)
        yield from [f"{words}: {RUN}" for words in late if words][:1]
        for pool in [pool for pool in self.pools if pool.paused][:_NAMED]:
            yield f"pool {pool.name} is paused: nox alloc show {pool.name}"


def read_pools(store: Store, owner: str | None) -> PoolsSeen:
    """Read the pools of an owner or of all; none of a store that has none.

    Raises:
        StoreError: the store cannot be read.
    """
    kept = store.pools
    pools = tuple(kept.pools(owner)) if kept is not None else ()
    if kept is None or not pools:
        return PoolsSeen()
    return PoolsSeen(pools, tuple(kept.allocations(owner)))


def _hold_up(pool: Pool, allocations: Sequence[Allocation]) -> _HoldUp:
    """Find why a pool has requested nothing more; the allocations are those of all pools."""
    from workers.pools.decision import Standing

    name, now, show = pool.name, times.now_ms(), (f"nox alloc show {pool.name}",)
    if pool.paused is not None:
        first = () if pool.paused is Pause.USER else show
        why = paused_words(pool)
        lines = tuple(line for line in pool.why.splitlines()[-_LINES:] if line not in why)
        return _HoldUp(why, (*first, f"nox alloc resume {name}"), lines)
    if late := late_words(pool):
        return _HoldUp(late, (RUN,))
    if pool.next_ms > now:
        last = strike_words(pool.strikes) if pool.strikes else "after the end of its last allocation"
        after = "after a refusal" if pool.refusal else last
        why = f"pool {name} requests nothing before {times.short(pool.next_ms, now)}, {after}"
        is_bad = pool.refusal or pool.strikes
        return _HoldUp(why, show if is_bad else (), tuple(pool.refusal.splitlines()[-_LINES:]))
    live = tuple(one for one in allocations if (one.owner, one.pool) == (pool.owner, name))
    for option, allows in Standing(pool, live, now).decide(len(live) + 1, 1).limits.items():
        if not allows:
            others = f", {pool.foreign:,} of them not requested by this store" if pool.foreign else ""
            why = f"pool {name} {_LIMITS[option]} ({option}{others if option == '--max' else ''})"
            return _HoldUp(why, show)
    looked = f"the last look was at {times.short(pool.looked_ms or now, now)}: nox alloc run {name} --dry-run"
    return _HoldUp(f"pool {name} has requested nothing for it so far", (), (looked,))


def paused_words(pool: Pool) -> str:
    """Report that a pool is paused, and why: `pool small is paused: by its user`; empty: it is not."""
    return f"pool {pool.name} is paused: {_PAUSED[pool.paused]}" if pool.paused is not None else ""


def strike_words(strikes: int) -> str:
    """Report allocations in a row that ended without having been of use, at least one."""
    if strikes == 1:
        return "its last allocation was of no use"
    return f"its last {strikes} allocations were of no use"


def late_words(pool: Pool, after_s: float = LATE_S) -> str:
    """Report that no autoscaler has looked at a pool for some time; empty: one has, or the pool is paused."""
    now, looked_ms = times.now_ms(), pool.looked_ms
    if pool.paused is not None or (looked_ms is not None and now - looked_ms <= 1_000 * after_s):
        return ""
    when = f"since {times.short(looked_ms, now)}" if looked_ms is not None else "so far"
    return f"no autoscaler has looked at pool {pool.name} {when}"


def _named(one: Allocation) -> str:
    which = f"allocation {one.number}" if one.number else "an allocation"
    return f"{which} of pool {one.pool}"


def _state(one: Allocation) -> str:
    """Describe what an allocation without a worker does."""
    if one.state is AllocationState.INTENDED:
        return "it is being requested"
    if one.state is AllocationState.RUNNING:
        return "it has started, and its worker has yet to join"
    reason = f" ({one.reason})" if one.reason else ""
    start = _start(one)
    return f"it is pending{reason}{f', {_expected(start)}' if start else ''}"


def _start(one: Allocation) -> int | None:
    """Return when an allocation is expected to start; None: that is not known, or past."""
    is_ahead = one.starts_ms is not None and one.starts_ms > times.now_ms()
    return one.starts_ms if is_ahead and one.state is AllocationState.PENDING else None


def _expected(start_ms: int) -> str:
    return f"expected at {times.short(start_ms, times.now_ms())}"


def _gloss(one: Allocation) -> tuple[str, ...]:
    """Explain the word of the batch system in plain words, if it is a common one."""
    word = _WORD.match(one.reason)
    known = _REASONS.get(word.group()) if word and one.state is AllocationState.PENDING else None
    if not word or not known:
        return ()
    found = f"{word.group()}: {known}"
    if _instead(one):
        found += f", so it never starts: nox alloc set {one.pool} again, with less, then cancel it"
    return (found,)


def _instead(one: Allocation) -> tuple[str, ...]:
    """Return the commands that replace an allocation which never starts; none if it may start."""
    word = _WORD.match(one.reason)
    is_stuck = word and word.group() in _NEVER and one.state is AllocationState.PENDING
    return (f"nox alloc show {one.pool}", f"scancel {int(one.number)}") if is_stuck and one.number else ()


def _by_start(one: Allocation) -> tuple[int, float, int]:
    order = AllocationState.RUNNING, AllocationState.PENDING, AllocationState.INTENDED, AllocationState.ENDED
    return order.index(one.state), _start(one) or float("inf"), one.intended_ms


def _size(definition: PoolDefinition) -> str:
    return (
        f"{counted(definition.cores, 'core')}, {size_words(definition.memory_bytes)}, "
        f"{times.words(definition.time_s)}"
    )


def _larger(pool: Pool, need: Need) -> str:
    """Return the command that defines a pool like this one for a job that it cannot run."""
    from workers.pools.fit import job_time_s

    size = pool.definition
    if size.engines and need.engine not in size.engines:
        return f"nox alloc show {pool.name}"
    memory = max(size.memory_bytes, need.memory_bytes)
    time_s = size.time_s + max(0, need.time_limit_s - job_time_s(size.time_s) + 60)
    return (
        f"nox alloc set POOL --cores {max(size.cores, need.cores)} "
        f"--memory {-(-memory // MIB)}M --time {-(-time_s // 60)}m"
    )
