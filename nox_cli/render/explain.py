"""Output of `nox explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.render import jobs
from nox_cli.render.terminal.columns import aligned
from nox_cli.watch.explanation import Explained
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.explanation import Grouped, ReasonGroup


def text(found: Explained | Grouped, out: Out) -> None:
    """Write why, what bears on it, and what to do; or a line a group."""
    if not isinstance(found, Explained):
        out.lines(aligned([_row(group) for group in found.groups], right=(0,)))
        return
    out.line(f"{jobs.title(found.job)}  {found.cause.why}")
    for fact in found.cause.facts:
        out.line(f"  {fact}")
    for command in found.cause.commands:
        out.line(f"try:  {command}")


def document(found: Explained | Grouped) -> dict[str, Any]:
    """Return the same for programs."""
    if not isinstance(found, Explained):
        return {"groups": [_group(group) for group in found.groups]}
    return {
        **jobs.record(found.job, found.energy_hartree),
        "why": found.cause.why,
        "facts": list(found.cause.facts),
        "commands": list(found.cause.commands),
        "short_of": list(found.cause.short_of),
        "expected_start_at": times.iso(found.cause.starts_ms),
    }


def _row(group: ReasonGroup) -> tuple[str, str, str, str]:
    names = " ".join(one.name or str(one.number) for one in group.named)
    more = " ..." if group.count > len(group.named) else ""
    return (f"{group.count:,}", _word(group), names + more, f"-> {_next(group)}")


def _word(group: ReasonGroup) -> str:
    return f"{group.state}: {group.reason}" if group.reason else str(group.state)


def _next(group: ReasonGroup) -> str:
    if group.state is JobState.FAILED and group.reason is Reason.NOT_CONVERGED:
        return f"nox retry {group.words} --from-last-geometry"
    if group.state is JobState.FAILED and group.reason:
        return f"nox retry {group.words}"
    return f"nox explain {group.named[0].number}"


def _group(group: ReasonGroup) -> dict[str, Any]:
    return {
        "state": group.state.public,
        "raw_state": group.state,
        "reason": group.reason,
        "count": group.count,
        "job_ids": [one.id for one in group.named],
        "command": _next(group),
    }
