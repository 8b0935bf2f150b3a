"""How `nox cancel` looks: what was stopped, in which store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.counts import counted
from workers.job import FINAL, WAITING, JobState

if TYPE_CHECKING:
    from nox_cli.commands.cancel import Cancelled
    from nox_cli.render.terminal.out import Out

_RUNNING = frozenset({JobState.RUNNING})


def text(done: Cancelled, out: Out) -> None:
    """One line that counts."""
    told = []
    if waiting := done.count(WAITING, JobState.CANCELLED):
        told.append(f"cancelled {counted(waiting, 'waiting job')}")
    if running := done.count(_RUNNING, JobState.RUNNING):
        told.append(f"told {counted(running, 'running job')} to stop")
    if stopped := done.count(_RUNNING, JobState.CANCELLED):
        told.append(f"cancelled {counted(stopped, 'job')} whose worker is gone")
    if ended := sum(one.before in FINAL for one in done.cancellations):
        told.append(f"{ended} had ended already")
    if refused := sum(one.refused for one in done.cancellations):
        told.append(f"{refused} of other people left alone")
    out.line(f"{', '.join(told) or 'nothing was cancelled'} ({done.kind}: {done.where})")


def document(done: Cancelled) -> dict[str, Any]:
    """What became of each job; a running one that was told to stop is still running."""
    return {
        "store": {"kind": done.kind, "where": done.where},
        "jobs": [
            {
                "job_id": one.job_id,
                "before": one.before.public,
                "state": one.after.public,
                "refused": one.refused,
            }
            for one in done.cancellations
        ],
    }
