"""Output of `nox worker` and `nox worker list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render.terminal.columns import aligned

if TYPE_CHECKING:
    from nox_cli.alloc.batch_script import WorkerScriptPrinted
    from nox_cli.commands.worker import Seen
    from nox_cli.render.terminal.out import Out
    from nox_cli.run.worker import Working
    from workers.store.values import WorkerSeen


_HEADER = ("host", "pid", "name", "busy", "slots", "cores", "nox", "engines", "for", "seen")


def text(result: Seen | Working | WorkerScriptPrinted, out: Out) -> None:
    """Run a worker, and write what it does; or list workers, a line each; or write a batch script."""
    from nox_cli.alloc.batch_script import WorkerScriptPrinted
    from nox_cli.run.worker import Working

    if isinstance(result, WorkerScriptPrinted):
        out.write(result.script)
        return

    if isinstance(result, Working):
        from nox_cli.render.job_lines import JobLines

        out.color = result.is_colored  # the lines go to stderr
        view = JobLines(out, result.log) if result.is_shown else None
        result.exit = result.run(view).exit
        return
    found = result.workforce
    if not found.living:
        out.line(f"no worker is alive; {found.hint()}")
        return
    now = times.now_ms()
    rows = [_HEADER, *(_row(worker, now) for worker in found.living)]
    if found.pools.pools:
        titles = (found.pools.title(worker.beat.allocation) or "-" for worker in found.living)
        rows = [(*row, title) for row, title in zip(rows, ("allocation", *titles), strict=True)]
    out.lines(aligned(rows, right=(1, 3, 4, 5)))
    if news := found.pools.news():
        out.line(news)


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
