"""Jobs as a list, one a line: what `nox list` and `nox status` of several jobs print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import moments
from nox_cli.render import columns, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.render.columns import Cell
    from nox_cli.render.out import Out
    from workers.job import Job

_HEADER = ("#", "name", "state", "calc", "atoms", "E/Eh", "time", "created", "note")
_RIGHT = frozenset({0, 4, 5, 6})
_NAME = 1


def write(out: Out, listed: Sequence[Job], *, owners: bool = False) -> None:
    """Write jobs as rows under a header; with `owners` each row names its owner."""
    now = moments.now_ms()
    header: list[Cell] = [*_HEADER, "owner"] if owners else list(_HEADER)
    rows = [[*_row(job, now), job.owner] if owners else _row(job, now) for job in listed]
    columns.write(out, [header, *rows], right=_RIGHT, gives=_NAME)


def _row(job: Job, now: int) -> list[Cell]:
    energy = job.progress.energy_hartree
    seconds = jobs.elapsed_s(job, now)
    return [
        str(job.number),
        job.name,
        jobs.painted(job.state, job.state),
        job.kind,
        str(job.atoms or ""),
        "" if energy is None else f"{energy:.8f}",
        "" if seconds is None else moments.clock(seconds),
        moments.short(job.created_ms, now),
        _note(job),
    ]


def _note(job: Job) -> str:
    """What else a person should know: the step of a running job, why an ended one failed."""
    if job.state.is_final:
        return jobs.reason(job)
    if job.state.is_waiting:
        return f"attempt {job.attempt} was lost" if job.losses else ""
    step = f"step {job.progress.step}" if job.progress.step is not None else ""
    return " ".join(filter(None, (job.progress.phase, step, f"on {job.host}" if job.host else "")))
