"""Jobs as a list, one a line: what `nox list` and `nox status` of several jobs print for people."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render import jobs
from nox_cli.render.terminal import columns
from nox_cli.results.attempts import standing
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.attempts import ShownEnergies
    from workers.job import Job

_HEADER = ("#", "name", "state", "calc", "atoms", "E/Eh", "time", "created", "note")
_RIGHT = frozenset({0, 4, 5, 6})
_NAME, _NOTE = 1, 8
# Atoms, calculation, created: what is known already goes first.
_SPARE = (4, 3, 7)
_PAGE = 1_000


def write(out: Out, listed: Iterable[Job], energies: ShownEnergies, *, owners: bool = False) -> bool:
    """Write jobs as rows under a header, a page at a time; false if there are none.

    With `owners` each row names its owner.
    """
    now, header, jobs_left = times.now_ms(), [*_HEADER, *(["owner"] if owners else [])], iter(listed)
    page: list[list[Cell]] = [list(header)]
    while jobs_here := list(islice(jobs_left, _PAGE)):
        rows = [[*_row(job, now, energies.of(job)), *([job.owner] if owners else [])] for job in jobs_here]
        columns.write(out, [*page, *rows], right=_RIGHT, gives=(_NAME, _NOTE), spare=_SPARE)
        page = []
    return not page


def _row(job: Job, now: int, energy: float | None) -> list[Cell]:
    seconds = jobs.elapsed_s(job, now)
    return [
        str(job.number),
        job.name,
        jobs.painted(job.state, job.state),
        job.kind,
        str(job.atoms or ""),
        "" if energy is None else f"{energy:.8f}",
        "" if seconds is None else times.clock(seconds),
        times.short(job.created_ms, now),
        "; ".join(filter(None, (_note(job), f"E of attempt {job.good}" if standing(job) else ""))),
    ]


def _note(job: Job) -> str:
    """What else a person should know: the step of a running job, why an ended one failed."""
    if job.state.is_final:
        return jobs.reason(job)
    if job.state in {JobState.SCHEDULED, JobState.BLOCKED}:
        return jobs.message(job)
    if job.state.is_waiting:
        return f"attempt {job.attempt} was lost" if job.losses else ""
    step = f"step {job.progress.step}" if job.progress.step is not None else ""
    return " ".join(filter(None, (job.progress.phase, step, f"on {job.host}" if job.host else "")))
