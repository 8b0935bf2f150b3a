"""The rules that hold what became of jobs against what was done to the parts: nothing happens by itself."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.soak.history import BREAKING, DETHRONING, OUTAGES, RETURNING, SLOTS, pid_of
from workers.job import MAX_LOSSES, MAX_RELEASES, JobState
from workers.runtime.recorder import NOT_KNOWN
from workers.store.base import RENEW_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.soak.history import Cancel, Fault, History, Kind, Record
    from workers.job import Attempt

# Clocks are read, lines logged and signals sent by different processes.
SLACK_MS = 1_000
# A worker hears of a cancel at its next renewal; then an engine has 5 s to end.
CANCEL_MS = RENEW_EVERY_S * 1_000 + 5_000 + 5_000


def takeovers(history: History) -> Iterator[tuple[str, str]]:
    """A job is taken from a worker only if that worker was killed, frozen or cut off meanwhile.

    It may also lose an attempt if it had to end while the store was unreachable, so that it could not release
    the job: that was observed, or the worker logged it, as where a frozen process held the local store.
    """
    for job_id, record in history.records.items():
        for number, worker, granted_ms, until_ms in _losses(record):
            since_ms = _asked_ms(history, granted_ms)
            endings = _hits(history, RETURNING, worker, since_ms, until_ms)
            is_explained = (
                _hits(history, DETHRONING, worker, since_ms, until_ms)
                or any(_outages(history, ending.start_ms, ending.end_ms) for ending in endings)
                or (endings and _said_so(history, job_id, number, worker))
            )
            if not is_explained:
                yield job_id, f"attempt {number} was taken from {worker}, and nothing had been done to it"


def spared(history: History) -> Iterator[tuple[str, str]]:
    """A worker that is lost costs each of its slots one job's loss: those that had not begun are spared."""
    lost: dict[str, list[str]] = defaultdict(list)
    for job_id, record in history.records.items():
        for _, worker, _, _ in _losses(record):
            lost[worker].append(job_id)
    for worker, jobs in lost.items():
        times = sum(one.kind in OUTAGES or one.pid == pid_of(worker) for one in history.faults)
        if len(jobs) > SLOTS * max(1, times):
            yield jobs[-1], f"{worker} of {SLOTS} slots lost {len(jobs)} jobs by {times} faults"


def returns(history: History) -> Iterator[tuple[str, str]]:
    """A job that has begun is released only by a worker that was asked to end."""
    for job_id, record in history.records.items():
        for attempt in record.attempts:
            when = (attempt.worker, attempt.started_ms, attempt.ended_ms)
            is_begun_release = attempt.ended_as == "given_back" and attempt.ran
            if is_begun_release and not _hits(history, RETURNING, *when):
                yield job_id, f"{attempt.worker} gave attempt {attempt.number} back, unasked"


def retries(history: History) -> Iterator[tuple[str, str]]:
    """A job is tried again only as often as was asked for, and after its engine or keeper was killed."""
    for job_id, record in history.records.items():
        job = record.job
        again = [one for one in record.attempts if was_retried(one) and one.round == job.round]
        for attempt in again:
            when = (attempt.worker, attempt.started_ms, attempt.ended_ms)
            if attempt.ended_as != "crashed" or not _hits(history, BREAKING, *when):
                yield job_id, f"attempt {attempt.number} ended as {attempt.ended_as} by itself"
        if not len(again) == job.retried <= job.retries:
            yield job_id, f"tried again {len(again)} times, {job.retried} counted, {job.retries} asked for"


def was_retried(attempt: Attempt) -> bool:
    """Whether an earlier attempt ended by itself, and the job continued."""
    return attempt.ended_as not in {"given_back", "worker_lost"}


def failures(history: History) -> Iterator[tuple[str, str]]:
    """A job fails only if its engine or keeper was killed, or it was lost or released too often."""
    for job_id, record in history.records.items():
        job = record.job
        if job.state is not JobState.FAILED:
            continue
        is_explained = {
            "crashed": bool(_hits(history, BREAKING, job.worker, job.started_ms or 0, job.ended_ms or 0)),
            "worker_lost": job.losses == MAX_LOSSES,
            "timeout": job.releases == MAX_RELEASES
            and bool(_hits(history, RETURNING, job.worker, job.started_ms or 0, job.ended_ms or 0)),
        }
        if not is_explained.get(str(job.reason), False):
            why = (record.outcome or {}).get("failure")
            yield job_id, f"it failed, {job.reason}, and nothing had been done to its engine: {why}"


def cancels(history: History) -> Iterator[tuple[str, str]]:
    """A cancel that was acknowledged holds; nothing else cancels."""
    asked: dict[str, list[Cancel]] = {}
    for cancel in history.cancels:
        asked.setdefault(cancel.job_id, []).append(cancel)
    for job_id, record in history.records.items():
        if record.job.state is JobState.CANCELLED and job_id not in asked:
            yield job_id, "it was cancelled, and nobody had asked for that"
        for cancel in asked.get(job_id, ()):
            yield from ((job_id, what) for what in _broken_cancel(history, record, cancel))


def _broken_cancel(history: History, record: Record, cancel: Cancel) -> Iterator[str]:
    job = record.job
    if cancel.acked_ms is None or cancel.after in {JobState.DONE, JobState.FAILED}:
        return
    if any(
        event.state is JobState.RUNNING and event.at_ms > cancel.acked_ms
        for event in history.events.get(job.id, ())
    ):
        yield "it was started after its cancel was acknowledged"
    if cancel.after is JobState.CANCELLED or job.state is not JobState.DONE:
        if job.state is not JobState.CANCELLED:
            yield f"its cancel was acknowledged ({cancel.after}), and it is {job.state}"
        return
    late_ms = (job.ended_ms or 0) - cancel.acked_ms
    if late_ms > CANCEL_MS and not _was_disturbed(history, cancel.acked_ms, job.ended_ms or 0):
        yield f"it was done {late_ms} ms after its worker was to be told of the cancel"


def _losses(record: Record) -> Iterator[tuple[int, str, int, int]]:
    """Name the attempts that were lost: number, worker, start and end."""
    for attempt in record.attempts:
        if attempt.ended_as == "worker_lost":
            yield attempt.number, attempt.worker, attempt.started_ms, attempt.ended_ms
    job = record.job
    if job.state is JobState.FAILED and job.reason == "worker_lost":
        yield job.attempt, job.worker, job.started_ms or 0, job.ended_ms or 0


def _hits(history: History, kinds: frozenset[Kind], worker: str, since_ms: int, until_ms: int) -> list[Fault]:
    """Find what of these kinds was done to a worker between two times."""
    pid = pid_of(worker)
    return [
        fault
        for fault in history.faults
        if fault.kind in kinds and fault.pid == pid and _touches(fault, since_ms, until_ms)
    ]


def _outages(history: History, since_ms: int, until_ms: int) -> list[Fault]:
    """Find when the store was unreachable between two times."""
    return [one for one in history.faults if one.kind in OUTAGES and _touches(one, since_ms, until_ms)]


def _said_so(history: History, job_id: str, attempt: int, worker: str) -> bool:
    """Whether a worker logged that it could not write the end of an attempt to the store."""
    return any(
        (line.attempt, line.worker) == (attempt, worker) and line.message.startswith(NOT_KNOWN)
        for line in history.log.get(job_id, ())
    )


def _asked_ms(history: History, granted_ms: int) -> int:
    """Say since when a claim may have been on its way: Redis, back again, reads what the dead had sent."""
    return min([granted_ms, *(one.start_ms for one in _outages(history, granted_ms, granted_ms))])


def _was_disturbed(history: History, since_ms: int, until_ms: int) -> bool:
    return any(_touches(fault, since_ms, until_ms) for fault in history.faults)


def _touches(fault: Fault, since_ms: int, until_ms: int) -> bool:
    return fault.start_ms - SLACK_MS <= until_ms and since_ms <= fault.end_ms + SLACK_MS
