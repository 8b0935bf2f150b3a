"""Checks of workers and jobs: living workers, jobs that cannot start, lost workers, damaged records."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.hints import WORKER, fits_here, start_one
from nox_cli.watch.pools import read_pools
from nox_cli.watch.workforce import Workforce, size_options
from workers.findings import Finding, ok, problem, warning
from workers.fit import lack
from workers.job import JobState, Reason
from workers.sizes import size_words
from workers.store.base import SCAN_LIMIT
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Beat, WorkerSeen

# The numbers of jobs of one state that are read, of jobs of a kind that are named, and of workers.
LOOKED_AT = 1_000
_NAMED, _WORKERS = 3, 5


def check_records(store: Store) -> list[Finding]:
    """Find records that cannot be read.

    Raises:
        StoreError: the store cannot be read.
    """
    damaged = store.page(Query(reason=Reason.DAMAGED, limit=LOOKED_AT)).items
    if not damaged:
        return [ok("records", f"each of the newest {SCAN_LIMIT:,} jobs can be read")]
    found = f"{_count(damaged)} cannot be read: {_named(damaged)}"
    return [problem("records", found, "they count as failed, and harm no other: submit them again")]


def check_attempts(store: Store) -> list[Finding]:
    """Count the stored outcomes and files of earlier attempts.

    Raises:
        StoreError: the store cannot be read.
    """
    kept = store.kept_attempts()
    if not kept.attempts:
        return [ok("attempts", "no outcome of an earlier attempt is kept")]
    of = f"{counted(kept.attempts, 'earlier attempt')} of {counted(kept.jobs, 'job')}"
    found = f"{of} kept, {size_words(kept.bytes)} in the store"
    return [ok("attempts", found, "remove yours: nox clean --attempts @all")]


def check_workers(store: Store, owner: str | None = None) -> list[Finding]:
    """List the living workers, with their resources.

    Raises:
        StoreError: the store cannot be read.
    """
    living = _living(store)
    if not living:
        return [ok("workers", "none is alive", _supply(owner, store).hint())]
    shown = "; ".join(_worker(worker) for worker in living[:_WORKERS])
    more = f"; and {len(living) - _WORKERS} more" if len(living) > _WORKERS else ""
    return [ok("workers", f"{len(living)} alive: {shown}{more}")]


def check_waiting(owner: str | None, store: Store) -> list[Finding]:
    """Find jobs that no living worker can ever run.

    Raises:
        StoreError: the store cannot be read.
    """
    waiting = _first(store, owner, JobState.QUEUED)
    beats = [worker.beat for worker in _living(store)]
    if not waiting:
        return [ok("waiting", "no job waits for a worker")]
    supply = _supply(owner, store)
    if not beats:
        found = f"{_count(waiting)} waiting, and no worker is alive"
        return [_unserved(found, waiting[0], supply, supply.hint())]
    stuck = _stuck(waiting, beats)
    if not stuck:
        return [ok("waiting", f"{_count(waiting)} waiting; the living workers can run what waits")]
    return [
        _unserved(
            f"no living worker can run {_named(jobs)}: wanted {why}",
            jobs[0],
            supply,
            _start_for(jobs[0], supply),
        )
        for why, jobs in stuck.items()
    ]


def check_running(owner: str | None, store: Store) -> list[Finding]:
    """Find running jobs whose worker is gone.

    Raises:
        StoreError: the store cannot be read.
    """
    running = _first(store, owner, JobState.RUNNING)
    gone = _without_worker(running, _living(store))
    if gone:  # read again: a job may have finished or a worker started between the two reads
        now = store.get_many([job.id for job in gone])
        living = _living(store)
        gone = _without_worker((job for job in now if job.state is JobState.RUNNING), living)
        if gone:
            return [_orphaned(gone, "" if living else _supply(owner, store).hint())]
    return [
        ok("running", f"{_count(running)} running, each on a living worker" if running else "no job runs")
    ]


def _first(store: Store, owner: str | None, state: JobState) -> tuple[Job, ...]:
    """Read the oldest jobs in a state, of a user or of all."""
    wanted = Query(owner=owner, states=frozenset({state}), descending=False, limit=LOOKED_AT)
    return store.page(wanted).items


def _living(store: Store) -> list[WorkerSeen]:
    return [worker for worker in store.workers() if worker.alive]


def _stuck(waiting: Iterable[Job], beats: Sequence[Beat]) -> dict[str, list[Job]]:
    """Group the jobs that no worker can run by what they need.

    A job that is reserved for a worker that is gone will be free for others: the reservation is ignored.
    """
    ids = {beat.worker for beat in beats}
    stuck = defaultdict(list)
    for job in waiting:
        if why := lack(beats, job if job.lane in ids else job._replace(lane="")):
            stuck[why.wanted].append(job)
    return stuck


def _without_worker(running: Iterable[Job], living: Iterable[WorkerSeen]) -> list[Job]:
    ids = {worker.beat.worker for worker in living}
    return [job for job in running if job.worker not in ids]


def _supply(owner: str | None, store: Store) -> Workforce:
    """Read what may start workers."""
    return Workforce(pools=read_pools(store, owner), is_shared=store.is_shared)


def _unserved(found: str, job: Job, supply: Workforce, hint: str) -> Finding:
    """Report jobs that wait without a worker; with an allocation on its way, that is no problem.

    Args:
        found: the jobs, in words.
        job: the first of them.
        supply: the pools.
        hint: what to do where the owner of the job has none.
    """
    wait = supply.pools.wait(job)
    if wait is None:
        return problem("waiting", found, hint)
    found = f"{found}; {job.number} {wait.why}"
    return problem("waiting", found, wait.commands[0]) if wait.commands else ok("waiting", found)


def _orphaned(gone: Sequence[Job], hint: str) -> Finding:
    """Report jobs whose worker is gone; `hint`: what to do, or empty if a living one takes them."""
    found = f"the worker of {_named(gone)} is gone ({gone[0].host or 'host not known'})"
    if not hint:
        return warning("running", found, "nothing: a living worker takes it back within 8 s")
    return problem("running", f"{found}, and no other lives to take over", hint)


def _start_for(job: Job, supply: Workforce) -> str:
    """Return the hint to start a worker that can run a job, on another machine if this one is too small."""
    engine = f", where {job.engine.replace('@', ' ')} is installed" if job.engine != "echo" else ""
    command = f"{WORKER} {size_options(job)}{engine}"
    lead = "start one that has it: " if fits_here(job) else "start one on a machine that has it: "
    return f"{start_one(command, lead, is_shared=supply.is_shared)}; or nox cancel {job.number}"


def _worker(worker: WorkerSeen) -> str:
    beat = worker.beat
    engines = " ".join(sorted(key for key in beat.engines if "@" in key)) or "no engine"
    room = f"{counted(beat.slots, 'slot')}, {counted(beat.cores, 'core')}, {size_words(beat.memory_bytes)}"
    return f"{worker.host} (nox {beat.nox_version}, {room}, {engines}, jobs of {beat.owner or 'all'})"


def _count(jobs: Sequence[Job]) -> str:
    return f"{counted(len(jobs), 'job')}{' or more' if len(jobs) == LOOKED_AT else ''}"


def _named(jobs: Sequence[Job]) -> str:
    numbers = ", ".join(str(job.number) for job in jobs[:_NAMED])
    more = f" and {len(jobs) - _NAMED:,} more" if len(jobs) > _NAMED else ""
    return f"job{'' if len(jobs) == 1 else 's'} {numbers}{more}"
