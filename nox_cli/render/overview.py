"""How the store looks at a glance: `nox status` without a selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import counts
from nox_cli.hints import start_one
from nox_cli.render import jobs, listing, workers
from workers.job import PublicState

if TYPE_CHECKING:
    from nox_cli.commands.status import Overview
    from nox_cli.render.terminal.out import Out
    from workers.store.values import WorkerSeen

_SHOWN_WORKERS = 10
# Beside jobs and workers: store, count, blank, header, how many more, and the prompt.
_AROUND = 7
_FEWEST = 5


def text(found: Overview, out: Out) -> None:
    """Store, workers, counts, and one's active jobs."""
    health = found.health
    out.line(f"store    {health.kind}: {health.where}")
    for warning in health.warnings:
        out.line(f"         {warning}")
    out.line(f"workers  {_workers(found)}")
    for worker in found.workforce.living[:_SHOWN_WORKERS]:
        out.line(f"         {_worker(worker)}")
    out.line(f"jobs     {counts.state_words(counts.by_public_state(found.counts))}  ({found.owner})")
    if not found.active:
        return
    out.line("")
    shown = found.active[: _room(found, out.height)]
    listing.write(out, shown, found.energies)
    rest = _active(found) - len(shown)
    if rest > 0:
        out.line(f"and {rest:,} more: nox list --state pending,running")


def document(found: Overview) -> dict[str, Any]:
    """The same, as one JSON value."""
    health, public = found.health, counts.by_public_state(found.counts)
    return {
        "store": {
            "kind": health.kind,
            "where": health.where,
            "version": health.version,
            "durable": health.durable,
            "warnings": list(health.warnings),
        },
        "owner": found.owner,
        "counts": {state.value: public[state] for state in PublicState},
        "raw_counts": {state.value: count for state, count in found.counts.items()},
        "workers": list(map(workers.record, found.workforce.living)),
        "active": [jobs.record(job, found.energies.of(job)) for job in found.active],
    }


def _room(found: Overview, height: int | None) -> int | None:
    """Count the jobs a terminal has lines for; None: any number."""
    if height is None:
        return None
    above = len(found.health.warnings) + len(found.workforce.living[:_SHOWN_WORKERS])
    return max(_FEWEST, height - above - _AROUND)


def _active(found: Overview) -> int:
    return sum(count for state, count in found.counts.items() if not state.is_final)


def _workers(found: Overview) -> str:
    living = found.workforce.living
    if not living:
        told = "one is starting" if found.workforce.is_starting else start_one()
        return f"none alive; {told}" if _active(found) else "none alive"
    slots = sum(worker.beat.slots for worker in living)
    busy = sum(worker.beat.busy for worker in living)
    return f"{len(living)} alive, {busy} of {counts.counted(slots, 'slot')} busy"


def _worker(worker: WorkerSeen) -> str:
    beat = worker.beat
    name = f" ({beat.name})" if beat.name and beat.name != worker.host else ""
    return f"{worker.host}{name}  pid {beat.pid}  {beat.busy} of {beat.slots} busy  {beat.cores} cores"
