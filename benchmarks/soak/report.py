"""The report of a soak: a table, JSON, and for each violation the whole history of the job."""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.soak.history import Kind, pid_of
from workers.job import FINAL, Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.soak.history import Fault, History, Violation
    from workers.job import Job

# Of each rule's violations; the others follow from these more often than not.
MAX_SHOWN = 3
_AROUND_MS = 12_000


@dataclass(frozen=True, slots=True)
class Report:
    """One store's soak."""

    store: str
    seed: int
    seconds: float
    folder: Path
    history: History
    violations: tuple[Violation, ...]

    @property
    def figures(self) -> dict[str, Any]:
        """The numbers of it, by name."""
        jobs = [record.job for record in self.history.records.values()]
        attempts = [attempt for record in self.history.records.values() for attempt in record.attempts]
        ends = Counter(attempt.ended_as for attempt in attempts)
        states = Counter(str(job.state) for job in jobs)
        return {
            "jobs": len(jobs),
            **{str(state): states[str(state)] for state in sorted(FINAL)},
            "submits": dict(Counter(str(submit.said) for submit in self.history.submits)),
            "cancels": len(self.history.cancels),
            "attempts": sum(job.attempt for job in jobs),
            "re-runs": len(attempts),
            "taken back": ends["worker_lost"],
            "given back": ends["given_back"],
            "events": len(self.history.followed),
            "faults that hit a running job": hits(self.history),
            "longest until taken back, s": takeover_s(self.history),
            "faults": dict(sorted(Counter(str(fault.kind) for fault in self.history.faults).items())),
        }


def hits(history: History) -> int:
    """Count what was done to a worker, or to what it had started, while it ran a job."""
    spans = [
        (pid_of(attempt.worker), attempt.started_ms, attempt.ended_ms)
        for record in history.records.values()
        for attempt in (*record.attempts, _newest(record.job))
    ]
    return sum(
        any(fault.pid == pid and since <= fault.start_ms <= until for pid, since, until in spans)
        for fault in history.faults
    )


def _newest(job: Job) -> Attempt:
    return Attempt(job.attempt, job.round, job.worker, job.started_ms or 0, job.ended_ms or 0, "")


def takeover_s(history: History) -> float:
    """The longest time from a worker's kill until the jobs it ran were requeued."""
    kills = {fault.pid: fault.start_ms for fault in history.faults if fault.kind is Kind.KILL}
    waits = [
        attempt.ended_ms - kills[pid_of(attempt.worker)]
        for record in history.records.values()
        for attempt in record.attempts
        if attempt.ended_as == "worker_lost" and pid_of(attempt.worker) in kills
    ]
    return max(waits, default=0) / 1_000


def table(report: Report) -> str:
    """Draw one soak."""
    rows = [f"soak, {report.store} store, seed {report.seed}, {report.seconds:g} s of faults"]
    for name, value in report.figures.items():
        if isinstance(value, dict):
            rows += [f"  {name}: {key:<{40 - len(name)}} {number:>8,}" for key, number in value.items()]
        else:
            rows.append(f"  {name:<42} {value:>8,}")
    found = len(report.violations)
    rows.append(f"  verdict: {'nothing was lost, nothing ran wild' if not found else f'{found} VIOLATIONS'}")
    if found:
        rows.append(f"  its store and logs are kept in {report.folder}")
    for violation in shown(report.violations):
        rows.append(
            f"\nVIOLATED: {violation.rule}: {violation.what} (seed {report.seed}, {report.store} store)"
        )
        rows += [f"    {line}" for line in story(report.history, violation.job_id)]
    return "\n".join(rows)


def shown(violations: Sequence[Violation]) -> list[Violation]:
    """Choose the first few of each rule."""
    seen: Counter[str] = Counter()
    chosen = []
    for violation in violations:
        seen[violation.rule] += 1
        if seen[violation.rule] <= MAX_SHOWN:
            chosen.append(violation)
    return chosen


def story(history: History, job_id: str) -> list[str]:
    """Tell all that is known of one job, in the order in which it happened."""
    record = history.records.get(job_id)
    if not job_id:
        return []
    told = sorted(_told(history, job_id))
    if told:
        since, until = told[0][0] - _AROUND_MS, told[-1][0] + _AROUND_MS
        told += [
            (fault.start_ms, _shown(fault))
            for fault in history.faults
            if since <= fault.end_ms and fault.start_ms <= until
        ]
    head = [f"job {job_id}"]
    if record is not None:
        head += [f"{record.job}", *map(str, record.attempts), f"outcome: {str(record.outcome)[:600]}"]
    return head + [f"{at_ms} {what}" for at_ms, what in sorted(told)]


def _told(history: History, job_id: str) -> Iterator[tuple[int, str]]:
    name = history.records[job_id].job.name if job_id in history.records else ""
    for submit in history.submits:
        if job_id in submit.ids or name in submit.names:
            yield submit.at_ms, f"submit: {submit.said} {submit.words.strip()}"
    for event in history.events.get(job_id, ()):
        yield (
            event.at_ms,
            f"event: {event.state} attempt {event.attempt} {event.reason or ''} ({event.cursor})",
        )
    for line in history.log.get(job_id, ()):
        yield line.at_ms, f"{line.worker}: attempt {line.attempt}: {line.message}"
    for cancel in history.cancels:
        if cancel.job_id == job_id:
            yield cancel.sent_ms, f"cancel, answered at {cancel.acked_ms}: {cancel.after}"


def _shown(fault: Fault) -> str:
    whose = f" of worker {fault.pid}" if fault.pid else ""
    return f"FAULT: {fault.kind}{whose}, until {fault.end_ms}"


def write_json(reports: Sequence[Report], path: Path) -> None:
    """Keep all soaks of one run."""
    document = {
        "schema": 1,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "soaks": [
            {
                "store": report.store,
                "seed": report.seed,
                "seconds": report.seconds,
                "verdict": "VIOLATED" if report.violations else "ok",
                **report.figures,
                "violations": [
                    asdict(violation) | {"history": story(report.history, violation.job_id)}
                    for violation in shown(report.violations)
                ],
            }
            for report in reports
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
