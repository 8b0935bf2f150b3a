"""Strikes: which ends of allocations count against a pool, and what pauses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, GIB
from workers.pools.strikes import judged
from workers.store.pools import Allocation, AllocationEnd, AllocationState, Pause, Pool, PoolDefinition

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_800_000_000_000
POOL = Pool(ADA, "small", PoolDefinition(4, GIB, 3_600), "0" * 64, NOW_MS)
START_MS = NOW_MS - 100_000
ENDED = Allocation(
    "a" * 16,
    ADA,
    "small",
    AllocationState.ENDED,
    cores=4,
    memory_bytes=GIB,
    time_s=3_600,
    intended_ms=START_MS - 1_000,
    number="4711",
    started_ms=START_MS,
    ended_ms=NOW_MS,
    ended_as=AllocationEnd.FAILED,
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of every allocation; it is not there yet."""
    return tmp_path / "log"


def judge(log: Path, *ended: Allocation, **changes: Any) -> dict[str, object]:
    """Judge the ends of allocations of a pool."""
    return judged(POOL._replace(**changes), ended, lambda _: str(log), NOW_MS)


@pytest.mark.parametrize(
    ("changes", "strikes"),
    [
        ({}, 2),
        ({"ended_as": AllocationEnd.COMPLETED}, 2),
        ({"ended_as": AllocationEnd.OUT_OF_MEMORY}, 2),
        ({"ended_as": AllocationEnd.TIMEOUT}, 2),
        ({"ended_as": AllocationEnd.TIMEOUT, "joined_ms": NOW_MS - 1_000}, 1),
        ({"joined_ms": NOW_MS - 59_000}, 2),
        ({"joined_ms": NOW_MS - 60_000}, 0),
        ({"joined_ms": NOW_MS - 1_000, "ended_as": AllocationEnd.COMPLETED}, 0),
        ({"joined_ms": NOW_MS - 1_000, "ended_as": AllocationEnd.GONE}, 1),
        *(
            ({"ended_as": end}, 1)
            for end in (
                AllocationEnd.PREEMPTED,
                AllocationEnd.NODE_FAILED,
                AllocationEnd.CANCELLED,
                AllocationEnd.UNWANTED,
                AllocationEnd.DROPPED,
                AllocationEnd.GONE,
            )
        ),
    ],
)
def test_strikes_count_allocations_that_were_of_no_use(
    log: Path, changes: dict[str, Any], strikes: int
) -> None:
    """
    No worker joined, though it had all the time, or it failed within a minute; what the site or a person
    ended does not count.
    """
    assert judge(log, ENDED._replace(**changes), strikes=1).get("strikes", 1) == strikes


def test_strikes_count_an_allocation_that_is_gone_if_it_has_written_its_log(log: Path) -> None:
    """
    Without accounts nothing else tells it from one that was cancelled while it was pending.
    """
    log.write_text("nox: command not found\n")

    assert judge(log, ENDED._replace(ended_as=AllocationEnd.GONE))["strikes"] == 1


def test_strikes_pause_the_pool_at_the_third(log: Path) -> None:
    """
    The reason has the last lines of the log of that pool, whatever path the record names.
    """
    log.write_text("".join(f"line {index}\n\n" for index in range(9)))
    named = ENDED._replace(log="/etc/passwd")

    found = judge(log, named, named, strikes=1)

    assert found["paused"] is Pause.STRIKES
    what, *lines = str(found["why"]).split("\n")
    assert what == "3 allocations in a row were of no use; the last one (4711: failed) wrote this:"
    assert lines == [f"line {index}" for index in range(4, 9)]


def test_strikes_let_a_minute_pass_before_the_next_request(log: Path) -> None:
    """
    Also after a preemption, a failed node or a cancellation, which without accounts are ends of an unknown
    kind; not after an allocation that served.
    """
    served = ENDED._replace(joined_ms=START_MS, ended_as=AllocationEnd.COMPLETED)

    assert judge(log, ENDED)["next_ms"] == NOW_MS + 60_000
    for other in (AllocationEnd.PREEMPTED, AllocationEnd.GONE):
        assert judge(log, ENDED._replace(ended_as=other))["next_ms"] == NOW_MS + 60_000
    assert judge(log, ENDED, next_ms=NOW_MS + 90_000)["next_ms"] == NOW_MS + 90_000
    assert "next_ms" not in judge(log, served)


def test_strikes_add_core_time_to_the_day_of_the_end(log: Path) -> None:
    """
    One that never started has used none; one that was given a whole node has used all of its cores.
    """
    served = ENDED._replace(joined_ms=START_MS, ended_as=AllocationEnd.COMPLETED)

    assert judge(log, served, spent={"2027-01-15": 5})["spent"] == {"2027-01-15": 405}
    assert judge(log, served._replace(allocated_cores=64))["spent"] == {"2027-01-15": 6_400}
    assert "spent" not in judge(log, served._replace(started_ms=None))
