"""Tables of jobs, workers and failures as lines of cells, as wide as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import job_title
from nox_cli.render import jobs
from nox_cli.render.terminal import columns
from nox_cli.results import job_record
from workers.job import JobState
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.top.window import WindowRow
    from nox_cli.watch.batch_progress import FailureGroup
    from workers.job import Job
    from workers.store.values import WorkerSeen

Line = list["Cell"]

# The sign before the current row, and that of a marked one; colours only repeat them.
CURRENT, MARKED = ">", "*"
# The blanks keep columns from moving while other rows come into view.
_JOB_HEADER = (
    "  #   ", "name        ", "state    ", "step, E/Eh, why  ", "|g|  ", "   time", "dE     ", "batch",
    "atoms", "calculation", "prio", "host",
)  # fmt: skip
_JOB_RIGHT = frozenset({4, 5, 6, 8, 10})
_JOB_GIVES = (1, 3, 7, 11)
_JOB_SPARE = (11, 10, 9, 7, 8, 6, 4, 5)
_WORKER_HEADER = (
    "  host",
    "slots in use",
    "busy",
    "cores",
    "memory",
    "for",
    "ends in",
    "seen",
    "name",
    "nox",
)
_WORKER_SPARE = (9, 8, 5, 7, 4, 3, 6)
_FAILURE_HEADER = ("  jobs", "reason", "newest")
# The most slots of a worker that are drawn one by one.
_SLOTS = 32


def job_lines(rows: Sequence[WindowRow], marked: Collection[str], width: int) -> list[Line]:
    """Lay out a header and the visible jobs."""
    now = times.now_ms()
    cells = [_job(row, marked, now) for row in rows]
    return columns.laid_out(
        [_JOB_HEADER, *cells], right=_JOB_RIGHT, gives=_JOB_GIVES, spare=_JOB_SPARE, columns=width
    )


def _job(row: WindowRow, marked: Collection[str], now_ms: int) -> list[Cell]:
    job = row.job
    if job is None:
        return [f"{sign(row.is_current)} ...", *[""] * (len(_JOB_HEADER) - 1)]
    progress, seconds = job.progress, job_record.elapsed_s(job, now_ms)
    lead = f"{sign(row.is_current)}{MARKED if job.id in marked else ' '}{job.number}"
    return [
        lead,
        job.name,
        jobs.painted(job.state, job.state),
        doing(job),
        _number(progress.gradient_norm_hartree_per_bohr, ".0e"),
        "" if seconds is None else times.clock(seconds),
        _number(progress.energy_change_hartree, ".0e"),
        job.batch,
        str(job.atoms or ""),
        jobs.kind(job.kind, ""),
        str(job.priority or ""),
        job.host,
    ]


def doing(job: Job) -> str:
    """Write the step of a running job, the energy of a result, or why there is none."""
    if job.state is JobState.RUNNING:
        stop = "stopping " if job.cancel_requested else ""
        return f"{stop}{job.progress.phase} {job_record.counted_steps(job)}".strip()
    if job.state is JobState.DONE:
        return _number(job.progress.energy_hartree, ".8f")
    if job.state.is_final:
        return job_record.reason(job)
    return "" if job.state in {JobState.QUEUED, JobState.HELD} else job_record.message(job)


def sign(is_current: bool) -> str:
    """Mark the current row by a sign, so that it is found without colours."""
    return CURRENT if is_current else " "


def worker_lines(seen: Sequence[WorkerSeen], at: int, width: int) -> list[Line]:
    """Lay out a header and the workers; `at`: the current row."""
    now = times.now_ms()
    cells = [_worker(one, index == at, now) for index, one in enumerate(seen)]
    return columns.laid_out(
        [_WORKER_HEADER, *cells], right={2, 3}, gives=(0, 8), spare=_WORKER_SPARE, columns=width
    )


def _worker(one: WorkerSeen, is_current: bool, now_ms: int) -> list[Cell]:
    beat = one.beat
    busy = beat.busy if one.alive else 0
    slots = "#" * min(busy, _SLOTS) + "." * (min(beat.slots, _SLOTS) - min(busy, _SLOTS))
    more = "+" if beat.slots > _SLOTS else ""
    ends = "" if beat.time_s is None else times.words(beat.time_s)
    return [
        f"{sign(is_current)} {one.host}",
        f"[{slots}{more}]" if one.alive else "gone",
        f"{busy}/{beat.slots}",
        str(beat.cores),
        size_words(beat.memory_bytes),
        beat.owner or "all",
        ends,
        f"{times.words(max(0, now_ms - one.last_seen_ms) / 1_000)} ago",
        beat.name,
        beat.nox_version,
    ]


def failure_lines(groups: Sequence[FailureGroup], at: int, width: int) -> list[Line]:
    """Lay out a header and the groups of failed jobs."""
    cells: list[list[Cell]] = []
    for index, group in enumerate(groups):
        names = " ".join(job_title(one) + "," for one in group.sample).rstrip(",")
        reason = jobs.painted(job_record.reason_words(group.reason), JobState.FAILED)
        more = " ..." if group.count > len(group.sample) else ""
        cells.append([f"{sign(index == at)} {group.count:>5,}", reason, names + more])
    return columns.laid_out([_FAILURE_HEADER, *cells], gives=(2,), columns=width)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
