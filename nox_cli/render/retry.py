"""How `nox retry` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commands.retry import Restarted
from nox_cli.counts import counted
from nox_cli.render import changes

if TYPE_CHECKING:
    from nox_cli.changing import Changed
    from nox_cli.render.out import Out


def text(done: Changed | Restarted, out: Out) -> None:
    """One line that counts."""
    if not isinstance(done, Restarted):
        changes.tell(done, out, "queued again")
        return
    jobs = done.stored.jobs
    there = sum(job.existing for job in jobs)
    beside = f" ({there:,} of them there already)" if there else ""
    on = "the last geometry" if len(jobs) == 1 else "the last geometries"
    numbers = ",".join(str(job.number) for job in jobs)
    out.line(f"{counted(len(jobs), 'job')} on from {on}{beside}: {numbers} ({done.kind}: {done.where})")


def document(done: Changed | Restarted) -> dict[str, Any]:
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
