"""The journal of looks: a line for what happens, and one for a state that lasts."""

from __future__ import annotations

from nox_cli.alloc.journal import Journal, once
from workers.pools.report import Decision, Look, Requested
from workers.store.pools import (
    Allocation,
    AllocationEnd,
    AllocationState,
    Pause,
    Pool,
    PoolDefinition,
)

POOL = Pool("ada", "small", PoolDefinition(8, 2**34, 14_400), "0" * 64, 0)
ENDED = Allocation(
    "0123456789abcdef", "ada", "small", AllocationState.ENDED, 8, 2**34, 14_400, 0,
    number="4711", started_ms=1_000, ended_ms=62_000, ended_as=AllocationEnd.NODE_FAILED,
    joined_ms=2_000, jobs=12,
)  # fmt: skip


def decided(why: str = "", wanted: int = 0, running: int = 0) -> Decision:
    """Make a decision that requests nothing."""
    return Decision(POOL, wanted, 0, running, {"--max": 1}, 0, 0, (), why)


def told(journal: Journal, **look: object) -> list[str]:
    """Return the lines for a look."""
    return [line.text for line in journal.lines(Look(0, **look))]  # type: ignore[arg-type]


def test_what_happens_is_a_line_each() -> None:
    """
    Requests, refusals, ends and pauses, of which the last three words of a log follow.
    """
    asked = (Requested("small", "a", "4712"), Requested("small", "b", "", "QOSMaxSubmitJobPerUserLimit"))
    paused = POOL._replace(paused=Pause.STRIKES, why="three in a row\nlast line")
    lines = list(Journal().lines(Look(0, requested=asked, ended=(ENDED,), paused=(paused,))))

    assert [
        (False, "pool small: requested allocation 4712"),
        (True, "pool small: no allocation: QOSMaxSubmitJobPerUserLimit"),
        (False, "pool small: allocation 4711 ended: node failed, 12 jobs, 1 min 1 s"),
        (True, "pool small is paused (strikes): three in a row"),
        (True, "  last line"),
        (True, "see nox alloc show small, then nox alloc resume small"),
    ] == [(line.is_warning, line.text) for line in lines]


def test_a_state_that_lasts_is_one_line() -> None:
    """
    A wait whose seconds are counted down, a batch system without an answer, and running allocations.
    """
    journal = Journal()
    waits = [told(journal, decisions=(decided(f"waits {left} s", wanted=1),)) for left in (60, 50)]
    silences = [told(journal, silence=words) for words in ("timed out", "timed out after 3 s", "", "")]
    running = [told(journal, decisions=(decided(running=count),)) for count in (1, 1, 2, 1, 0)]

    assert [["pool small waits 60 s"], []] == waits
    assert [1, 0, 1, 0] == list(map(len, silences))
    assert [1, 0, 1, 0, 0] == list(map(len, running))


def test_a_pool_without_work_is_silent() -> None:
    """
    The usual state is no line.
    """
    assert [] == told(Journal(), decisions=(decided("requests nothing: no job waits for it"),))


def test_an_only_look_warns_of_a_silence_that_keeps_jobs_waiting() -> None:
    """
    Not where nothing is wanted: cron would mail it every five minutes; a request without an answer is one
    line already.
    """
    waits, idle = (decided("requests nothing", wanted=1),), (decided("no job waits for it"),)
    asked = (Requested("small", "a", "", "timed out"),)
    (line,) = once(Look(0, silence="timed out", decisions=waits))

    assert (True, "the batch system does not answer, nothing is requested: timed out") == line[::-1]
    assert [] == list(once(Look(0, silence="timed out", decisions=idle)))
    assert 1 == len(list(once(Look(0, silence="timed out", decisions=waits, requested=asked))))
