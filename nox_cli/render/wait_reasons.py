"""What a waiting job waits for, and whether one that runs does, as far as the workers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.render import jobs
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.watch.workforce import Workforce
    from workers.job import Job
    from workers.store.values import WorkerSeen


def message(job: Job, workforce: Workforce) -> str:
    """Say what a queued job waits for, or that no worker runs one that was started; empty of all others."""
    if workforce.has_deserted(job):
        return f"{jobs.message(job)}; {workforce.deserted()}"
    if job.state is not JobState.QUEUED or job.losses:
        return ""
    return f"queued; {_queued(job, workforce)}"


def _queued(job: Job, workforce: Workforce) -> str:
    from nox_cli.watch.shortages import shortage
    from nox_cli.watch.workforce import STARTING
    from workers.fit import may_run

    if workforce.is_starting:
        return STARTING
    offers = workforce.offers()
    if not offers:
        return _unseen(workforce.seen)
    able = [offer for offer in offers if may_run(offer.beat, job)]
    if not able:
        return f"no living worker can run it ({needs(job)})"
    if found := shortage(offers, job):
        return f"waits for {found.words}"
    return f"{counted(len(able), 'worker')} can run it"


def needs(job: Job) -> str:
    """Say what a job asks of a worker: `engine xtb@22.1, 4 cores, of ada or for all`."""
    engine = job.engine and f"engine {job.engine}"
    return ", ".join(filter(None, (engine, counted(job.cores, "core"), f"jobs of {job.owner}")))


def _unseen(workers: Sequence[WorkerSeen]) -> str:
    if not workers:
        return "no worker has been seen"
    from nox_cli import times

    newest = max(workers, key=lambda worker: worker.last_seen_ms)
    ago = times.words((times.now_ms() - newest.last_seen_ms) / 1_000)
    return f"no worker has been seen for {ago} (last: {newest.host})"
