"""How `nox status` looks: one job, several, or everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commands.status import Brief, Full, Overview, Several
from nox_cli.render import jobs

if TYPE_CHECKING:
    from nox_cli.render.out import Out


def text(found: Brief | Full | Several | Overview, out: Out) -> None:
    """Write it for people."""
    if isinstance(found, Overview):
        from nox_cli.render import overview

        overview.text(found, out)
    elif isinstance(found, Several):
        from nox_cli.render import listing

        listing.write(out, found.jobs())
    elif isinstance(found, Full):
        from nox_cli.render import portrait

        portrait.text(found, out)


def document(found: Brief | Full | Several | Overview) -> dict[str, Any]:
    """The public form; with `--raw` the whole record."""
    if isinstance(found, Brief):
        return jobs.public(found.job, _message(found))
    if isinstance(found, Full):
        return _whole(found)
    if isinstance(found, Several):
        items = map(_whole, found.full()) if found.asked.raw else map(jobs.public, found.jobs())
        return {"items": [{"schema": 1, **item} for item in items], "cursor": None}
    from nox_cli.render import overview

    return overview.document(found)


def _message(found: Brief) -> str:
    from nox_cli.render import waiting

    return waiting.message(found.job, found.workers) or jobs.message(found.job, found.failure)


def _whole(found: Full) -> dict[str, Any]:
    from nox_cli import moments

    told = {**jobs.record(found.job), "state": found.job.state, "public_state": found.job.state.public}
    del told["raw_state"]
    return {
        **told,
        "message": jobs.message(found.job, found.outcome.failure),
        "attempts": [
            {
                "attempt": tried.number,
                "round": tried.round,
                "worker": tried.worker,
                "started_at": moments.iso(tried.started_ms),
                "ended_at": moments.iso(tried.ended_ms),
                "ended_as": tried.ended_as,
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
