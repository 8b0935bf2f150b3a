"""Lists of jobs: `nox list`, and for people `nox status` of several jobs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import state_words
from nox_cli.render import jobs
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.columns import Table
from nox_cli.results import job_record
from nox_cli.results.attempts import standing
from nox_cli.results.columns import JOB_FIELDS, NUMBER_FIELDS
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.attempts import ShownEnergies
    from nox_cli.results.job_list import Listing
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
    seconds = job_record.elapsed_s(job, now)
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
    """Write a remark: the step of a running job, or why one failed."""
    if job.state.is_final:
        return job_record.reason(job)
    if job.state in {JobState.SCHEDULED, JobState.BLOCKED}:
        return job_record.message(job)
    if job.state.is_waiting:
        return f"attempt {job.attempt} was lost" if job.losses else ""
    step = f"step {job.progress.step}" if job.progress.step is not None else ""
    return " ".join(filter(None, (job.progress.phase, step, f"on {job.host}" if job.host else "")))


def text(listed: Listing, out: Out) -> None:
    """Write a line a job; on a terminal also how to see the rest."""
    if listed.columns:
        rows = [_cells(row) for row in _rows(listed, listed.jobs())]
        columns.write(out, [listed.columns, *rows], gives=range(len(listed.columns)))
        found = bool(rows)
    else:
        found = write(out, listed.jobs(), listed.energies, owners=listed.query.owner is None)
    if not out.is_terminal:
        return
    out.flush()
    if not found:
        out.note("no jobs")
    elif counts := listed.counts():
        out.note(f"batch {listed.query.batch}: {state_words(counts)}")
    if listed.cursor:
        out.note(f"more: the same with --cursor {listed.cursor}, or --limit")


def document(listed: Listing) -> dict[str, Any]:
    """Return one page; the cursor leads to the next and is null when there is none."""
    items = [{"schema": 1, **_item(listed, job)} for job in listed.jobs()]
    return {"items": items, "cursor": listed.cursor or None}


def lines(listed: Listing) -> Iterator[Mapping[str, object]]:
    """Return one object a job."""
    return (_item(listed, job) for job in listed.jobs())


def table(listed: Listing) -> Table:
    """Return one row a job."""
    rows = _rows(listed, listed.jobs())
    return Table(listed.columns or JOB_FIELDS, rows, NUMBER_FIELDS, raw=listed.raw)


def ids(listed: Listing) -> Iterator[str]:
    """Return one id a job."""
    return (job.id for job in listed.jobs())


def _item(listed: Listing, job: Job) -> Mapping[str, object]:
    record: Mapping[str, object] = listed.record(job)
    return {name: record[name] for name in listed.columns} if listed.columns else record


def _rows(listed: Listing, found: Iterable[Job]) -> Iterator[list[object]]:
    names = listed.columns or JOB_FIELDS
    for job in found:
        tags = " ".join(f"{key}={value}" for key, value in job.tags.items())
        record: Mapping[str, object] = {**listed.record(job), "tags": tags}
        yield [_plain(name, record[name]) for name in names]


def _plain(name: str, value: object) -> object:
    """Write a value as programs read it, energies with their decimals."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10f}" if name == "energy_hartree" and isinstance(value, float) else value


def _cells(row: Iterable[object]) -> list[str]:
    return ["" if value is None else str(value) for value in row]
