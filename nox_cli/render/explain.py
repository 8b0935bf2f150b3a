"""Output of `nox explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import job_title
from nox_cli.render.terminal.columns import aligned
from nox_cli.watch.explanation import Explained

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.explanation import Grouped, ReasonGroup


def text(found: Explained | Grouped, out: Out) -> None:
    """Write why, what bears on it, and what to do; or a line a group."""
    if not isinstance(found, Explained):
        out.lines(aligned([_row(group) for group in found.groups], right=(0,)))
        return
    out.line(f"{job_title(found.job)}  {found.cause.why}")
    for fact in found.cause.facts:
        out.line(f"  {fact}")
    for command in found.cause.commands:
        out.line(f"try:  {command}")


def _row(group: ReasonGroup) -> tuple[str, str, str, str]:
    names = " ".join(one.name or str(one.number) for one in group.named)
    more = " ..." if group.count > len(group.named) else ""
    return (f"{group.count:,}", _word(group), names + more, f"-> {group.command}")


def _word(group: ReasonGroup) -> str:
    return f"{group.state}: {group.reason}" if group.reason else str(group.state)
