"""What jobs wait for among the pools of their owner, in words."""

from __future__ import annotations

from typing import Any

import pytest

from nox_cli import times
from nox_cli.watch.pools import LATE_S, PoolsSeen
from tests.support.stores import ADA, BOB, GIB, WORKER
from workers.job import Job, JobState
from workers.store.pools import Allocation, AllocationState, Budget, Pause, Pool, PoolDefinition

NOW_MS = 1_800_000_000_000
SOON_MS = NOW_MS + 3_600_000
SMALL = PoolDefinition(cores=8, memory_bytes=16 * GIB, time_s=4 * 3_600)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the time at which the pools were looked at."""
    monkeypatch.setattr(times, "now_ms", lambda: NOW_MS)


def job(**changes: Any) -> Job:
    """Make a ready job of ada's."""
    return Job("a" * 32, 7, JobState.QUEUED, ADA, "sp", 0, engine="xtb@22.1")._replace(
        **{"cores": 1, "memory_bytes": GIB, **changes}
    )


def pool(name: str = "small", size: PoolDefinition = SMALL, **changes: Any) -> Pool:
    """Make a pool of ada's, at which an autoscaler has just looked."""
    return Pool(ADA, name, size, "0" * 64, NOW_MS)._replace(**{"looked_ms": NOW_MS, **changes})


def allocation(**changes: Any) -> Allocation:
    """Make a pending allocation of ada's."""
    plain = Allocation(
        "0" * 16, ADA, "small", AllocationState.PENDING, SMALL.cores, SMALL.memory_bytes, SMALL.time_s, NOW_MS
    )
    return plain._replace(**{"number": "4711", "reason": "Priority", **changes})


def test_pools_wait_for_the_allocation_that_starts_first() -> None:
    """
    Its number, pool, reason and expected start are named, and the reason is explained.
    """
    late, soon = allocation(number="4710"), allocation(starts_ms=SOON_MS)
    intended = allocation(number="", state=AllocationState.INTENDED)
    wait = PoolsSeen((pool(),), (late, intended, soon)).wait(job())

    assert wait is not None
    at = times.short(SOON_MS, NOW_MS)
    assert f"waits for allocation 4711 of pool small: it is pending (Priority), expected at {at}" == wait.why
    assert SOON_MS == wait.starts_ms
    assert (
        "it counts for pool small: 8 cores, 16.0 GiB, 4 h",
        "Priority: batch jobs of others come first",
    ) == (wait.facts)
    assert () == wait.commands


def test_pools_whose_allocation_never_starts_say_what_to_do() -> None:
    """
    The partition gives less than the pool asks for: the pool is to be set anew, and the allocation cancelled.
    """
    wait = PoolsSeen((pool(),), (allocation(reason="PartitionTimeLimit"),)).wait(job())

    assert wait is not None
    assert "so it never starts: nox alloc set small again, with less, then cancel it" in wait.facts[-1]
    assert ("nox alloc show small", "scancel 4711") == wait.commands


def test_pools_name_the_one_for_jobs_that_turn_out_long() -> None:
    """
    Without a time limit a job may count for a pool whose allocations last longer, by what jobs like it took.
    """
    both = PoolsSeen((pool(), pool("long", SMALL._replace(time_s=86_400))))
    free, limited = both.wait(job()), both.wait(job(time_limit_s=90_000))

    assert free is not None
    assert limited is not None
    assert free.facts[0].endswith("4 h; if ones like it took longer, for long")
    assert not any("if ones like it" in fact for fact in limited.facts)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": AllocationState.RUNNING}, "allocation 4711 of pool small: it has started, and its worker"),
        (
            {"state": AllocationState.INTENDED, "number": ""},
            "an allocation of pool small: it is being requested",
        ),
        ({"starts_ms": NOW_MS - 60_000}, "allocation 4711 of pool small: it is pending (Priority)"),
        ({"pool": "other", "cores": 1}, "no allocation"),
        ({"cores": 1}, "no allocation"),
        ({"state": AllocationState.RUNNING, "joined_ms": NOW_MS, "worker": WORKER}, "no allocation"),
        ({"owner": BOB}, "no allocation"),
    ],
)
def test_pools_wait_for_an_allocation_that_takes_the_job(changes: dict[str, Any], told: str) -> None:
    """
    One with a worker, a smaller one and one of another owner are none; a start that is past is not named.
    """
    wait = PoolsSeen((pool(),), (allocation(**changes),)).wait(job(cores=2))

    assert wait is not None
    missing = "waits: pool small has requested nothing for it so far"
    assert wait.why.startswith(missing if told == "no allocation" else f"waits for {told}")
    assert "expected" not in wait.why


@pytest.mark.parametrize(
    ("changes", "why", "commands"),
    [
        (
            {"paused": Pause.STRIKES, "why": "no nox"},
            "is paused: its allocations ended",
            ("nox alloc show small", "nox alloc resume small"),
        ),
        ({"paused": Pause.USER}, "is paused: by its user", ("nox alloc resume small",)),
        (
            {"next_ms": SOON_MS, "refusal": "invalid partition"},
            "requests nothing before",
            ("nox alloc show small",),
        ),
        ({"next_ms": SOON_MS}, ", after the end of its last allocation", ()),
        (
            {"next_ms": SOON_MS, "strikes": 2},
            "its last 2 allocations were of no use",
            ("nox alloc show small",),
        ),
        ({"looked_ms": NOW_MS - 1_100 * int(LATE_S)}, "no autoscaler has looked at", ("nox alloc run",)),
        ({"looked_ms": None}, "no autoscaler has looked at pool small so far", ("nox alloc run",)),
        ({"definition": SMALL._replace(most=1)}, "as it may (--max)", ("nox alloc show small",)),
        (
            {"definition": SMALL._replace(budget=Budget(1, 1))},
            "has too little of its budget left for one more allocation (--budget)",
            ("nox alloc show small",),
        ),
        ({}, "pool small has requested nothing for it so far", ()),
    ],
)
def test_pools_that_request_nothing_say_why(
    changes: dict[str, Any], why: str, commands: tuple[str, ...]
) -> None:
    """
    A pause with its reason, a wait after a refusal with the words of the batch system, no look, or a limit.
    """
    ended = allocation(state=AllocationState.RUNNING, worker=WORKER, joined_ms=NOW_MS)
    wait = PoolsSeen((pool(**changes),), (ended,)).wait(job())

    assert wait is not None
    assert why in wait.why
    assert commands == wait.commands
    assert {str(changes[key]) for key in ("why", "refusal") if key in changes} <= {*wait.facts}


def test_pools_that_are_all_too_small_name_what_the_nearest_lacks() -> None:
    """
    With the command that gives it what the job needs.
    """
    large = pool("large", SMALL._replace(cores=32))
    wait = PoolsSeen((pool(), large), (allocation(),)).wait(
        job(cores=64, memory_bytes=32 * GIB, time_limit_s=5 * 3_600)
    )

    assert wait is not None
    assert "waits: no pool can run it: large, the nearest, lacks 64 cores (it has 32)" == wait.why
    (command,) = wait.commands
    assert "nox alloc set POOL --cores 64 --memory 32768M --time 303m" == command


def test_pools_of_which_a_small_one_lacks_less_are_not_to_be_outgrown() -> None:
    """
    A job that lacks time alone is advised a longer pool of its size, and no longer one of the largest.
    """
    short = pool("wide", SMALL._replace(cores=512, memory_bytes=900 * GIB, time_s=1_800))
    wait = PoolsSeen((pool(), short), ()).wait(job(time_limit_s=5 * 3_600))

    assert wait is not None
    assert wait.why.startswith("waits: no pool can run it: small, the nearest, lacks 5 h")
    assert wait.commands[0].startswith(f"nox alloc set POOL --cores {SMALL.cores} ")


def test_pools_are_none_of_a_job_of_another_owner_or_of_a_lane() -> None:
    """
    Only the workers of its own owner's pools run a job, and none one that is reserved.
    """
    seen = PoolsSeen((pool(),), (allocation(),))

    assert seen.wait(job(owner=BOB)) is None
    assert seen.wait(job(lane=WORKER)) is None
    assert PoolsSeen().wait(job()) is None


def test_pools_in_short_name_what_is_pending_and_paused() -> None:
    """
    The same words wherever workers are counted; without any of it, why nothing is requested.
    """
    first, other = allocation(starts_ms=SOON_MS), allocation(reason="Resources")
    at = times.short(SOON_MS, NOW_MS)
    two = PoolsSeen((pool(),), (other, first))
    starting = PoolsSeen((pool(),), (allocation(state=AllocationState.RUNNING), other))
    paused = PoolsSeen((pool(paused=Pause.REFUSED), pool("large")))
    idle = PoolsSeen((pool(looked_ms=None),))

    assert f"2 allocations pending (Priority, Resources), the first expected at {at}" == two.words()
    assert "1 allocation starting; 1 allocation pending (Resources)" == starting.words()
    assert "pool small is paused: nox alloc show small" == paused.words()
    assert "no autoscaler has looked at pool small so far: nox alloc run" == idle.words()
    assert "" == idle.news() == PoolsSeen().words()


def test_pools_that_were_not_looked_at_for_long_say_so_of_what_is_pending() -> None:
    """
    What the batch system reported is old then.
    """
    old = PoolsSeen((pool(looked_ms=NOW_MS - 1_100 * int(LATE_S)),), (allocation(),))
    wait = old.wait(job())

    assert "; no autoscaler has looked at pool small since" in old.news()
    assert wait is not None
    assert any(fact.endswith(": nox alloc run") for fact in wait.facts)
