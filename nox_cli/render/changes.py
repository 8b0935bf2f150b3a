"""How commands that change the jobs they are given look: how many were changed, and why others were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.counts import counted, state_words
from workers.job import PublicState

if TYPE_CHECKING:
    from nox_cli.changes import Changed
    from nox_cli.render.terminal.out import Out


def tell(done: Changed, out: Out, did: str) -> None:
    """One line that counts; `did` says what was done to those that were changed."""
    count = sum(one.changed for one in done.changes)
    told = [f"{did} {counted(count, 'job')}" if count else f"{did} nothing"]
    left = [one.before.public for one in done.changes if not (one.changed or one.refused)]
    if left:
        told.append(f"left {state_words({state: left.count(state) for state in PublicState})} alone")
    if refused := sum(one.refused for one in done.changes):
        told.append(f"{refused} of other people left alone")
    out.line(f"{', '.join(told)} ({done.kind}: {done.where})")


def document(done: Changed) -> dict[str, Any]:
    """What became of each job."""
    return {
        "store": {"kind": done.kind, "where": done.where},
        "jobs": [
            {
                "job_id": one.job_id,
                "before": one.before.public,
                "state": one.after.public,
                "changed": one.changed,
                "refused": one.refused,
            }
            for one in done.changes
        ],
    }
