"""The checker of soaks, held against hand-made histories, each of which breaks one rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.soak.checker import RULES, check
from benchmarks.soak.history import Cancel, Fault, History, Kind, Reached, Record, Said, Submit, Wanted
from benchmarks.soak.report import Report, story, table
from tests.support.histories import (
    JOB,
    OTHER,
    PID,
    SECOND,
    SECOND_PID,
    WORKER,
    C,
    D,
    F,
    Q,
    R,
    after,
    cancelled,
    event,
    failed,
    given_back,
    job,
    line,
    logged,
    outcome,
    plain,
    rebuilt,
    recorded,
    run_again_and_cancelled,
    taken_over,
    tried_again,
)
from workers.job import Attempt, Reason
from workers.runtime.recorder import NOT_KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable


def continued(energy_hartree: float) -> History:
    """An optimisation that a second attempt brought to its end, with this energy; undisturbed it is -5 Eh."""
    result = {"kind": "opt", "energy_hartree": energy_hartree, "provenance": {"continued": {"attempts": 1}}}
    return plain(
        wanted={"one": Wanted("opt", energy_hartree=-5.0)},
        record=Record(job(), (), outcome() | {"result": result}),
    )


SOUND: dict[str, Callable[[], History]] = {
    "plain": plain,
    "came further as its worker was asked to end": lambda: plain(reached=(Reached(JOB, 8, 106),)),
    "taken over from a killed worker": taken_over,
    "taken over from a frozen worker": lambda: taken_over(Kind.FREEZE),
    "taken over from a worker that was cut off": lambda: taken_over(Kind.HOLD),
    "taken over from one that ended while redis was away": lambda: taken_over(
        faults=(Fault(Kind.DRAIN, 22_000, 26_000, PID), Fault(Kind.CRASH, 21_000, 27_000))
    ),
    "taken over from one that ended, and could not tell the store": lambda: taken_over(
        Kind.DRAIN, last_words=f"{NOT_KNOWN}, it may run again: the store is busy"
    ),
    "continued, and converged elsewhere": lambda: continued(-5.000009),
    "claimed by a worker killed while redis was frozen": lambda: taken_over(
        faults=(Fault(Kind.SILENCE, 15_000, 20_000), Fault(Kind.KILL, 17_000, 17_000, PID))
    ),
    "given back": given_back,
    "released before it began, as its worker was killed": lambda: given_back(Kind.KILL, ran=False),
    "failed": failed,
    "failed with its keeper": lambda: failed(Kind.KEEPER),
    "cancelled": cancelled,
    "done before its worker heard of the cancel": lambda: plain(cancels=(Cancel(JOB, 25_000, 25_001, R),)),
    "ended before the cancel": lambda: plain(cancels=(Cancel(JOB, 35_000, 35_001, D),)),
    "a cancel without an answer": lambda: plain(cancels=(Cancel(JOB, 15_000),)),
    "denied": lambda: plain(submits=(*plain().submits, Submit(1, ("two",), (), Said.DENIED))),
    "not known, and not stored": lambda: plain(
        submits=(*plain().submits, Submit(1, ("two",), (), Said.UNKNOWN))
    ),
    "not known, and stored": lambda: plain(submits=(Submit(10_000, ("one",), (), Said.UNKNOWN),)),
    "followed further than kept": lambda: plain(kept=plain().kept[1:]),
    "half a change done later": lambda: rebuilt(
        plain(), kept=(*plain().kept, event(31_000, D, 1)), is_torn=True
    ),
    "tried again after a crash": lambda: tried_again(Kind.CHILD),
    "retried": lambda: plain(
        record=Record(
            job(attempt=2, round=2, ended_ms=50_000),
            (Attempt(1, 1, WORKER, 20_000, 30_000, "done"),),
            outcome(2),
        ),
        events=[*plain().followed, event(40_000, Q, 1), event(41_000, R, 2), event(50_000, D, 2)],
        lines=[*plain().lines, line(41_000, "started", 2), line(50_000, "done", 2)],
    ),
    "retried, and cancelled before it ran": run_again_and_cancelled,
}


@pytest.mark.parametrize("name", SOUND)
def test_checker_what_may_happen_is_no_violation(name: str) -> None:
    """
    Whatever the promises allow passes every rule.
    """
    assert [] == check(SOUND[name]())


def stored_twice() -> History:
    """One request, two jobs."""
    twin = Record(job()._replace(id=OTHER, number=2), (), outcome())
    twins = [event(1, Q, 0, job_id=OTHER), event(2, R, 1, job_id=OTHER), event(3, D, 1, job_id=OTHER)]
    logged = [line(2, "started", job_id=OTHER), line(3, "done", job_id=OTHER)]
    events, lines = [*twins, *plain().followed], [*plain().lines, *logged]
    return plain(
        submits=(Submit(10_000, ("one",), (), Said.UNKNOWN),),
        records={JOB: plain().records[JOB], OTHER: twin},
        events=events,
        lines=lines,
        counts={D: 2},
    )


def lost_together(jobs: int) -> History:
    """So many jobs that one worker lost as it was killed."""
    lost = taken_over()
    return rebuilt(lost, records={f"{number:032}": lost.records[JOB] for number in range(jobs)})


BROKEN: list[tuple[str, str, Callable[[], History]]] = [
    ("stored", "a printed id is gone", lambda: plain(records={}, counts={}, lines=[])),
    ("stored", "a denied job is there", lambda: plain(submits=(Submit(1, ("one",), (), Said.DENIED),))),
    (
        "stored",
        "one more than was printed",
        lambda: plain(submits=(Submit(1, ("two", "one"), (), Said.CUT),)),
    ),
    ("stored", "one job is stored twice", stored_twice),
    ("stored", "a job nobody asked for", lambda: plain(wanted={}, submits=())),
    (
        "stored",
        "ids printed for the wrong jobs",
        lambda: plain(
            submits=(Submit(1, ("two",), (JOB,), Said.STORED), Submit(1, ("one",), (JOB,), Said.STORED))
        ),
    ),
    ("stream", "an event told twice", lambda: plain(events=[*plain().followed, plain().followed[-1]])),
    ("stream", "an event never told", lambda: rebuilt(plain(), kept=(*plain().kept, event(31_000, D, 1)))),
    ("stream", "events told in another order", lambda: rebuilt(plain(), kept=plain().kept[::-1])),
    (
        "transitions",
        "done before it ran",
        lambda: plain(
            events=[event(10_000, Q, 0), event(30_000, D, 0)], record=Record(job(attempt=0), (), outcome(0))
        ),
    ),
    ("transitions", "it begins by running", lambda: plain(events=list(plain().followed[1:]))),
    ("transitions", "it is queued twice", lambda: plain(events=[event(9_000, Q, 0), *plain().followed])),
    ("transitions", "done turns into failed", lambda: after(plain(), event(31_000, F, 1))),
    ("ended", "it still runs", lambda: recorded(plain(events=list(plain().followed[:2])), state=R)),
    (
        "ended",
        "it ended twice",
        lambda: after(plain(), event(31_000, Q, 1), event(32_000, R, 2), event(33_000, D, 2)),
    ),
    ("ended", "it left a final state unrecorded", lambda: after(plain(), event(31_000, Q, 1))),
    ("ended", "a retry nobody saw", lambda: recorded(plain(), round=2)),
    ("ended", "record and events differ", lambda: recorded(plain(), state=F, reason=Reason.CRASHED)),
    (
        "fences",
        "a claim without a new fence",
        lambda: plain(events=[event(10_000, Q, 0), event(20_000, R, 0), event(30_000, D, 0)]),
    ),
    ("fences", "a fence falls", lambda: after(taken_over(), event(41_000, Q, 1))),
    (
        "fences",
        "a fence jumps",
        lambda: plain(events=[event(10_000, Q, 0), event(20_000, R, 2), event(30_000, D, 2)]),
    ),
    ("fences", "the record's fence is another", lambda: recorded(plain(), attempt=2)),
    ("claims", "one attempt, two workers", lambda: logged(plain(), line(21_000, "started", 1, SECOND))),
    ("claims", "one attempt started twice", lambda: logged(plain(), line(21_000, "started"))),
    ("claims", "an attempt the store does not know", lambda: logged(plain(), line(35_000, "started", 2))),
    ("claims", "ended by an attempt that never began", lambda: plain(lines=[line(30_000, "done")])),
    ("written_once", "two attempts recorded the end", lambda: logged(taken_over(), line(39_000, "done"))),
    (
        "written_once",
        "the loser's end was recorded",
        lambda: rebuilt(
            taken_over(),
            lines=(line(20_000, "started"), line(31_000, "started", 2, SECOND), line(39_000, "done")),
        ),
    ),
    (
        "written_once",
        "the outcome is the loser's",
        lambda: rebuilt(taken_over(), records={JOB: replace(taken_over().records[JOB], outcome=outcome())}),
    ),
    (
        "written_once",
        "the outcome is a failed one's, not that of the attempt that completed",
        lambda: run_again_and_cancelled(outcome(1, SECOND)),
    ),
    ("kept", "the outcome of a completed attempt is gone", lambda: run_again_and_cancelled(None)),
    ("losses", "a loss is not counted", lambda: recorded(taken_over(), losses=0)),
    ("losses", "lost beyond the limit", lambda: recorded(taken_over(), losses=4)),
    (
        "losses",
        "an earlier attempt is forgotten",
        lambda: rebuilt(taken_over(), records={JOB: replace(taken_over().records[JOB], attempts=())}),
    ),
    ("right", "another payload", lambda: plain(record=Record(job(), (), outcome(payload={"n": 2})))),
    ("right", "done without a result", lambda: plain(record=Record(job(), (), outcome() | {"result": None}))),
    (
        "right",
        "another energy",
        lambda: plain(
            wanted={"one": Wanted("sp", energy_hartree=-5.0)},
            record=Record(job(), (), outcome() | {"result": {"kind": "sp", "energy_hartree": -5.000000002}}),
        ),
    ),
    ("counts", "a count is wrong", lambda: plain(counts={D: 2})),
    ("nothing_left", "a process is left", lambda: plain(left=("a process",))),
    ("nothing_unexpected", "a worker logged an error", lambda: plain(unexpected=("an error",))),
    ("takeovers", "taken from an undisturbed worker", lambda: taken_over(None)),
    ("takeovers", "taken though another was killed", lambda: taken_over(pid=SECOND_PID)),
    ("takeovers", "taken because redis was restarted", lambda: taken_over(Kind.RESTART, 0)),
    (
        "takeovers",
        "taken because redis was away twice",
        lambda: taken_over(faults=(Fault(Kind.RESTART, 19_000, 20_000), Fault(Kind.SILENCE, 23_000, 29_500))),
    ),
    ("takeovers", "taken from a worker that only blinked", lambda: taken_over(Kind.BLINK)),
    ("takeovers", "taken from a worker that was asked to end", lambda: taken_over(Kind.DRAIN)),
    (
        "takeovers",
        "taken from one that could not tell the store, unasked",
        lambda: taken_over(None, last_words=f"{NOT_KNOWN}, it may run again: x"),
    ),
    ("right", "continued, and ended elsewhere", lambda: continued(-4.99997)),
    (
        "takeovers",
        "killed only afterwards",
        lambda: taken_over(faults=(Fault(Kind.KILL, 33_000, 33_000, PID),)),
    ),
    (
        "takeovers",
        "failed as lost without a reason",
        lambda: recorded(failed(Kind.KEEPER, Reason.WORKER_LOST), losses=3),
    ),
    ("takeovers", "killed long before", lambda: taken_over(faults=(Fault(Kind.KILL, 17_000, 17_000, PID),))),
    ("spared", "more jobs lost than the worker had slots", lambda: lost_together(3)),
    ("returns", "given back unasked", lambda: given_back(Kind.KILL)),
    (
        "failures",
        "failed though only another worker's engine was killed",
        lambda: rebuilt(failed(), faults=(Fault(Kind.CHILD, 29_000, 29_000, SECOND_PID),)),
    ),
    ("retries", "tried again, and its engine was left alone", lambda: tried_again(Kind.RUBBISH)),
    ("retries", "tried again unasked", lambda: tried_again(Kind.CHILD, retries=0)),
    ("retries", "a retry is not counted", lambda: tried_again(Kind.CHILD, retried=0)),
    ("failures", "failed for a reason nobody gave", lambda: failed(reason=Reason.INTERNAL)),
    (
        "failures",
        "failed as lost after one loss",
        lambda: recorded(failed(Kind.KILL, Reason.WORKER_LOST), losses=1),
    ),
    ("progress", "less was reached", lambda: plain(reached=(Reached(JOB, 106, 8),))),
    ("cancels", "cancelled unasked", lambda: cancelled(cancels=())),
    ("cancels", "started after the cancel", lambda: plain(cancels=(Cancel(JOB, 15_000, 15_001, R),))),
    ("cancels", "done all the same", lambda: plain(cancels=(Cancel(JOB, 15_000, 15_001, C),))),
    ("cancels", "failed all the same", lambda: rebuilt(failed(), cancels=(Cancel(JOB, 25_000, 25_001, R),))),
    (
        "cancels",
        "done long after its worker had to know",
        lambda: rebuilt(
            plain(events=[event(1, Q, 0), event(2, R, 1), event(30_000, D, 1)]),
            cancels=(Cancel(JOB, 3, 4, R),),
        ),
    ),
]


@pytest.mark.parametrize(("rule", "how", "make"), BROKEN, ids=[f"{rule}: {how}" for rule, how, _ in BROKEN])
def test_checker_each_rule_can_be_broken(rule: str, how: str, make: Callable[[], History]) -> None:  # noqa: ARG001
    """
    A history that breaks a rule is found to break it.
    """
    assert rule in {violation.rule for violation in check(make())}


def test_checker_no_rule_is_without_a_history_that_breaks_it() -> None:
    """
    A rule nobody saw fail proves nothing.
    """
    assert {rule.__name__ for rule in RULES} == {rule for rule, _, _ in BROKEN}


def test_a_violation_is_shown_with_the_seed_and_all_that_is_known_of_the_job() -> None:
    """
    The events, the log, the submit and the faults stand there in the order in which they happened.
    """
    found = taken_over(None, faults=(Fault(Kind.RUBBISH, 24_000, 24_000),))
    shown = table(Report("redis", 4711, 60.0, Path("soaked"), found, tuple(check(found))))

    assert "VIOLATED: takeovers: attempt 1 was taken from node-11-aa" in shown
    assert "seed 4711, redis store" in shown
    assert "its store and logs are kept in soaked" in shown
    told = story(found, JOB)[4:]
    assert [
        "10000 event: queued attempt 0  (10000)",
        "10000 submit: stored ",
        "20000 event: running attempt 1  (20000)",
        "20000 node-11-aa: attempt 1: started",
        "24000 FAULT: lay rubbish on the bell, until 24000",
        "30000 event: queued attempt 1  (30000)",
    ] == told[:6]


@pytest.mark.parametrize("jobs", [2, 3])
def test_checker_counts_the_jobs_that_one_fault_cost_a_worker(jobs: int) -> None:
    """
    A worker of two slots that is killed may lose two jobs, and not three.
    """
    assert (jobs > 2) == ("spared" in {violation.rule for violation in check(lost_together(jobs))})
