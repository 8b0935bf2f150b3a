"""How `nox status` looks: one job, several, or everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.commands.status import Brief, Full, Overview, Several
from nox_cli.render import jobs
from nox_cli.results.attempts import standing
from workers.job import WAITING, JobState

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out


def text(found: Brief | Full | Several | Overview, out: Out) -> None:
    """Write it for people."""
    if isinstance(found, Overview):
        from nox_cli.render import overview

        overview.text(found, out)
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
    from nox_cli.render import overview

    return overview.document(found)


def _summary(found: Several) -> str:
    """Count the jobs: `12/20 done  1 failed  4 running  3 waiting  about 2 min left`."""
    tally, left_s = found.tally, found.pace.left_s(times.now_ms())
    shown = (JobState.FAILED, JobState.CANCELLED, JobState.RUNNING)
    told = [f"{tally[JobState.DONE]:,}/{sum(tally.values()):,} done"]
    told += [f"{tally[state]:,} {state}" for state in shown if tally[state]]
    if held_up := sum(tally[state] for state in WAITING):
        told.append(f"{held_up:,} waiting")
    if left_s is not None:
        told.append(f"about {times.words(left_s)} left")
    return "  ".join(told)


def _message(found: Brief) -> str:
    from nox_cli.render import wait_reasons

    return wait_reasons.message(found.job, found.workforce) or jobs.message(found.job, found.failure)


def _whole(found: Full) -> dict[str, Any]:
    job = found.job
    energy = found.outcome.result.number("energy_hartree") if standing(job) else None
    told = {**jobs.record(job, energy), "state": job.state, "public_state": job.state.public}
    del told["raw_state"]
    return {
        **told,
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
