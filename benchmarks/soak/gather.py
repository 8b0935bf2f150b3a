"""Collects the evidence: the change stream all along; at the end records, logs, and whatever was left."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from benchmarks.soak.history import Line, Record
from tests.support.processes import arguments
from tests.support.waiting import wait_until
from workers.errors import StoreError
from workers.job import Reason
from workers.runtime.artifacts import ENGINE_LOG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.soak.stage import Stage
    from tests.support.nox import Worker
    from workers.job import JobState
    from workers.store.base import Store
    from workers.store.values import Event

_PAUSE_S = 0.2
_MANY = 10_000
_STRETCH = 500
ENDING_S = 5.0
# Log lines of a worker that is asked to end before it has begun, or after it has ended.
_TOO_EARLY: tuple[str, ...] = ("terminated",)
_TOO_LATE = ("interrupted", "terminated")


class Follower:
    """Reads the change stream from its beginning, in a thread, whatever becomes of the store."""

    def __init__(self, stage: Stage) -> None:
        self.events: list[Event] = []
        self.unexpected: list[str] = []
        self._stage = stage
        self._cursor = "0"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read what there is, and end."""
        self._ended.set()
        self._thread.join()
        with closing(self._stage.open_store()) as store:
            while self._read(store, 0.0):
                pass

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with closing(self._stage.open_store()) as store:
                    while not self._ended.is_set():
                        self._read(store, 0.5)
            except StoreError:
                self._ended.wait(_PAUSE_S)

    def _read(self, store: Store, wait_s: float) -> bool:
        stretch = store.events(self._cursor, limit=_MANY, wait_s=wait_s)
        if stretch.truncated:
            self.unexpected.append(f"events after {self._cursor} were dropped before they were read")
        self._cursor = stretch.cursor
        self.events += stretch.items
        return bool(stretch.items)


def is_torn(stage: Stage) -> bool:
    """Whether Redis ever found half a change at the end of its file, and cut it off."""
    return stage.redis is not None and "Truncating the AOF" in stage.redis.log()


def kept_events(store: Store) -> tuple[Event, ...]:
    """Read all of the change stream that the store still holds."""
    found: list[Event] = []
    cursor = "0"
    while True:
        stretch = store.events(cursor, limit=_MANY)
        if not stretch.items:
            return tuple(found)
        found += stretch.items
        cursor = stretch.cursor


def records(store: Store) -> dict[str, Record]:
    """Read every job the store knows, its earlier attempts and its outcome."""
    ids = store.with_numbers(1, 2**53)
    found: dict[str, Record] = {}
    for start in range(0, len(ids), _STRETCH):
        part = ids[start : start + _STRETCH]
        outcomes = store.outcomes(part)
        for job in store.get_many(part):
            attempts = tuple(store.attempts(job.id)) if job.attempt else ()
            outcome = json.loads(outcomes[job.id]) if job.id in outcomes else None
            found[job.id] = Record(job, attempts, outcome)
    return found


def read_logs(workers: list[Worker]) -> tuple[list[Line], list[str]]:
    """Read what all workers logged, and what of it no worker should."""
    lines: list[Line] = []
    unexpected: list[str] = []
    for worker in workers:
        borne = _TOO_EARLY
        for text in worker.log.splitlines():
            line = _line(text)
            if line is not None:
                lines.append(line)
                if line.message == "ended":
                    borne = _TOO_LATE
            if not text.startswith(borne) and (line is None or line.level == "error"):
                unexpected.append(f"worker {worker.pid} wrote: {text[:500]}")
    return lines, unexpected


def _line(text: str) -> Line | None:
    try:
        known = json.loads(text)
        return Line(
            at_ms=round(datetime.fromisoformat(known["time"]).timestamp() * 1_000),
            worker=known.get("worker", ""),
            level=known["level"],
            message=known["message"],
            job_id=known.get("job", ""),
            attempt=known.get("attempt", 0),
        )
    except (ValueError, TypeError, KeyError):
        return None


def left(stage: Stage, store: Store, known: Mapping[str, Record]) -> list[str]:
    """Find what should be gone once every worker has ended in good order."""
    found = [f"a process: {pid} {' '.join(arguments(pid))}" for pid in _living(stage)]
    found += [f"a scratch folder: {path}" for path in stage.scratch.glob("*")]
    found += [f"a file of no job's: {path}" for path in _unnamed(stage.nox.home / "artifacts", store, known)]
    found += [f"a worker that is still alive: {seen.beat.worker}" for seen in store.workers() if seen.alive]
    found += [f"an index that is not that of the records: {wrong}" for wrong in store.audit()]
    found += [f"a wrong count: {wrong}" for wrong in miscounted(store, known)]
    return found + (_in_redis(stage) if stage.redis else _in_sqlite(stage.nox.home / "nox.sqlite3"))


def miscounted(store: Store, known: Mapping[str, Record]) -> Iterator[str]:
    """Count the jobs of each owner and each batch again; name those whose counts differ."""
    owners: dict[str, Counter[JobState]] = {}
    batches: dict[str, Counter[JobState]] = {}
    for record in known.values():
        owners.setdefault(record.job.owner, Counter())[record.job.state] += 1
        batches.setdefault(record.job.batch, Counter())[record.job.state] += 1
    yield from (f"owner {one}" for one, jobs in owners.items() if store.counts(owner=one) != jobs)
    yield from (f"batch {one}" for one, jobs in batches.items() if one and store.counts(batch=one) != jobs)


def _living(stage: Stage) -> set[int]:
    """Give what is ending a moment; name the processes that stay."""
    with suppress(AssertionError):
        wait_until(lambda: not stage.processes(), ENDING_S, "the end of all processes")
    return stage.processes()


def _unnamed(artifacts: Path, store: Store, known: Mapping[str, Record]) -> Iterator[Path]:
    """Find files in the artifacts directory that no job of the store names.

    What an engine had printed when its worker was lost stays, to be read; a worker that is killed as it makes
    folders leaves them empty.
    """
    for path in sorted(artifacts.rglob("*")):
        if path.is_dir() and any(path.iterdir()):
            continue
        job_id, *inner = path.relative_to(artifacts).parts
        lost = _lost(known[job_id]) if job_id in known else set()
        if lost and (path.is_dir() or (inner[1:] == [ENGINE_LOG] and inner[0] in lost)):
            continue
        if job_id not in known or not any(one.path == str(path) for one in store.files(job_id)):
            yield path


def _lost(record: Record) -> set[str]:
    """Name the folders of a job's attempts whose worker did not record an end."""
    numbers = {attempt.number for attempt in record.attempts}
    if record.outcome is None or record.job.reason is Reason.WORKER_LOST:
        numbers.add(record.job.attempt)
    return {f"attempt-{number}" for number in numbers}


def _in_redis(stage: Stage) -> list[str]:
    assert stage.redis is not None
    patterns = ("nox:leases", "nox:lanes", "nox:shapes:*", "nox:ready:*", "nox:points:*")
    with stage.redis.client() as client:
        return [f"a key: {key!r}" for pattern in patterns for key in client.scan_iter(pattern, count=1_000)]


def _in_sqlite(path: Path) -> list[str]:
    found = []
    with closing(sqlite3.connect(path)) as database:
        for table in ("leases", "shapes"):
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            found += [f"a row of {table}: {row}" for row in rows]
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    return found if sound == "ok" else [*found, f"a damaged database: {sound}"]
