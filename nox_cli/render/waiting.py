"""What a waiting job waits for, and whether one that runs does, as far as the workers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.render import jobs
from workers.fit import DESERTED, may_run
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Job
    from workers.store.values import WorkerSeen

START_ONE = "start one: nox worker"


def message(job: Job, workers: Sequence[WorkerSeen]) -> str:
    """Say what a queued job waits for, or that nobody runs one that was started; empty of all others."""
    if is_deserted(job, workers):
        return f"{jobs.message(job)}; {DESERTED}"
    if job.state is not JobState.QUEUED or job.losses:
        return ""
    living = [worker for worker in workers if worker.alive]
    if not living:
        return f"queued; {_unseen(workers)}"
    able = [worker for worker in living if may_run(worker.beat, job)]
    if not able:
        return f"queued; no living worker can run it ({needs(job)})"
    return f"queued; {counted(len(able), 'worker')} can run it"


def is_deserted(job: Job, workers: Sequence[WorkerSeen]) -> bool:
    """Whether a job was started, and no worker lives: neither its own nor one that would take it up."""
    return job.state is JobState.RUNNING and not any(worker.alive for worker in workers)


def needs(job: Job) -> str:
    """Say what a job asks of a worker: `engine xtb@22.1, 4 cores, of ada or for all`."""
    engine = job.engine and f"engine {job.engine}"
    return ", ".join(filter(None, (engine, counted(job.cores, "core"), f"jobs of {job.owner}")))


def _unseen(workers: Sequence[WorkerSeen]) -> str:
    if not workers:
        return "no worker has been seen"
    from nox_cli import moments

    newest = max(workers, key=lambda worker: worker.last_seen_ms)
    ago = moments.words((moments.now_ms() - newest.last_seen_ms) / 1_000)
    return f"no worker has been seen for {ago} (last: {newest.host})"
