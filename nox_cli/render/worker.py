"""How `nox worker list` looks; a worker itself says everything in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.commands.worker import Seen
from nox_cli.hints import start_one
from nox_cli.render import workers
from nox_cli.render.terminal.table import aligned

if TYPE_CHECKING:
    from nox_cli.commands.worker import WorkerEnded
    from nox_cli.render.terminal.out import Out
    from workers.store.values import WorkerSeen

_HEADER = ("host", "pid", "name", "busy", "slots", "cores", "engines", "for", "seen")


def text(result: Seen | WorkerEnded, out: Out) -> None:
    """One line a worker."""
    if not isinstance(result, Seen):
        return
    if not result.workers:
        out.line(f"no worker is alive; {start_one()}")
        return
    now = times.now_ms()
    for line in aligned([_HEADER, *(_row(worker, now) for worker in result.workers)], right=(1, 3, 4, 5)):
        out.line(line)


def document(result: Seen) -> dict[str, Any]:
    """Every worker, as `nox status --json` shows them too."""
    return {"items": list(map(workers.record, result.workers)), "cursor": None}


def _row(worker: WorkerSeen, now: int) -> tuple[object, ...]:
    beat = worker.beat
    return (
        worker.host,
        beat.pid,
        beat.name or "-",
        beat.busy,
        beat.slots,
        beat.cores,
        " ".join(_engines(beat.engines)),
        beat.owner or "all",
        f"{times.words(max(0, now - worker.last_seen_ms) / 1_000)} ago",
    )


def _engines(keys: frozenset[str]) -> list[str]:
    """Name engines with their versions where they are known; every worker runs echo."""
    versioned = {key.partition("@")[0] for key in keys if "@" in key}
    return sorted(key for key in keys if key not in versioned and key != "echo") or ["-"]
