"""Decisions: which jobs count for which pool, what workers will start, what is requested and cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, BOB, GIB, beat
from workers.job import Job, JobState
from workers.pools.decision import Needs, Standing, needs
from workers.pools.run_times import RunTimes
from workers.pools.supply import suppliers
from workers.store.pools import (
    Allocation,
    AllocationState,
    Budget,
    Demand,
    Pause,
    Pool,
    PoolDefinition,
    ReadyShape,
    RunningJob,
)

if TYPE_CHECKING:
    from workers.store.values import Beat

NOW_MS = 1_800_000_000_000
SMALL = PoolDefinition(cores=4, memory_bytes=8 * GIB, time_s=3_600)
LARGE = PoolDefinition(cores=32, memory_bytes=64 * GIB, time_s=36_000)
NOTHING = RunTimes([])


def pool(name: str = "small", definition: PoolDefinition = SMALL, **changes: Any) -> Pool:
    """Make a pool."""
    return Pool(ADA, name, definition, "0" * 64, NOW_MS, **changes)


def shape(jobs: int, **changes: Any) -> ReadyShape:
    """Make a shape of jobs that take half an hour at most, which counts as a quarter."""
    plain: dict[str, Any] = {"cores": 1, "memory_bytes": GIB, "time_limit_s": 1_800, "engine": "echo"}
    return ReadyShape(**plain | changes, jobs=jobs, samples=(("echo", 0),))


def found(
    *shapes: ReadyShape,
    workers: tuple[Beat, ...] = (),
    running: tuple[RunningJob, ...] = (),
    pools: tuple[Pool, ...] = (pool(),),
    live: tuple[Allocation, ...] = (),
    times: RunTimes = NOTHING,
) -> Needs:
    """Find what is needed."""
    return needs(Demand(NOW_MS, shapes, running, workers), ADA, pools, live, times)


def allocation(state: AllocationState = AllocationState.PENDING, **changes: Any) -> Allocation:
    """Make an allocation."""
    plain = Allocation("a" * 16, ADA, "small", state, 4, 8 * GIB, 3_600, NOW_MS - 1_000, number="4711")
    return plain._replace(**changes)


def worker(**changes: Any) -> Beat:
    """Make a living worker of four cores."""
    plain: dict[str, Any] = {
        "slots": 4,
        "cores": 4,
        "memory_bytes": 8 * GIB,
        "engines": frozenset({"echo"}),
    }
    return beat(**plain | changes)


def test_needs_take_workers_with_the_same_room_for_one() -> None:
    """
    So that a thousand cost no more than one: what they have free, their engines and the minutes that they
    have left tell them apart.
    """
    busy = RunningJob("h-9-aa", 1, GIB, "echo", 0, "echo", NOW_MS)
    workers = (
        *(worker(worker=f"h-{number}-aa", time_s=3_600 + number) for number in range(4)),
        worker(worker="h-5-aa", time_s=3_599),
        worker(worker="h-6-aa", engines=frozenset({"xtb"})),
        worker(worker="h-9-aa", busy=1),
    )

    supply = suppliers(Demand(NOW_MS, (), (busy,), workers), ADA, [pool()], [], NOTHING)

    assert [4, 1, 1, 1] == [one.rooms[0].copies for one in supply]
    assert [3_600, 3_540, None, None] == [one.time_s for one in supply]
    needed = [found(shape(jobs, time_limit_s=1_200), workers=workers[:4]).needed for jobs in (16, 17)]
    assert [{"small": 0}, {"small": 1}] == needed


def test_needs_use_the_last_minute_of_a_worker() -> None:
    """
    A job that still fits into the time of a worker needs no allocation.
    """
    last = worker(time_s=59)

    assert {"small": 0} == found(shape(1, time_limit_s=10), workers=(last,)).needed
    assert {"small": 1} == found(shape(1, time_limit_s=60), workers=(last,)).needed


def test_needs_pack_jobs_into_allocations() -> None:
    """
    Nine jobs of a core need three allocations of four, and a job of four cores one more.
    """
    needed = found(shape(9), shape(1, cores=4))

    assert needed.needed == {"small": 4}
    assert (needed.jobs["small"], needed.cores["small"]) == (10, 13)


def test_needs_count_jobs_for_the_smallest_pool_that_fits() -> None:
    """
    Cores, memory and time each decide; what fits nowhere counts for none, and the reason is given.
    """
    both = (pool("large", LARGE), pool("small", SMALL))
    needed = found(
        shape(1),
        shape(2, cores=5),
        shape(3, memory_bytes=9 * GIB),
        shape(4, time_limit_s=3_601),
        shape(5, cores=64),
        pools=both,
    )

    assert {line.shape.jobs: line.pool for line in needed.shapes} == {
        1: "small",
        2: "large",
        3: "large",
        4: "large",
        5: "",
    }
    assert [line.lack for line in needed.shapes if line.lack] == ["64 cores (it has 32)"]
    assert not {line.shape.jobs for line in needed.shapes if line.pool} & {5}


def test_needs_prefer_a_pool_that_is_not_paused() -> None:
    """
    Jobs count for a larger pool while the smallest is paused, and for that if all are.
    """
    paused = pool(paused=Pause.USER)

    assert found(shape(1), pools=(paused, pool("large", LARGE))).needed["large"] == 1
    assert found(shape(1), pools=(paused,)).jobs["small"] == 1


def test_needs_leave_out_what_workers_start() -> None:
    """
    A free worker takes as many jobs as it has slots, and what is left needs allocations.
    """
    assert found(shape(4), workers=(worker(),)).needed["small"] == 0
    assert found(shape(5), workers=(worker(),)).needed["small"] == 1
    assert found(shape(5), workers=(worker(slots=2),)).shapes[0].left == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": BOB},
        {"lane_only": True},
        {"engines": frozenset({"xtb@22.1"})},
        {"time_s": 60},
        {"memory_bytes": GIB // 2},
    ],
)
def test_needs_ignore_workers_that_cannot_run_a_job(changes: dict[str, Any]) -> None:
    """
    A worker of another user, for its own lane, without the engine, the time or the memory starts nothing.
    """
    assert found(shape(4), workers=(worker(**changes),)).needed["small"] == 1


def busy(started_s: float, cores: int = 1) -> RunningJob:
    """Make a job that runs on the worker for a time; a minute is expected."""
    return RunningJob(worker().worker, cores, GIB, "echo", 0, "echo", NOW_MS - round(1_000 * started_s))


def test_needs_count_slots_that_become_free_within_ten_minutes() -> None:
    """
    A job that began now ends in a minute; one that has run for an hour is expected to run for another.
    """
    four = tuple(busy(0) for _ in range(4))
    late = tuple(busy(3_600) for _ in range(4))

    assert found(shape(4), workers=(worker(),), running=four).needed["small"] == 0
    assert found(shape(4), workers=(worker(),), running=late).needed["small"] == 1
    assert found(shape(3), workers=(worker(),), running=(busy(3_600),)).needed["small"] == 0


def test_needs_take_slots_for_busy_whose_jobs_are_not_listed() -> None:
    """
    Of thousands of running jobs the store lists some; the others are taken to be like them.
    """
    late, full = busy(3_600), worker(busy=4)
    cut = Demand(NOW_MS, (shape(4),), (late,), (full,), is_cut=True)

    assert found(shape(3), workers=(full,), running=(late,)).needed["small"] == 0
    assert needs(cut, ADA, (pool(),), (), NOTHING).needed["small"] == 1
    brief = cut._replace(running=(busy(0),))
    assert needs(brief, ADA, (pool(),), (), NOTHING).needed["small"] == 0


def test_needs_count_an_allocation_whose_worker_has_yet_to_join() -> None:
    """
    It has begun by the word of the batch system, so its worker will be there in a moment.
    """
    begun = allocation(AllocationState.RUNNING, started_ms=NOW_MS)

    assert found(shape(4), live=(begun,)).needed["small"] == 0
    assert found(shape(5), live=(begun,)).needed["small"] == 1
    assert found(shape(4), live=(begun._replace(worker="gone-1-a"),)).needed["small"] == 1


def test_needs_do_not_count_an_allocation_whose_worker_is_late() -> None:
    """
    Ten minutes after its start it may hang: another one is requested, as far as `--pending` allows.
    """
    late = allocation(AllocationState.RUNNING, started_ms=NOW_MS - 600_000)
    soon = late._replace(started_ms=NOW_MS - 599_000)

    assert 1 == found(shape(1), live=(late,)).needed["small"]
    assert 0 == found(shape(1), live=(soon,)).needed["small"]
    for live, allowed in ((late, SMALL.pending - 1), (soon, SMALL.pending)):
        assert allowed == decided(1, live).limits["--pending"]


def lasting(seconds: float) -> RunTimes:
    """Learn that jobs take a time."""
    done = Job("a" * 32, 1, JobState.DONE, ADA, "echo", 0, engine="echo", started_ms=0)
    return RunTimes([done._replace(ended_ms=round(1_000 * seconds))])


def test_needs_count_long_jobs_for_a_pool_whose_allocations_last_as_long() -> None:
    """
    A job without a time limit that takes hours would be released at the end of a short allocation.
    """
    both = (pool(), pool("long", SMALL._replace(time_s=36_000)))

    assert found(shape(4, time_limit_s=0), pools=both, times=lasting(5_000)).needed == {"long": 1, "small": 0}
    assert found(shape(4, time_limit_s=0), pools=both, times=lasting(3_000)).needed["small"] == 1
    assert found(shape(4, time_limit_s=0), pools=both[:1], times=lasting(5_000)).needed["small"] == 1


def test_needs_fill_no_more_than_the_time_of_a_short_allocation() -> None:
    """
    Of five minutes three and a half are for jobs, whether the allocation has yet to begin or has begun.
    """
    short = pool(definition=SMALL._replace(time_s=300))
    begun = allocation(AllocationState.RUNNING, started_ms=NOW_MS, time_s=300)
    jobs = shape(28, time_limit_s=0)

    assert found(jobs, pools=(short,)).needed["small"] == 2
    assert found(jobs, pools=(short,), live=(begun,)).needed["small"] == 1


def test_needs_tell_pending_allocations_of_a_size_that_no_longer_serves() -> None:
    """
    Those requested before the pool became larger keep their size: a job that needs the new one gets another
    allocation, and the old ones are useless unless other jobs fit.
    """
    larger = pool(definition=LARGE)
    old = allocation()

    wide = found(shape(1, cores=32), pools=(larger,), live=(old,))
    assert (wide.needed["small"], [*wide.useless]) == (1, [old.token])
    both = found(shape(1, cores=32), shape(4), pools=(larger,), live=(old,))
    assert (both.needed["small"], [*both.useless]) == (2, [])


STOOD = {"wished_ms": NOW_MS - 10_000, "wish": 10}


def decided(needed: int, *live: Allocation, definition: PoolDefinition = SMALL, **changes: Any) -> Any:
    """Decide on a pool whose wish has stood for ten seconds."""
    one = pool(definition=definition, **STOOD | changes)
    return Standing(one, live, NOW_MS).decide(needed, needed)


def test_decisions_keep_to_the_limits() -> None:
    """
    Pending and all allocations have a limit each; the budget counts live ones with all of their time.
    """
    running = [allocation(AllocationState.RUNNING, token=f"{index:016}") for index in range(9)]
    budget = SMALL._replace(budget=Budget(3 * 4 * 3_600, 1))

    assert decided(1).request == 1
    assert decided(5).request == 2
    assert decided(5, allocation()).request == 1
    assert decided(5, *running).request == 1
    assert decided(5, *running, running[0]).request == 0
    assert decided(5, running[0], running[1], definition=budget).request == 1
    assert decided(5, running[0], definition=budget, spent={"2027-01-15": 4 * 3_600}).request == 1
    assert decided(5, running[0], definition=budget, spent={"2027-01-14": 4 * 3_600}).request == 2


def test_decisions_want_a_wish_to_stand() -> None:
    """
    The first look requests nothing, nor does one right after it, and none requests more than the one before.
    """
    assert decided(1, wished_ms=None).request == 0
    assert decided(1, wished_ms=NOW_MS - 1_000).request == 0
    assert decided(2, wish=1).request == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"paused": Pause.STRIKES}, "paused (strikes)"),
        ({"next_ms": NOW_MS + 61_000, "refusal": "no such partition"}, "waits 61 s after a refusal: no such"),
    ],
)
def test_decisions_wait_while_a_pool_is_paused_or_was_refused(changes: dict[str, Any], why: str) -> None:
    """
    The reason is part of the decision.
    """
    found = decided(1, **changes)

    assert found.request == 0
    assert why in found.why


def test_decisions_request_nothing_before_the_last_request_is_answered() -> None:
    """
    An intended allocation without an answer may exist.
    """
    assert decided(5, allocation(AllocationState.INTENDED, number="")).request == 0


def test_decisions_cancel_the_newest_pending_allocations_that_no_job_needs() -> None:
    """
    The surplus must have lasted for two minutes; running ones are never cancelled.
    """
    old, new = allocation(), allocation(token="b" * 16, intended_ms=NOW_MS)
    running = allocation(AllocationState.RUNNING, token="c" * 16)

    assert decided(0, old, new, surplus_ms=NOW_MS - 119_000).cancel == ()
    assert decided(0, old, new, running, surplus_ms=NOW_MS - 120_000).cancel == (old, new)
    assert decided(1, old, new, running, surplus_ms=NOW_MS - 120_000).cancel == (new,)


def test_decisions_replace_pending_allocations_that_no_job_can_use() -> None:
    """
    They count against the limit, and are cancelled before newer ones that are of use.
    """
    useless, useful = allocation(), allocation(token="b" * 16, intended_ms=NOW_MS)
    stood = pool(wished_ms=NOW_MS - 10_000, wish=10, surplus_ms=NOW_MS - 120_000)

    full = Standing(stood, (useless, useful), NOW_MS).decide(2, 2, {useless.token})
    assert (full.wanted, full.request, full.cancel) == (1, 0, (useless,))
    free = Standing(stood, (useless,), NOW_MS).decide(1, 1, {useless.token})
    assert (free.request, free.cancel) == (1, (useless,))
    assert free.why == "requests 1 allocation, and cancels 1 pending allocation: no job needs them"


def test_decisions_keep_pending_allocations_in_place_of_a_request_without_an_answer() -> None:
    """
    If one of two is too many, it is the newer one, which may not exist: the other is needed.
    """
    asked = allocation(AllocationState.INTENDED, token="b" * 16, intended_ms=NOW_MS, number="")

    assert decided(1, allocation(), asked, surplus_ms=NOW_MS - 120_000).cancel == ()
