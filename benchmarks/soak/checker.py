"""The rules a soak is held to, each a function from a history to what breaks it.

Those in this file need no knowledge of what was done to the parts; `explained` has the others.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.soak import explained
from benchmarks.soak.history import Said, Violation
from workers.job import FINAL, MAX_LOSSES, TRANSITIONS, WAITING, JobState, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.soak.history import History, Line, Record, Submit

# Energies of one input, computed twice with one thread.
SAME_HARTREE = 1e-9
# Of an optimisation that continues from an earlier attempt, with a Hessian guessed anew: it stops
# elsewhere within what its level takes for converged.
CONVERGED_HARTREE = 1e-5
_JOB_ID = re.compile(r"\b[0-9a-f]{32}\b")


def check(history: History) -> list[Violation]:
    """Hold a history to every rule."""
    return [Violation(rule.__name__, what, job_id) for rule in RULES for job_id, what in rule(history)]


def stored(history: History) -> Iterator[tuple[str, str]]:
    """A job whose id was printed exists, one for each that was asked for; one that was denied does not."""
    by_name: dict[str, list[str]] = {}
    for job_id, record in history.records.items():
        by_name.setdefault(record.job.name, []).append(job_id)
        if record.job.name not in history.wanted:
            yield job_id, f"nobody asked for a job named {record.job.name!r}"
    for submit in history.submits:
        yield from _kept_word(history, submit, by_name)


def _kept_word(history: History, submit: Submit, by_name: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    yield from (
        (job_id, "its id was printed, and it is gone")
        for job_id in submit.ids
        if job_id not in history.records
    )
    found = [job_id for name in submit.names for job_id in by_name.get(name, [])]
    if submit.said is not Said.UNKNOWN:
        yield from (
            (job_id, f"it is stored, and was not printed: {submit.words}")
            for job_id in found
            if job_id not in submit.ids
        )
    for name in submit.names:
        if len(by_name.get(name, [])) > 1:
            yield by_name[name][-1], f"{name} was asked for once and is stored {len(by_name[name])} times"
    if submit.said is Said.STORED:
        for name, job_id in zip(submit.names, submit.ids, strict=True):
            if job_id in history.records and history.records[job_id].job.name != name:
                yield job_id, f"the id printed for {name} is that of {history.records[job_id].job.name}"


def stream(history: History) -> Iterator[tuple[str, str]]:
    """A reader of the change stream sees each change once, in order, and none is missing.

    Where Redis cut half a change off its file, its next start but one adds the events of that half.
    """
    twice = [
        cursor for cursor, times in Counter(event.cursor for event in history.followed).items() if times > 1
    ]
    yield from (("", f"the event at {cursor} was told twice") for cursor in twice)
    followed = frozenset(history.followed)
    there = [event for event in history.kept if not history.is_torn or event in followed]
    if there:
        tail = history.followed[-len(there) :]
        for seen, kept in zip(tail, there, strict=False):
            if seen != kept:
                yield kept.job_id, f"followed: {seen}; kept: {kept}"
                return
        if len(history.followed) < len(there):
            yield "", f"{len(history.followed)} events were followed, {len(there)} are kept"


def transitions(history: History) -> Iterator[tuple[str, str]]:
    """A job begins by waiting, and changes only along the table."""
    for job_id, events in history.events.items():
        states = [event.state for event in events]
        if states[0] not in WAITING:
            yield job_id, f"its history begins as {states[0]}"
        for one, following in pairwise(states):
            if following not in TRANSITIONS[one]:
                yield job_id, f"it went from {one} to {following}"


def ended(history: History) -> Iterator[tuple[str, str]]:
    """Every job ends once a round, and leaves a final state only by a recorded retry."""
    for job_id, record in history.records.items():
        states = [event.state for event in history.events.get(job_id, ())]
        ends = sum(state in FINAL for state in states)
        left = sum(one in FINAL and following not in FINAL for one, following in pairwise(states))
        if record.job.state not in FINAL:
            yield job_id, f"it never ended: it is {record.job.state}"
        elif ends != record.job.round:
            yield job_id, f"it ended {ends} times in {record.job.round} round(s)"
        if left != record.job.round - 1:
            yield (
                job_id,
                f"it left a final state {left} times, and {record.job.round - 1} retries are recorded",
            )
        if not states or states[-1] is not record.job.state:
            yield (
                job_id,
                f"it is {record.job.state}, and the last event says {states[-1] if states else 'nothing'}",
            )


def fences(history: History) -> Iterator[tuple[str, str]]:
    """Each claim adds one to the fence, and nothing else changes it."""
    for job_id, events in history.events.items():
        fence = 0
        for event in events:
            wanted = fence + 1 if event.state is JobState.RUNNING else fence
            if event.attempt != wanted:
                yield job_id, f"{event.state} under fence {event.attempt}, after fence {fence}"
            fence = event.attempt
        record = history.records.get(job_id)
        if record and record.job.attempt != fence:
            yield job_id, f"the record says fence {record.job.attempt}, the last event {fence}"


def claims(history: History) -> Iterator[tuple[str, str]]:
    """Each attempt is started once, by the worker the store names, and no other is started or ended."""
    for job_id, lines in history.log.items():
        record = history.records.get(job_id)
        if record is None:
            continue  # `stored` reports it
        owners = {attempt.number: attempt.worker for attempt in record.attempts}
        if record.job.worker:
            owners[record.job.attempt] = record.job.worker
        starts = Counter(line.attempt for line in lines if line.message == STARTED)
        for attempt, times in starts.items():
            if times > 1:
                yield job_id, f"attempt {attempt} was started {times} times"
        for line in lines:
            if owners.get(line.attempt) != line.worker:
                yield (
                    job_id,
                    (
                        f"attempt {line.attempt} belongs to {owners.get(line.attempt)}, "
                        f"and {line.worker} logged {line.message!r}"
                    ),
                )
        if _was_finished(record) and record.job.attempt not in starts:
            yield job_id, f"attempt {record.job.attempt} ended the job, and nobody logged its start"


def _was_finished(record: Record) -> bool:
    """Whether an attempt ended the job, and no cancel or tick."""
    return record.outcome is not None and record.job.reason is not Reason.WORKER_LOST


def written_once(history: History) -> Iterator[tuple[str, str]]:
    """One attempt's end is recorded, and it is that of the attempt the record names."""
    for job_id, lines in history.log.items():
        record = history.records.get(job_id)
        if record is None:
            continue
        before = {attempt.number for attempt in record.attempts if explained.was_retried(attempt)}
        ends = [line for line in lines if _is_verdict(line) and line.attempt not in before]
        if len(ends) > record.job.round:
            yield job_id, f"{len(ends)} attempts recorded its end"
        yield from (
            (
                job_id,
                f"{line.worker} recorded the end of attempt {line.attempt}, not of {record.job.attempt}",
            )
            for line in ends[record.job.round - 1 :]
            if line.attempt != record.job.attempt
        )
        outcome = record.outcome
        if outcome and (outcome["attempt"], outcome["worker"]) != _shown(record):
            yield job_id, f"its outcome is of attempt {outcome['attempt']} of {outcome['worker']}"


def _shown(record: Record) -> tuple[int | None, str]:
    """Name the attempt whose outcome is to be shown, and its worker."""
    workers = {attempt.number: attempt.worker for attempt in record.attempts}
    shown = record.job.shown
    return shown, record.job.worker if shown is None or shown not in workers else workers[shown]


def kept(history: History) -> Iterator[tuple[str, str]]:
    """Once an attempt of a job has completed, an outcome is shown: that of the newest such attempt."""
    for job_id, record in history.records.items():
        completed = [attempt.number for attempt in record.attempts if attempt.ended_as == JobState.DONE]
        if record.job.state is JobState.DONE:
            completed.append(record.job.attempt)
        shown = record.outcome and record.outcome["attempt"]
        if completed and shown != completed[-1]:
            yield job_id, f"attempt {completed[-1]} completed, and the outcome shown is of {shown}"


def _tolerated(result: Mapping[str, Any]) -> float:
    """Return the largest difference of an energy from the undisturbed one."""
    is_continued = result.get("provenance", {}).get("continued") is not None
    return CONVERGED_HARTREE if is_continued else SAME_HARTREE


STARTED = "started"


def _is_verdict(line: Line) -> bool:
    return line.message.partition(":")[0] in {state.value for state in FINAL}


def losses(history: History) -> Iterator[tuple[str, str]]:
    """No job is lost more often than the limit; losses and attempts are counted right."""
    for job_id, record in history.records.items():
        job = record.job
        lost = sum(attempt.ended_as == "worker_lost" for attempt in record.attempts)
        lost += job.state is JobState.FAILED and job.reason is Reason.WORKER_LOST
        if job.losses > MAX_LOSSES:
            yield job_id, f"it was lost {job.losses} times"
        if job.losses != lost:
            yield job_id, f"{job.losses} losses are counted, {lost} attempts were lost"
        numbers = [attempt.number for attempt in record.attempts]
        events = history.events.get(job_id, ())
        returns = sum(
            one.state not in WAITING and following.state in WAITING for one, following in pairwise(events)
        )
        if numbers != sorted(set(numbers)) or len(numbers) != returns:
            yield job_id, f"it returned to the queue {returns} times, and its earlier attempts are {numbers}"


def right(history: History) -> Iterator[tuple[str, str]]:
    """The result of a done job equals that of an undisturbed computation."""
    for job_id, record in history.records.items():
        wanted = history.wanted.get(record.job.name)
        if record.job.state is not JobState.DONE or wanted is None:
            continue
        result = (record.outcome or {}).get("result")
        if result is None or result.get("kind") != wanted.kind:
            yield job_id, f"it is done, and its result is {result}"
        elif wanted.energy_hartree is None:
            if result["payload"] != wanted.payload:
                yield job_id, f"it brought {result['payload']!r}, and {wanted.payload!r} was asked for"
        elif abs(result["energy_hartree"] - wanted.energy_hartree) > _tolerated(result):
            yield job_id, f"its energy is {result['energy_hartree']!r}, undisturbed {wanted.energy_hartree!r}"


def progress(history: History) -> Iterator[tuple[str, str]]:
    """The progress of a job never decreases when its worker is asked to end."""
    for one in history.reached:
        if one.after < one.before:
            yield one.job_id, f"{one.before} gradients became {one.after} as its worker was asked to end"


def counts(history: History) -> Iterator[tuple[str, str]]:
    """The store's counts are those of its records."""
    found = dict(Counter(record.job.state for record in history.records.values()))
    if found != dict(history.counts):
        yield "", f"counted: {dict(history.counts)}; records: {found}"


def nothing_left(history: History) -> Iterator[tuple[str, str]]:
    """No process, folder, lease or lane outlives the soak."""
    for what in history.left:
        named = _JOB_ID.search(what)
        yield named[0] if named else "", what


def nothing_unexpected(history: History) -> Iterator[tuple[str, str]]:
    """Processes end only when they are asked to, and log no error."""
    yield from (("", what) for what in history.unexpected)


RULES: tuple[Callable[[History], Iterator[tuple[str, str]]], ...] = (
    stored,
    stream,
    transitions,
    ended,
    fences,
    claims,
    written_once,
    kept,
    losses,
    right,
    progress,
    counts,
    nothing_left,
    nothing_unexpected,
    explained.takeovers,
    explained.spared,
    explained.returns,
    explained.retries,
    explained.failures,
    explained.cancels,
)
