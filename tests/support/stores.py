"""What the store tests are told in: jobs, claimants, beats and outcomes with sensible defaults."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import contextmanager, suppress
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workers.errors import StoreUnreachable
from workers.job import RESULT_PHASE, JobState, Lease, NewJob, Progress, Reason
from workers.store.values import Artifact, Beat, Claim, Claimant, Outcome, Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store

ADA, BOB = "ada", "bob"
RUNNING_JOBS = Query(states=frozenset({JobState.RUNNING}), limit=1_000)
GIB = 1024**3
WORKER = "node07-4711-a1b2c3"
OTHER_WORKER = "node08-12-d4e5f6"
ENGINES = frozenset({"echo", "xtb", "xtb@22.1"})

_sequence = count(1)


def new_job(name: str = "", **changes: Any) -> NewJob:
    """Make a job nobody else has, ready to be stored."""
    job_id = changes.pop("id", uuid4().hex)
    plain: dict[str, Any] = {
        "owner": ADA,
        "kind": "echo",
        "spec_json": f'{{"kind":"echo","payload":"{name}"}}',
        "digest": f"digest of {job_id}",
        "engine": "echo",
    }
    return NewJob(id=job_id, name=name, **plain | changes)


def submit(store: Store, *jobs: NewJob) -> list[str]:
    """Store jobs in a submit of their own; return their ids."""
    return [accepted.job_id for accepted in store.submit(jobs, submission=uuid4().hex)]


def submit_named(store: Store, names: str, **changes: Any) -> list[str]:
    """Store one job a word; return their ids."""
    return submit(store, *(new_job(name, **changes) for name in names.split()))


def claimant(worker: str = WORKER, **changes: Any) -> Claimant:
    """Make a slot with plenty of room that asks for its next job."""
    plain: dict[str, Any] = {
        "slot": 0,
        "sequence": next(_sequence),
        "cores": 8,
        "memory_bytes": 16 * GIB,
        "engines": ENGINES,
        "owner": None,
    }
    return Claimant(worker, **plain | changes)


def claim(store: Store, worker: str = WORKER, **changes: Any) -> Claim:
    """Claim a job that must be there."""
    found = store.claim(claimant(worker, **changes))
    assert found is not None, "nothing to claim"
    return found


def claimed_names(store: Store, **changes: Any) -> list[str]:
    """Claim until nothing is left; name the jobs in the order they were handed out."""
    names = []
    while found := store.claim(claimant(**changes)):
        names.append(found.job.name)
    return names


def outcome(state: JobState = JobState.DONE, reason: Reason | None = None, **changes: Any) -> Outcome:
    """Say how an attempt ended."""
    return Outcome(state, reason, **{"outcome_json": f'{{"ended":"{state}"}}', **changes})


def ended_at(energy_hartree: float) -> Progress:
    """Say at which energy an attempt with a result ended."""
    return Progress(phase=RESULT_PHASE, energy_hartree=energy_hartree)


def failed(reason: Reason = Reason.SCF, **changes: Any) -> Outcome:
    """Say that an attempt failed."""
    return outcome(JobState.FAILED, reason, **changes)


def artifact(name: str, text: str = "content") -> Artifact:
    """Make an artifact the store keeps."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    return Artifact(name, len(data), digest, "text/plain", content=zlib.compress(data))


def beat(worker: str = WORKER, **changes: Any) -> Beat:
    """Say that a worker lives."""
    plain: dict[str, Any] = {
        "pid": 4711,
        "slots": 2,
        "cores": 8,
        "memory_bytes": 16 * GIB,
        "engines": ENGINES,
        "owner": ADA,
        "name": "",
        "busy": 0,
        "nox_version": "0.1.0",
    }
    return Beat(worker, **plain | changes)


@contextmanager
def served(store: Store, **beats: Any) -> Iterator[None]:
    """Have a worker live, and keep its leases, however long the commands in between take."""
    over = Event()

    def live() -> None:
        while not over.wait(1.0):
            with suppress(StoreUnreachable):  # for a moment: a worker tries again, too
                store.renew(
                    [Lease(job.id, job.attempt, job.worker) for job in store.page(RUNNING_JOBS).items]
                )
                store.tick(beat(**beats), may_reap=False)

    store.tick(beat(**beats))
    thread = Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run_to_end(store: Store, job_id: str, ended: Outcome | None = None) -> Lease:
    """Claim exactly this job and finish it."""
    found = claim(store)
    assert job_id == found.job.id
    store.finish(found.lease, ended or outcome())
    return found.lease


def give_back_and_reclaim(store: Store) -> tuple[Lease, Lease]:
    """Make a lease stale: claim, give back, claim again; return the stale lease and the good one."""
    stale = claim(store).lease
    store.give_back(stale, "drained")
    return stale, claim(store, OTHER_WORKER).lease


def history(store: Store, job_id: str) -> list[JobState]:
    """Read every state a job went through from the change stream."""
    return [event.state for event in store.events("0", limit=100_000).items if event.job_id == job_id]


def runs(store: Store, job: Job) -> int:
    """Count the attempts of an ended job that had begun.

    One that waited in a slot, behind a job that took unexpectedly long, may have been released before.
    """
    earlier = store.attempts(job.id) if job.attempt > 1 else []
    return 1 + sum(one.ran for one in earlier)


def names(jobs: Sequence[Any]) -> list[str]:
    """Name jobs in order."""
    return [job.name for job in jobs]
