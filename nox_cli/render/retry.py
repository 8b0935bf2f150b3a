"""How `nox retry` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commands.retry import Restarted
from nox_cli.counts import counted
from nox_cli.render import changes
from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.commands.retry import Retried
    from nox_cli.render.terminal.out import Out


def text(done: Retried | Restarted, out: Out) -> None:
    """One line that counts."""
    if not isinstance(done, Restarted):
        out.line(f"{'; '.join(_counts(done))} ({done.kind}: {done.where})")
        return
    jobs = done.stored.jobs
    there = sum(job.existing for job in jobs)
    beside = f" ({there:,} of them there already)" if there else ""
    on = "the last geometry" if len(jobs) == 1 else "the last geometries"
    numbers = ",".join(str(job.number) for job in jobs)
    out.line(f"{counted(len(jobs), 'job')} on from {on}{beside}: {numbers} ({done.kind}: {done.where})")


def _counts(done: Retried) -> Iterator[str]:
    """Count the jobs that run again, and by state those that do not."""
    count = sum(one.changed for one in done.changes)
    yield f"{counted(count, 'job')} queued again" if count else "nothing was queued again"
    left = [one.before.public for one in done.changes if not (one.changed or one.refused)]
    for state in PublicState:
        if state in left:
            offer = " (--done includes them)" if state is PublicState.COMPLETED else ""
            yield f"{left.count(state):,} {state} left alone{offer}"
    if refused := sum(one.refused for one in done.changes):
        yield f"{refused:,} of other users left alone"


def document(done: Retried | Restarted) -> dict[str, Any]:
    """What became of each job."""
    if not isinstance(done, Restarted):
        return changes.document(done)
    return {
        "store": {"kind": done.kind, "where": done.where},
        "jobs": [
            {
                "job_id": job.job_id,
                "number": job.number,
                "name": job.name,
                "existing": job.existing,
                "retry_of": earlier,
            }
            for job, earlier in zip(done.stored.jobs, done.of, strict=False)
        ],
    }
