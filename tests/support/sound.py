"""Whether a local store is sound, whatever happened to the process that wrote it."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.stores import claimant, new_job, outcome, submit
from workers.job import TRANSITIONS, Job, JobState
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from workers.store.values import Artifact

EVERYTHING = 10**6
# What follows the jobs by triggers, and what it must equal.
_READY = "owner, lane, cores, memory_bytes, time_limit_s, engine"
_FOLLOW = (
    (
        "SELECT owner, state, n FROM tallies WHERE batch = ''",
        "SELECT owner, state, count(*) FROM jobs GROUP BY owner, state",
    ),
    (
        "SELECT batch, owner, state, n FROM tallies WHERE batch <> ''",
        "SELECT batch, owner, state, count(*) FROM jobs WHERE batch <> '' GROUP BY batch, owner, state",
    ),
    (
        f"SELECT {_READY}, ready FROM shapes",
        f"SELECT {_READY}, count(*) FROM jobs WHERE state = 'queued' GROUP BY {_READY}",
    ),
    (
        "SELECT number, attempt, worker FROM leases",
        "SELECT number, attempt, worker FROM jobs WHERE state = 'running'",
    ),
    ("SELECT number FROM specs", "SELECT number FROM jobs"),
    ("SELECT coalesce(max(event) - min(event) + 1, 0) FROM events", "SELECT count(*) FROM events"),
)


@dataclass(frozen=True)
class Seen:
    """What a store holds."""

    jobs: dict[str, Job]
    events: int
    artifacts: dict[str, list[Artifact]]

    def states(self) -> dict[str, JobState]:
        """The state of each job."""
        return {job_id: job.state for job_id, job in self.jobs.items()}


def look(home: Path) -> Seen:
    """Open a store as the next nox would, check that all of it makes sense, and say what it holds."""
    with closing(SqliteStore.open(home)) as store:
        with closing(sqlite3.connect(home / FILE)) as raw:
            assert [("ok",)] == raw.execute("PRAGMA integrity_check").fetchall()
            assert [] == raw.execute("PRAGMA foreign_key_check").fetchall()
            for kept, counted in _FOLLOW:
                assert Counter(raw.execute(counted)) == Counter(raw.execute(kept)), kept
        assert [] == store.audit()
        jobs = {job.id: job for job in store.get_many(store.with_numbers(1, EVERYTHING))}
        events = store.events("0", limit=100_000).items
        histories: dict[str, list[JobState]] = {job_id: [] for job_id in jobs}
        for event in events:
            histories[event.job_id].append(event.state)
        for job in jobs.values():
            _check_history(job, histories[job.id])
            _check_end(store, job)
        kept_by = {job_id: store.artifacts(job_id) for job_id in jobs}
        for job_id, artifacts in kept_by.items():
            for artifact in artifacts:
                _check_whole(store.artifact(job_id, artifact.name))
    return Seen(jobs, len(events), kept_by)


def go_on(home: Path) -> None:
    """Use a store as if nothing had happened: every job that waits can be run, and a new one too."""
    with closing(SqliteStore.open(home)) as store:
        (new,) = submit(store, new_job("later"))
        found = store.claim(claimant())
        while found:
            found = store.finish(found.lease, outcome(), claimant())
        assert JobState.DONE is store.get(new).state
        assert JobState.QUEUED not in store.counts()


def _check_history(job: Job, history: list[JobState]) -> None:
    assert JobState.QUEUED is history[0]
    assert job.state is history[-1]
    assert all(after in TRANSITIONS[before] for before, after in pairwise(history)), history
    assert job.attempt >= history.count(JobState.RUNNING) > 0 or job.attempt == 0


def _check_end(store: SqliteStore, job: Job) -> None:
    """A job has an outcome if it is done, and shows nothing of an attempt that did not end it."""
    assert (job.ended_ms is not None) == job.state.is_final
    assert (job.id in store.outcomes([job.id])) or job.state is not JobState.DONE
    assert job.state.is_final or job.good or not store.artifacts(job.id)


def _check_whole(artifact: Artifact) -> None:
    content = zlib.decompress(artifact.content) if artifact.content else Path(artifact.path).read_bytes()
    assert artifact.size == len(content)
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
