"""Workers: how they are described, `nox worker list`, and what jobs wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.hints import start_one
from nox_cli.render import jobs
from nox_cli.render.terminal.columns import aligned
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.commands.worker import Seen
    from nox_cli.render.terminal.out import Out
    from nox_cli.run.worker import WorkerEnded
    from nox_cli.watch.workforce import Workforce
    from workers.job import Job
    from workers.store.values import WorkerSeen


def record(worker: WorkerSeen) -> dict[str, Any]:
    """Everything the store knows of a worker, ready for JSON."""
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
        "nox_version": beat.nox_version,
        "last_seen_at": times.iso(worker.last_seen_ms),
    }


_HEADER = ("host", "pid", "name", "busy", "slots", "cores", "nox", "engines", "for", "seen")


def text(result: Seen | WorkerEnded, out: Out) -> None:
    """One line a worker."""
    from nox_cli.commands.worker import Seen

    if not isinstance(result, Seen):
        return
    if not result.workers:
        out.line(f"no worker is alive; {start_one()}")
        return
    now = times.now_ms()
    out.lines(aligned([_HEADER, *(_row(worker, now) for worker in result.workers)], right=(1, 3, 4, 5)))


def document(result: Seen) -> dict[str, Any]:
    """Every worker, as `nox status --json` shows them too."""
    return {"items": list(map(record, result.workers)), "cursor": None}


def _row(worker: WorkerSeen, now: int) -> tuple[object, ...]:
    beat = worker.beat
    return (
        worker.host,
        beat.pid,
        beat.name or "-",
        beat.busy,
        beat.slots,
        beat.cores,
        beat.nox_version,
        " ".join(_engines(beat.engines)),
        beat.owner or "all",
        f"{times.words(max(0, now - worker.last_seen_ms) / 1_000)} ago",
    )


def _engines(keys: frozenset[str]) -> list[str]:
    """Name engines with their versions where they are known; every worker runs echo."""
    versioned = {key.partition("@")[0] for key in keys if "@" in key}
    return sorted(key for key in keys if key not in versioned and key != "echo") or ["-"]


def message(job: Job, workforce: Workforce) -> str:
    """Say what a queued job waits for, or that no worker runs one that was started; empty of all others."""
    if workforce.has_deserted(job):
        return f"{jobs.message(job)}; {workforce.deserted()}"
    if job.state is not JobState.QUEUED or job.losses:
        return ""
    return f"queued; {_queued(job, workforce)}"


def _queued(job: Job, workforce: Workforce) -> str:
    from nox_cli.watch.workforce import STARTING, shortage
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
    newest = max(workers, key=lambda worker: worker.last_seen_ms)
    ago = times.words((times.now_ms() - newest.last_seen_ms) / 1_000)
    return f"no worker has been seen for {ago} (last: {newest.host})"
