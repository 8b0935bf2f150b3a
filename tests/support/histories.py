"""Hand-made histories of soaks: of one job that runs, is taken over, fails, is tried again or cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.soak.history import Cancel, Fault, History, Kind, Line, Record, Said, Submit, Wanted
from workers.job import Attempt, Job, JobState, Reason
from workers.store.values import Event

JOB, OTHER = "1" * 32, "2" * 32
WORKER, SECOND = "node-11-aa", "node-22-bb"
PID, SECOND_PID = 11, 22
Q, R, D, F, C = JobState.QUEUED, JobState.RUNNING, JobState.DONE, JobState.FAILED, JobState.CANCELLED
S = JobState.SCHEDULED
PAYLOAD = {"n": 1}


def event(at: int, state: JobState, attempt: int, reason: Reason | None = None, job_id: str = JOB) -> Event:
    """Make an event at a time that is also its cursor."""
    return Event(str(at), at, job_id, 1, state, attempt, reason, "")


def line(at: int, message: str, attempt: int = 1, worker: str = WORKER, job_id: str = JOB) -> Line:
    """Make a line of a worker's log."""
    return Line(at, worker, "info", message, job_id, attempt)


def job(state: JobState = D, **changes: Any) -> Job:
    """Make the record of a job of one attempt."""
    plain: dict[str, Any] = {"name": "one", "attempt": 1, "worker": WORKER, "started_ms": 20_000}
    return Job(JOB, 1, state, "soak", "echo", 10_000, **plain | {"ended_ms": 30_000} | changes)


def outcome(attempt: int = 1, worker: str = WORKER, payload: object = PAYLOAD) -> dict[str, Any]:
    """Make the outcome of an echo job."""
    return {"attempt": attempt, "worker": worker, "result": {"kind": "echo", "payload": payload}}


PLAIN_OUTCOME = outcome()


def history(record: Record, events: list[Event], lines: list[Line], **changes: Any) -> History:
    """Make the history of one job that was asked for and printed."""
    plain: dict[str, Any] = {
        "wanted": {"one": Wanted("echo", PAYLOAD)},
        "submits": (Submit(10_000, ("one",), (JOB,), Said.STORED),),
        "cancels": (),
        "faults": (),
        "followed": tuple(events),
        "kept": tuple(events),
        "lines": tuple(lines),
        "records": {JOB: record},
        "counts": {record.job.state: 1},
    }
    return History(**plain | changes)


def plain(**changes: Any) -> History:
    """A job that ran once and is done."""
    events = [event(10_000, Q, 0), event(20_000, R, 1), event(30_000, D, 1)]
    lines = [line(20_000, "started"), line(30_000, "done")]
    record = changes.pop("record", Record(job(), (), outcome()))
    return history(record, changes.pop("events", events), changes.pop("lines", lines), **changes)


def taken_over(
    kind: Kind | None = Kind.KILL, pid: int = PID, *, last_words: str = "", **changes: Any
) -> History:
    """A job whose first worker was lost, after it logged its last words; a second brought it to its end."""
    states = [(10, Q, 0), (20, R, 1), (30, Q, 1), (31, R, 2), (40, D, 2)]
    events = [event(at * 1_000, state, attempt) for at, state, attempt in states]
    lines = [line(20_000, "started"), line(31_000, "started", 2, SECOND), line(40_000, "done", 2, SECOND)]
    if last_words:
        lines.append(line(28_000, last_words))
    first = Attempt(1, 1, WORKER, 20_000, 30_000, "worker_lost")
    done = job(attempt=2, worker=SECOND, losses=1, started_ms=31_000, ended_ms=40_000)
    record = Record(done, (first,), outcome(2, SECOND))
    faults = (Fault(kind, 24_000, 24_100, pid),) if kind else ()
    return history(record, events, lines, **{"faults": faults} | changes)


def given_back(kind: Kind = Kind.DRAIN, *, ran: bool = True) -> History:
    """A job whose first worker gave it back, after it had begun or before."""
    first = Attempt(1, 1, WORKER, 20_000, 30_000, "given_back", ran=ran)
    before = taken_over(kind)
    record = before.records[JOB]
    counted = record.job._replace(losses=0, releases=1)
    return rebuilt(before, records={JOB: replace(record, job=counted, attempts=(first,))})


def failed(kind: Kind = Kind.CHILD, reason: Reason = Reason.CRASHED) -> History:
    """A job whose engine was killed."""
    record = Record(job(F, reason=reason), (), outcome() | {"result": None, "failure": "killed"})
    events = [event(10_000, Q, 0), event(20_000, R, 1), event(30_000, F, 1, reason)]
    lines = [line(20_000, "started"), line(30_000, f"failed: {reason}")]
    return history(record, events, lines, faults=(Fault(kind, 29_000, 29_100, PID),))


def tried_again(kind: Kind, **changes: Any) -> History:
    """A job whose engine was killed, and that was to be tried again."""
    states = [(10, Q, 0), (20, R, 1), (30, S, 1), (40, Q, 1), (41, R, 2), (50, D, 2)]
    events = [event(at * 1_000, state, attempt) for at, state, attempt in states]
    lines = [line(20_000, "started"), line(30_000, "failed: crashed"), line(41_000, "started", 2)]
    first = Attempt(1, 1, WORKER, 20_000, 30_000, "crashed")
    again = {"retries": 1, "retried": 1} | changes
    record = Record(job(attempt=2, started_ms=41_000, ended_ms=50_000, **again), (first,), outcome(2))
    faults = (Fault(kind, 29_000, 29_000, PID),)
    return history(record, events, [*lines, line(50_000, "done", 2)], faults=faults)


def cancelled(**changes: Any) -> History:
    """A job that was cancelled while it waited."""
    record = Record(job(C, attempt=0, worker="", started_ms=None, reason=Reason.USER, ended_ms=15_000))
    cancel = Cancel(JOB, 14_900, 15_100, C)
    events = [event(10_000, Q, 0), event(15_000, C, 0)]
    return history(record, events, [], **{"cancels": (cancel,)} | changes)


def rebuilt(before: History, **changes: Any) -> History:
    """Make a history like another, but for some parts."""
    made = {name: getattr(before, name) for name in History.__slots__ if name not in {"events", "log"}}
    return History(**made | changes)


def after(before: History, *more: Event, **changes: Any) -> History:
    """Let more happen to a job than its record says."""
    events = (*before.followed, *more)
    return rebuilt(before, followed=events, kept=events, **changes)


def recorded(before: History, **changes: Any) -> History:
    """Change the record of the job."""
    record = before.records[JOB]
    changed = replace(record, job=record.job._replace(**changes))
    return rebuilt(before, records={JOB: changed}, counts={changed.job.state: 1})


def logged(before: History, *more: Line) -> History:
    """Let workers log more."""
    return rebuilt(before, lines=(*before.lines, *more))


def run_again_and_cancelled(shown: dict[str, Any] | None = PLAIN_OUTCOME) -> History:
    """A job that was done, was to run again, and was cancelled before it did."""
    first = Attempt(1, 1, WORKER, 20_000, 30_000, "done")
    again = {"round": 2, "good": 1, "worker": "", "started_ms": None, "ended_ms": 45_000}
    record = Record(job(C, reason=Reason.USER, **again), (first,), shown)
    events = [*plain().followed, event(40_000, Q, 1), event(45_000, C, 1)]
    cancels = (Cancel(JOB, 44_900, 45_100, C),)
    return plain(record=record, events=events, cancels=cancels)
