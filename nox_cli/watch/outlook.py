"""Workers as JSON describes them, and what a job waits for in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.results import job_record
from nox_cli.watch.workforce import STARTING, shortage
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nox_cli.results.json_objects import Page
    from nox_cli.watch.json_objects import RunningJob, WorkerRecord, WorkforceRecord
    from nox_cli.watch.workforce import Workforce
    from workers.job import Job
    from workers.store.values import WorkerSeen


def worker_record(worker: WorkerSeen) -> WorkerRecord:
    """Return all that the store knows of a worker."""
    beat = worker.beat
    return {
        "worker": beat.worker,
        "name": beat.name,
        "host": worker.host,
        "pid": beat.pid,
        "slots": beat.slots,
        "busy": beat.busy,
        "cores": beat.cores,
        "memory_bytes": beat.memory_bytes,
        "engines": sorted(beat.engines),
        "owner": beat.owner,
        "allocation": beat.allocation or None,
        "nox_version": beat.nox_version,
        "last_seen_at": times.iso(worker.last_seen_ms),
    }


def worker_page(workers: Iterable[WorkerSeen]) -> Page[WorkerRecord]:
    """Return a page of workers."""
    return {"items": list(map(worker_record, workers)), "cursor": None}


def workforce_record(found: Workforce) -> WorkforceRecord:
    """Return the workers, with the jobs that run on them as far as these were read."""
    on: dict[str, list[RunningJob]] = {}
    for job in sorted(found.running or (), key=lambda job: (job.started_ms or 0, job.number)):
        on.setdefault(job.worker, []).append(_running_job(job))
    return {
        "starting": found.is_starting,
        "workers": [
            {
                **worker_record(one),
                "alive": one.alive,
                "first_seen_at": times.iso(one.first_seen_ms),
                "time_s": one.beat.time_s,
                "running": on.get(one.beat.worker, []),
            }
            for one in found.seen
        ],
    }


def _running_job(job: Job) -> RunningJob:
    return {
        "job_id": job.id,
        "number": job.number,
        "name": job.name,
        "cores": job.cores,
        "memory_bytes": job.memory_bytes,
        "started_at": times.iso(job.started_ms),
        "doing": job_record.step(job),
    }


def message(job: Job, workforce: Workforce) -> str:
    """Say what a queued job waits for, or that no worker runs one that was started; empty of all others."""
    if workforce.has_deserted(job):
        return f"{job_record.message(job)}; {workforce.deserted()}"
    if job.state is not JobState.QUEUED or job.losses:
        return ""
    return f"queued; {_queued(job, workforce)}"


def words(job: Job, workforce: Workforce) -> str:
    """Write the state of a job that has not ended, and what it does or waits for."""
    found = message(job, workforce) or job_record.message(job)
    return found if found.startswith(job.state) else f"{job.state}: {found}"


def _queued(job: Job, workforce: Workforce) -> str:
    from workers.fit import may_run

    if workforce.is_starting:
        return STARTING
    offers = workforce.offers()
    able = [offer for offer in offers if may_run(offer.beat, job)]
    if not able and (wait := workforce.pools.wait(job)):
        return wait.why
    if not offers:
        return _unseen(workforce.seen)
    if not able:
        return f"no living worker can run it ({_needs(job)})"
    if found := shortage(offers, job):
        return f"waits for {found.words}"
    return f"{counted(len(able), 'worker')} can run it"


def _needs(job: Job) -> str:
    """Say what a job asks of a worker: `engine xtb@22.1, 4 cores, of ada or for all`."""
    engine = job.engine and f"engine {job.engine}"
    return ", ".join(filter(None, (engine, counted(job.cores, "core"), f"jobs of {job.owner}")))


def _unseen(workers: Sequence[WorkerSeen]) -> str:
    if not workers:
        return "no worker has been seen"
    newest = max(workers, key=lambda worker: worker.last_seen_ms)
    ago = times.words((times.now_ms() - newest.last_seen_ms) / 1_000)
    return f"no worker has been seen for {ago} (last: {newest.host})"
