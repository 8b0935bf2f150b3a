"""Output of `nox watch`: a live view on a terminal, a line a change elsewhere, NDJSON for programs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.hints import start_one
from nox_cli.render import jobs
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.out import Painted
from nox_cli.results import job_record
from nox_cli.results.documents import Document
from nox_cli.watch import outlook
from nox_cli.watch.board import AWAY, Board, Contact
from nox_cli.watch.workforce import STARTING, shortage
from workers.job import FREQUENCIES, WAITING, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.batch_progress import BatchProgress
    from nox_cli.watch.board import Watching
    from nox_cli.watch.follower import Change
    from nox_cli.watch.workforce import Workforce
    from workers.job import Job, Progress


def text(watching: Watching, out: Out) -> None:
    """Show the jobs until all are final."""
    if watching.as_json:
        from nox_cli.render.json import dumps

        _tell(watching, out, lambda change: out.write(dumps(change.document()) + "\n"))
    elif out.can_redraw and watching.since is None:
        _live(watching, out)
    else:
        _tell(watching, out, lambda change: out.line(*_line(change)))


def _tell(watching: Watching, out: Out, write: Callable[[Change], None]) -> None:
    """Write each change when it comes; remarks on the store go to stderr."""
    for found in watching.stream():
        if isinstance(found, Contact):
            out.note(AWAY if found.lost else "the store answers again")
        elif isinstance(found, str):
            out.note(found)
        else:
            write(found)
            out.flush()
    if watching.follower.truncated:
        out.note("some changes were too old to be kept: the states are right, lines may be missing")


def _live(watching: Watching, out: Out) -> None:
    """Draw until all are final; the last drawing stays."""
    from nox_cli.render import live

    board = Board(watching)
    board.begin()
    live.show(board, out, frame)


def _line(change: Change) -> list[Any]:
    name = f"{change.number} {change.name}".rstrip()
    ending = f"  {job_record.reason_words(change.reason)}" if change.reason else ""
    again = f"  attempt {change.attempt}" if change.attempt > 1 else ""
    state = jobs.painted(change.state, change.state)
    return [f"{times.iso(change.at_ms)}  {name}  ", state, f"{ending}{again}"]


Line = list["Cell"]
# The blanks keep columns from moving while numbers come and go.
_HEADER = ("#", "name", "at", "q", "state    ", "step", "      dE", "  |g|", "  time", "note")
_RIGHT = frozenset({0, 2, 3, 5, 6, 7, 8})
_NAME, _NOTE = 1, 9
# Atoms, charge, dE.
_SPARE = (2, 3, 6)
# Lines of a few jobs' view that are not a job's.
_AROUND = 6
# How wide a bar is: at least, at most.
_BAR = (10, 28)
_NOTHING = Document()


def frame(board: Board, width: int, height: int) -> list[Line]:
    """Draw the board as it is now; nothing is wider than `width` or needs more than `height` lines."""
    if board.is_single:
        lines = _one(next(iter(board.jobs.values())), board)
    elif board.is_few:
        lines = _few(board, width, height)
    else:
        lines = _many(board, width)
    if board.follower.away_since is not None:
        lines = [*lines[: height - 1], [Painted(AWAY, "yellow")]]
    return lines


def _one(job: Job, board: Board) -> list[Line]:
    """One job: its newest steps, and how it stands."""
    spec = board.specs.get(job.id, _NOTHING)
    lines: list[Line] = [["  ".join(filter(None, (jobs.title(job), *_asked(job, spec))))]]
    if board.steps:
        header = ("step", "E/Eh", *_aims(spec))
        rows = [header, *map(_step, board.steps)]
        lines += columns.laid_out(rows, right=frozenset(range(4)))
    return [*lines, _standing(job, board), *_next(job, board.watching.local)]


def _asked(job: Job, spec: Document) -> tuple[str, ...]:
    """Describe the calculation: atoms, charge, kind."""
    if not job.atoms:
        return (jobs.calculation(spec, is_crystal=jobs.is_crystal(spec)),)
    return (
        counted(job.atoms, "atom"),
        f"charge {_charge(spec)}",
        jobs.calculation(spec, is_crystal=jobs.is_crystal(spec)),
    )


def _aims(spec: Document) -> tuple[str, str]:
    """Name what must become small, with its threshold: `dE/Eh (<5e-06)`."""
    from workers.engine.levels import LEVELS

    level = LEVELS.get(spec.text("opt_level"))
    if level is None:
        return "dE/Eh", "|g|/(Eh/bohr)"
    return f"dE/Eh (<{level.energy_change:.0e})", f"|g|/(Eh/bohr) (<{level.gradient_norm:.0e})"


def _standing(job: Job, board: Board) -> Line:
    seconds = job_record.elapsed_s(job)
    ran = "" if seconds is None else f"  {times.clock(seconds)}"
    state = jobs.painted("FAILED" if job.state is JobState.FAILED else job.state, job.state)
    if job.state is JobState.RUNNING:
        phase = f"  {job.progress.phase}" if job.progress.phase else ""
        if job.progress.phase == FREQUENCIES:
            phase += f" {job_record.counted_steps(job)} gradients"
        asked = "  asked to stop" if job.cancel_requested else ""
        return [state, f" on {job.host or 'a worker'}{phase}{ran}{asked}", _gone(job, board.workforce)]
    if job.state.is_final:
        energy = job.progress.energy_hartree
        number = f"  {energy:.8f} Eh" if energy is not None and job.state is JobState.DONE else ""
        return [state, f"  {job_record.reason(job)}" if job.reason else "", number, ran]
    words = outlook.message(job, board.workforce) or job_record.message(job)
    return [words, f"  {times.clock((times.now_ms() - job.created_ms) / 1_000)}"]


def _gone(job: Job, workforce: Workforce) -> Cell:
    """Report that no worker runs a job any more."""
    if not workforce.has_deserted(job):
        return ""
    hint = "" if workforce.is_starting else f"; {start_one()}"
    return Painted(f"  {workforce.deserted()}{hint}", "yellow")


def _next(job: Job, local: str) -> Iterator[Line]:
    """Name the command that comes next."""
    which = f"{job.number}{local}"
    if job.state is JobState.RUNNING:
        yield [Painted(f"logs: nox logs {which} -f", "dim")]
    elif job.state is JobState.DONE:
        yield [Painted(f"next: nox results {which}    nox fetch {which}", "dim")]
    elif job.state is JobState.FAILED:
        yield [Painted(f"next: nox status {which}    nox logs {which}", "dim")]


def _step(progress: Progress) -> tuple[str, ...]:
    return (
        str(progress.step),
        _number(progress.energy_hartree, ".8f"),
        _number(progress.energy_change_hartree, ".1e"),
        _number(progress.gradient_norm_hartree_per_bohr, ".1e"),
    )


def _few(board: Board, width: int, height: int) -> list[Line]:
    """A line for each job that runs or failed; the others counted."""
    shown = sorted(board.jobs.values(), key=lambda job: (not job.state.is_final, job.number))
    shown = [job for job in shown if job.state in {JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}]
    room = max(1, height - _AROUND)
    rows = [_HEADER, *(_row(job, board.specs.get(job.id, _NOTHING)) for job in shown[-room:])]
    lines: list[Line] = [_totals(board)]
    if shown:
        lines += columns.laid_out(rows, right=_RIGHT, gives=(_NAME, _NOTE), spare=_SPARE, columns=width)
    if len(shown) > room:
        lines.append([f"and {len(shown) - room} more"])
    return [*lines, *_rest(board), *_hints(board)]


def _row(job: Job, spec: Document) -> list[Cell]:
    progress, seconds = job.progress, job_record.elapsed_s(job)
    state = progress.phase if job.state is JobState.RUNNING and progress.phase else str(job.state)
    return [
        str(job.number),
        job.name,
        str(job.atoms or ""),
        _charge(spec),
        jobs.painted(state.upper() if job.state is JobState.FAILED else state, job.state),
        job_record.counted_steps(job),
        _number(progress.energy_change_hartree, ".1e"),
        _number(progress.gradient_norm_hartree_per_bohr, ".0e"),
        "" if seconds is None else times.clock(seconds),
        job_record.reason(job) if job.state.is_final else "asked to stop" if job.cancel_requested else "",
    ]


def _rest(board: Board) -> Iterator[Line]:
    """Describe the jobs that have no line: the newest that is done, and what the others wait for."""
    tally, newest = board.follower.tally, board.ledger.newest_done
    if newest is not None and tally[JobState.DONE]:
        energy = newest.progress.energy_hartree
        number = "" if energy is None else f"  {energy:.8f} Eh"
        yield [f"newest done  {jobs.title(newest)}{number}"]
    queued = (job for job in board.jobs.values() if job.state is JobState.QUEUED)
    if (first := min(queued, key=lambda job: job.number, default=None)) is not None:
        yield [f"waiting      {_held_up(first, board)}"]


def _held_up(first: Job, board: Board) -> str:
    """Describe what the first of the queued jobs waits for."""
    if found := shortage(board.workforce.offers(), first):
        return f"{jobs.title(first)} waits for {found.words}"
    return outlook.message(first, board.workforce).removeprefix("queued; ") or job_record.message(first)


def _slots(board: Board) -> int:
    return sum(worker.beat.slots for worker in board.workforce.living)


def _hints(board: Board) -> Iterator[Line]:
    """Name the next commands once all jobs are final; of many jobs also the one that lists failures."""
    tally, is_over = board.follower.tally, board.follower.is_over
    if is_over and tally[JobState.DONE] and board.batch:
        which = shlex.quote(f"@batch:{board.batch}") + board.watching.local
        yield [Painted(f"next: nox results {which}    nox fetch {which}", "dim")]
    if tally[JobState.FAILED] and (is_over or not board.is_few):
        of_batch = f" --batch {shlex.quote(board.batch)}" if board.batch else ""
        yield [Painted(f"why:  nox list{of_batch} --state failed{board.watching.local}", "dim")]


def _many(board: Board, width: int) -> list[Line]:
    """Totals, and the few jobs that stand out."""
    follower = board.follower
    progress = board.progress()
    ended, rate = progress.ended, progress.rate_per_s
    speed = "" if rate is None else f"   {rate:.1f}/s"
    name = f"{board.batch or 'jobs'}  "
    words = f"  {ended:,}/{follower.count:,}{speed}   {_elapsed(progress)}"
    bar = _bar(ended / max(1, follower.count), width - len(name) - len(words))
    lines: list[Line] = [[name, bar, words]]
    lines.append(_counts(board))
    if not (_slots(board) or follower.is_over):
        words = STARTING if board.workforce.is_starting else f"no worker is alive; {start_one()}"
        lines.append([Painted(words, "yellow")])
    lines += [*_standing_out(board, progress), *_hints(board)]
    return lines


def _bar(share: float, room: int) -> str:
    """Draw the share of jobs that have ended, as wide as fits."""
    size = max(_BAR[0], min(_BAR[1], room - 2))
    filled = int(size * share)
    return f"[{'#' * filled}{'.' * (size - filled)}]"


def _counts(board: Board) -> Line:
    """Count jobs by state, and their workers."""
    tally, living = board.follower.tally, len(board.workforce.living)
    line: Line = []
    for state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.RUNNING):
        words = f"{state} {tally[state]:,}"
        if tally[state] or state is not JobState.CANCELLED:
            line += [jobs.painted(words, state) if tally[state] else words, "   "]
    words = f"workers {living} ({counted(_slots(board), 'slot')})"
    return [*line, f"waiting {_waiting(board):,}   ", words]


def _standing_out(board: Board, progress: BatchProgress) -> Iterator[Line]:
    if progress.failures:
        counts = " · ".join(f"{group.reason} {group.count:,}" for group in progress.failures)
        yield [f"failed by reason: {counts}"]
    if (lowest := progress.lowest) is not None:
        yield [f"lowest so far     {jobs.title(lowest)}  {lowest.progress.energy_hartree:.8f} Eh"]
    if slow := max(_running(board), key=lambda job: job_record.elapsed_s(job) or 0.0, default=None):
        words = f"  step {slow.progress.step}" if slow.progress.step is not None else ""
        change = slow.progress.energy_change_hartree
        energy = "" if change is None else f"  dE {change:.0e}"
        ran = times.clock(job_record.elapsed_s(slow) or 0.0)
        yield [f"slowest running   {jobs.title(slow)}{words}{energy}  {ran}"]
    if (failed := board.last_failed) is not None:
        name = f"{failed.number} {failed.name}".rstrip()
        yield [f"last failed       {name}  {job_record.reason_words(failed.reason)}"]


def _running(board: Board) -> Sequence[Job]:
    return [job for job in board.jobs.values() if job.state is JobState.RUNNING]


def _totals(board: Board) -> Line:
    """Write `cycle  12/20 done  1 failed  4 running  3 waiting   0:03:12, about 0:01:40 left`."""
    tally = board.follower.tally
    line: Line = [f"{board.batch or 'jobs'}  {tally[JobState.DONE]}/{board.follower.count} done"]
    for state in (JobState.FAILED, JobState.CANCELLED, JobState.RUNNING):
        if tally[state]:
            line += ["  ", jobs.painted(f"{tally[state]} {state}", state)]
    if held_up := _waiting(board):
        line.append(f"  {held_up} waiting")
    return [*line, f"   {_elapsed(board.progress())}"]


def _elapsed(progress: BatchProgress) -> str:
    """Write how long the jobs have run and how long the rest is likely to take; empty: none has started."""
    if progress.elapsed_s is None:
        return ""
    left = "" if progress.left is None else f", {jobs.left(progress.left)}"
    return times.clock(progress.elapsed_s) + left


def _waiting(board: Board) -> int:
    return sum(board.follower.tally[state] for state in WAITING)


def _charge(spec: Document) -> str:
    charge = spec.whole("charge")
    return "" if charge is None else jobs.signed(charge)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
