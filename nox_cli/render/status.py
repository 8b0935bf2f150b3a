"""Output of `nox status`: one job, several, or everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import counts, times
from nox_cli.hints import start_one
from nox_cli.render import jobs, workers
from nox_cli.results.attempts import standing
from nox_cli.watch.status import Brief, Full, Overview, Several
from workers.job import WAITING, JobState, PublicState

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from workers.store.values import WorkerSeen

_SHOWN_WORKERS = 10
# Lines other than jobs and workers: store, count, blank, header, the rest, and the prompt.
_AROUND = 7
_FEWEST = 5


def text(found: Brief | Full | Several | Overview, out: Out) -> None:
    """Write it for people."""
    if isinstance(found, Overview):
        _overview(found, out)
    elif isinstance(found, Several):
        from nox_cli.render import listing

        listing.write(out, found.jobs(), found.energies)
        if out.is_terminal:
            out.line(_summary(found))
    elif isinstance(found, Full):
        from nox_cli.render import job_page

        job_page.text(found, out)


def document(found: Brief | Full | Several | Overview) -> dict[str, Any]:
    """The public form; with `--raw` the whole record."""
    if isinstance(found, Brief):
        return jobs.public(found.job, _message(found))
    if isinstance(found, Full):
        return _whole(found)
    if isinstance(found, Several):
        items = map(_whole, found.full()) if found.options.raw else map(jobs.public, found.jobs())
        return {"items": [{"schema": 1, **item} for item in items], "cursor": None}
    return _overview_document(found)


def _summary(found: Several) -> str:
    """Count the jobs: `12/20 done  1 failed  4 running  3 waiting  about 2 min left`."""
    tally, left_s = found.tally, found.pace.left_s(times.now_ms())
    shown = (JobState.FAILED, JobState.CANCELLED, JobState.RUNNING)
    words = [f"{tally[JobState.DONE]:,}/{sum(tally.values()):,} done"]
    words += [f"{tally[state]:,} {state}" for state in shown if tally[state]]
    if held_up := sum(tally[state] for state in WAITING):
        words.append(f"{held_up:,} waiting")
    if left_s is not None:
        words.append(f"about {times.words(left_s)} left")
    return "  ".join(words)


def _message(found: Brief) -> str:
    return workers.message(found.job, found.workforce) or jobs.message(found.job, found.failure)


def _whole(found: Full) -> dict[str, Any]:
    job = found.job
    energy = found.outcome.result.number("energy_hartree") if standing(job) else None
    record = {**jobs.record(job, energy), "state": job.state, "public_state": job.state.public}
    del record["raw_state"]
    return {
        **record,
        "message": jobs.message(found.job, found.last.failure),
        "attempts": [
            {
                "attempt": tried.number,
                "round": tried.round,
                "worker": tried.worker,
                "started_at": times.iso(tried.started_ms),
                "ended_at": times.iso(tried.ended_ms) if tried.ended_as else None,
                "ended_as": tried.ended_as or None,
                "message": tried.message,
            }
            for tried in found.attempts
        ],
        "parents": [parent.id for parent in found.parents],
        "worker": found.job.worker,
        "spec": found.spec.fields,
        "outcome": found.outcome.whole.fields or None,
        "artifacts": list(map(jobs.artifact, found.artifacts)),
    }


def _overview(found: Overview, out: Out) -> None:
    """Write the store, the workers, counts, and the user's active jobs."""
    from nox_cli.render import listing

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


def _overview_document(found: Overview) -> dict[str, Any]:
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
        words = "one is starting" if found.workforce.is_starting else start_one()
        return f"none alive; {words}" if _active(found) else "none alive"
    slots = sum(worker.beat.slots for worker in living)
    busy = sum(worker.beat.busy for worker in living)
    return f"{len(living)} alive, {busy} of {counts.counted(slots, 'slot')} busy"


def _worker(worker: WorkerSeen) -> str:
    beat = worker.beat
    name = f" ({beat.name})" if beat.name and beat.name != worker.host else ""
    return f"{worker.host}{name}  pid {beat.pid}  {beat.busy} of {beat.slots} busy  {beat.cores} cores"
