"""Drawings of jobs that are watched: one step by step, a few with a line each, many as totals."""

from __future__ import annotations

import math
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted, job_title
from nox_cli.render import jobs
from nox_cli.render.gauges import DOT, bar, commands, flow, size, sparkline, titled
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.columns import cut
from nox_cli.render.terminal.out import Painted
from nox_cli.results import job_record
from nox_cli.results.documents import Document
from nox_cli.watch import outlook
from nox_cli.watch.board import AWAY
from nox_cli.watch.workforce import STARTING, shortage
from workers.job import FREQUENCIES, OPTIMISATION, JobState, gradients_of_frequencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.render.gauges import Line
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.watch.batch_progress import BatchProgress, FailureGroup
    from nox_cli.watch.board import Board
    from nox_cli.watch.workforce import Workforce
    from workers.engine.levels import Level
    from workers.job import Job, Progress
    from workers.store.values import Point

# The columns of a few jobs.  The blanks keep columns from moving while numbers come and go.
_HEADER = (
    "#",
    "name",
    "at",
    "q",
    "state    ",
    "step",
    "      dE",
    "  |g|",
    "E/Eh",
    "  time",
    "log |g|",
    "note",
)
_NARROW_HEADER = ("#", "name", "at", "q", "state", "step/Eh", "dE", "|g|", "", "time", "", "")
_NUMBER, _NAME, _ATOMS, _CHARGE, _STATE, _STEP, _CHANGE, _NORM, _ENERGY, _TIME, _COURSE, _NOTE = range(12)
_RIGHT = (_NUMBER, _ATOMS, _CHARGE, _STEP, _CHANGE, _NORM, _ENERGY, _TIME)
# The columns that are left out first, the first of these first.
_SPARE = (_COURSE, _ATOMS, _CHARGE, _CHANGE, _NORM)
_SPARE_NARROW = (*_SPARE, _ENERGY, _NOTE)
# Narrower terminals have short words, wider ones more of everything.
_NARROW, _WIDE, _TALL = 64, 110, 30
_STEPS, _MORE_STEPS = 5, 10
# How wide a bar is: at least, at most, and at most on a wide terminal.
_BAR_LEAST, _BAR = 10, (28, 60)
_SPARKLINE, _SHORT_SPARKLINE = (28, 64), 12
_COURSE_LABEL = "log |g|  "
# An optimisation has a bar after this number of changes of its energy.
_LEAST_CHANGES = 2
_LEAST = 1e-12
_ANY = 10_000
_GAP = "  "
_SHORTEST_NAME = 6
_NOTHING = Document()
# The jobs that have a line, the most important first.
_SHOWN = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED, JobState.DONE)


def frame(board: Board, width: int, height: int) -> list[Line]:
    """Draw the board as it is now; nothing is wider than `width` or needs more than `height` lines."""
    if board.is_single:
        lines = _one(next(iter(board.jobs.values())), board, width, height)
    elif board.is_few:
        lines = _few(board, width, height)
    else:
        lines = _many(board, width, height)
    if board.follower.is_away:
        lines = [*lines[: height - 1], [Painted(AWAY, "yellow")]]
    return lines


def _one(job: Job, board: Board, width: int, height: int) -> list[Line]:
    """One job: its newest steps, and how it stands."""
    spec = board.specs.get(job.id, _NOTHING)
    above = flow(([part] for part in (job_title(job), *_asked(job, spec))), width)
    below = [*_gauge(job, board, width), *_standing(job, board, width)]
    for warning in board.warnings:
        below += flow([[Painted(f"warning: {warning}", "yellow")]], width)
    below += _next(job, board.watching.local, width)
    most = _MORE_STEPS if height >= _TALL else _STEPS
    steps = list(board.steps)[-max(1, min(most, height - len(above) - len(below) - 1)) :]
    return [*above, *_steps(steps, _level(spec), width), *below]


def _asked(job: Job, spec: Document) -> tuple[str, ...]:
    """Describe the calculation: atoms, charge, kind."""
    named = jobs.calculation(spec, is_crystal=jobs.is_crystal(spec))
    return (counted(job.atoms, "atom"), f"charge {_charge(spec)}", named) if job.atoms else (named,)


def _level(spec: Document) -> Level | None:
    from workers.engine.levels import LEVELS

    return LEVELS.get(spec.text("opt_level"))


def _steps(steps: Sequence[Progress], level: Level | None, width: int) -> list[Line]:
    """Lay steps out below the names of what must become small, with thresholds: `dE/Eh (<5e-06)`."""
    if not steps:
        return []
    is_narrow = width < _NARROW
    names = ("dE", "|g|") if is_narrow else ("dE/Eh", "|g|/(Eh/bohr)")
    goals = (None, None) if level is None else (level.energy_change, level.gradient_norm)
    form = "{}<{:.0e}" if is_narrow else "{} (<{:.0e})"
    rows: list[list[Cell]] = [["step", "E/Eh"]]
    for name, goal in zip(names, goals, strict=True):
        rows[0].append(name if goal is None else form.format(name, goal))
    for step in steps:
        rows.append([str(step.step), _number(step.energy_hartree, ".6f" if is_narrow else ".8f")])
        values = step.energy_change_hartree, step.gradient_norm_hartree_per_bohr
        rows[-1] += [_criterion(*one, is_narrow) for one in zip(values, goals, strict=True)]
    return columns.laid_out(rows, right=frozenset(range(4)))


def _criterion(value: float | None, goal: float | None, is_narrow: bool) -> Cell:
    """Write a value, and with `ok` if it is below its threshold; blanks keep the numbers aligned."""
    shown = _number(value, ".0e" if is_narrow else ".1e")
    if goal is None or value is None:
        return shown
    return Painted(f"{shown} ok", "green") if abs(value) < goal else f"{shown}   "


def _gauge(job: Job, board: Board, width: int) -> list[Line]:
    """Draw how far a running job is, and the course of its gradient."""
    if job.state is not JobState.RUNNING:
        return []
    lines: list[Line] = []
    points = board.points.get(job.id, ())
    if len(points) > 1:
        steps = f"  steps {points[0].step}-{points[-1].step}"
        room = min(width - len(_COURSE_LABEL) - len(steps), _SPARKLINE[width >= _WIDE])
        lines.append([_COURSE_LABEL, Painted(_course(points, room), "cyan"), Painted(steps, "dim")])
    if (share := _share(job, board)) is not None:
        words = [f"{share:.0%}"]
        if (left := board.left(job)) is not None:
            words.append(jobs.left(left, is_short=width < _NARROW))
        elif job.progress.phase == OPTIMISATION and width >= _NARROW:
            words.append("of the way to both thresholds")
        text = "  ".join(words)
        room = max(_BAR_LEAST, min(_BAR[width >= _WIDE], width - len(text) - len("  ")))
        lines += flow([bar(share, 0.0, room), [text]], width)
    return lines


def _course(points: Sequence[Point], room: int) -> str:
    """Draw the logarithm of the gradient norm, step by step."""
    return sparkline([math.log10(max(point.gradient_norm, _LEAST)) for point in points], room)


def _share(job: Job, board: Board) -> float | None:
    """Return how far a job is in its phase, 0 to 1; None: unknown."""
    progress, points = job.progress, board.points.get(job.id, ())
    if progress.phase == FREQUENCIES and progress.step is not None:
        return min(1.0, progress.step / max(1, gradients_of_frequencies(job.atoms)))
    if progress.phase != OPTIMISATION:
        return progress.fraction
    level = _level(board.specs.get(job.id, _NOTHING))
    if level is None:
        return None
    changes = [abs(after.energy_hartree - before.energy_hartree) for before, after in pairwise(points)]
    changes = [change for change in changes if change]  # after a rejected step it is 0
    if len(changes) < _LEAST_CHANGES:
        return None
    norms = [point.gradient_norm for point in points]
    return min(_way(norms, level.gradient_norm), _way(changes, level.energy_change))


def _way(values: Sequence[float], goal: float) -> float:
    """Return the share of the way from the largest value to a threshold, by powers of ten."""
    largest, last = max(values), max(values[-1], _LEAST)
    if last <= goal:
        return 1.0
    return math.log(largest / last) / math.log(largest / goal)


def _standing(job: Job, board: Board, width: int) -> list[Line]:
    """Describe the state of a job."""
    seconds = job_record.elapsed_s(job)
    ran = [] if seconds is None else [times.clock(seconds)]
    state = jobs.painted(job.state, job.state)
    if job.state is JobState.RUNNING:
        phase = job.progress.phase
        if phase == FREQUENCIES:
            phase += f" {job_record.counted_steps(job)}" + " gradients" * (width >= _NARROW)
        asked = "asked to stop" if job.cancel_requested else ""
        where = f" on {job.host or 'a worker'}"
        return flow([[state, where], [phase], [*ran], [asked], _gone(job, board.workforce)], width)
    if job.state.is_final:
        energy = job.progress.energy_hartree
        number = f"{energy:.8f} Eh" if energy is not None and job.state is JobState.DONE else ""
        return flow([[state], [job_record.reason(job)], [number], [*ran]], width)
    words = outlook.words(job, board.workforce)
    return flow([[words], [times.clock((times.now_ms() - job.created_ms) / 1_000)]], width)


def _gone(job: Job, workforce: Workforce) -> Line:
    """Report that no worker runs a job any more."""
    if not workforce.has_deserted(job):
        return []
    hint = "" if workforce.is_starting else f"; {workforce.hint()}"
    return [Painted(f"{workforce.deserted()}{hint}", "yellow")]


def _next(job: Job, local: str, width: int) -> list[Line]:
    """Name the commands that come next."""
    which = f"{job.number}{local}"
    if job.state is JobState.RUNNING:
        return commands("logs: ", [f"nox logs {which} -f"], width)
    if job.state is JobState.DONE:
        return commands("next: ", [f"nox results {which}", f"nox fetch {which}"], width)
    if job.state is JobState.FAILED:
        return commands("next: ", [f"nox status {which}", f"nox logs {which}"], width)
    return []


def _few(board: Board, width: int, height: int) -> list[Line]:
    """A line for each job that runs or has ended, as far as there is room; the others counted."""
    progress = board.progress()
    states = (JobState.FAILED,) if board.failed_only else _SHOWN
    shown = [job for job in board.jobs.values() if job.state in states]
    shown.sort(key=lambda job: (states.index(job.state), -(job.ended_ms or 0), job.number))
    above = _totals(board, progress, width)
    below = [*_rest(board, width), *_hints(board, width)]
    if width < _NARROW:
        below = [*_failures(board, progress, width), *below]
    room = max(1, height - len(above) - len(below) - 1)
    if len(shown) > room:
        room = max(1, room - 1)
        below.insert(0, [f"and {len(shown) - room:,} more"])
    elif board.failed_only and not shown and width >= _NARROW:
        below.insert(0, ["no job has failed"])
    rows = [_row(job, board, width) for job in sorted(shown[:room], key=lambda job: job.number)]
    return [*above, *_table(rows, width), *below]


def _table(rows: Sequence[Sequence[Cell]], width: int) -> list[Line]:
    """Lay jobs out; columns that fill in none of them are left out."""
    if not rows:
        return []
    kept = [
        index
        for index in range(len(_HEADER))
        if index not in {_ENERGY, _COURSE} or any(row[index] for row in rows)
    ]

    def places(indexes: Iterable[int]) -> list[int]:
        return [kept.index(index) for index in indexes if index in kept]

    return columns.laid_out(
        [[row[index] for index in kept] for row in (_HEADER if width >= _NARROW else _NARROW_HEADER, *rows)],
        right=places(_RIGHT),
        gives=places((_NAME,) if width >= _NARROW else (_NAME, _NOTE)),
        spare=places(_SPARE if width >= _NARROW else _SPARE_NARROW),
        columns=width,
    )


def _row(job: Job, board: Board, width: int) -> list[Cell]:
    """Describe a job; on a narrow terminal the energy of one that is done takes the place of its steps."""
    progress, seconds = job.progress, job_record.elapsed_s(job)
    is_running = job.state is JobState.RUNNING
    state = progress.phase if is_running and progress.phase else str(job.state)
    energy = progress.energy_hartree if job.state is JobState.DONE else None
    points = board.points.get(job.id, ()) if progress.phase == OPTIMISATION else ()
    left = board.left(job) if is_running else None
    note = job_record.reason(job) if job.state.is_final else ""
    if left is not None:  # a range would push the columns of convergence out of 80 columns
        note = jobs.left(left, is_short=True) if width >= _WIDE else f"{times.clock(left.likely_s)} left"
    is_narrow = width < _NARROW
    return [
        str(job.number),
        job.name,
        str(job.atoms or ""),
        _charge(board.specs.get(job.id, _NOTHING)),
        jobs.painted(state, job.state),
        _number(energy, ".4f") if is_narrow and energy is not None else job_record.counted_steps(job),
        _number(progress.energy_change_hartree, ".1e"),
        _number(progress.gradient_norm_hartree_per_bohr, ".0e"),
        "" if is_narrow else _number(energy, ".8f"),
        "" if seconds is None else times.clock(seconds),
        Painted(_course(points, _SHORT_SPARKLINE), "cyan") if len(points) > 1 else "",
        "asked to stop" if job.cancel_requested and is_running else note,
    ]


def _rest(board: Board, width: int) -> Iterator[Line]:
    """Describe the newest job that is done, and what the first of the queued jobs waits for."""
    tally, newest = board.follower.tally, board.ledger.newest_done
    if newest is not None and tally[JobState.DONE]:
        energy = newest.progress.energy_hartree
        number = "" if energy is None else f"  {energy:.8f} Eh"
        yield titled("newest done  ", job_title(newest), number, width)
    queued = (job for job in board.jobs.values() if job.state is JobState.QUEUED)
    if (first := min(queued, key=lambda job: job.number, default=None)) is not None:
        yield from flow([[f"waiting      {_held_up(first, board)}"]], width)


def _held_up(first: Job, board: Board) -> str:
    """Describe what the first of the queued jobs waits for."""
    if found := shortage(board.workforce.offers(), first):
        return f"{job_title(first)} waits for {found.words}"
    return outlook.message(first, board.workforce).removeprefix("queued; ") or job_record.message(first)


def _slots(board: Board) -> int:
    return sum(worker.beat.slots for worker in board.workforce.living)


def _hints(board: Board, width: int) -> Iterator[Line]:
    """Name the next commands once all jobs are final; of many jobs also the one that lists failures."""
    tally, is_over = board.follower.tally, board.follower.is_over
    if is_over and tally[JobState.DONE] and board.batch:
        which = shlex.quote(f"@batch:{board.batch}") + board.watching.local
        yield from commands("next: ", [f"nox results {which}", f"nox fetch {which}"], width)
    if tally[JobState.FAILED] and (is_over or not board.is_few):
        of_batch = f" --batch {shlex.quote(board.batch)}" if board.batch else ""
        yield from commands("why:  ", [f"nox list{of_batch} --state failed{board.watching.local}"], width)


def _totals(board: Board, progress: BatchProgress, width: int) -> list[Line]:
    """Write `cycle  ███▒▒··  12/20 done · 1 failed · 4 running · 3 waiting   3:12, about 1 min 40 s left`."""
    return _headed(board, progress, jobs.by_state(progress.counts, progress.total), width)


def _many(board: Board, width: int, height: int) -> list[Line]:
    """Totals, and the few jobs that stand out."""
    progress = board.progress()
    rate = "" if progress.rate_per_s is None else jobs.rate(progress.rate_per_s)
    lines = _headed(board, progress, [[f"{progress.ended:,}/{progress.total:,}"], [rate]], width)
    lines += _counts(board, progress, width)
    if not (_slots(board) or board.follower.is_over):
        words = STARTING if board.workforce.is_starting else f"no worker is alive; {board.workforce.hint()}"
        lines += flow([[Painted(words, "yellow")]], width)
    if not board.failed_only and sum(progress.ends_per_slice) > 1:
        lines += _ends(progress, width)
    lines += _failures(board, progress, width)
    if not board.failed_only:
        lines += _outstanding(progress, width)
    lines += _last_failed(board, width)
    hints = list(_hints(board, width))
    return [*lines[: max(1, height - len(hints))], *hints]


def _headed(board: Board, progress: BatchProgress, parts: Sequence[Line], width: int) -> list[Line]:
    """Write the name of the jobs and a bar, counts, the time they have run, and the time that is left."""
    name = board.batch or "jobs"
    elapsed = "" if progress.elapsed_s is None else times.clock(progress.elapsed_s)
    left = ""
    if progress.left is not None and board.workforce.living:
        left = jobs.left(progress.left, is_short=width < _NARROW)
    first, spent = flow(parts, _ANY, DOT)[0], ", ".join(filter(None, (elapsed, left)))
    rest: list[Line] = []
    if _room(name, [*first, "   ", spent], width) >= _BAR_LEAST:
        first += ["   ", spent]
    elif width >= _NARROW:
        rest = [[spent]]
    else:
        first, rest = [], [*parts, [elapsed], [left]]
    total = max(1, progress.total)
    shares = progress.ended / total, progress.counts.get(JobState.RUNNING, 0) / total
    name = cut(name, max(_SHORTEST_NAME, width - _BAR_LEAST - size(first) - 2 * len(_GAP)))
    drawn = bar(*shares, max(_BAR_LEAST, min(_BAR[width >= _WIDE], _room(name, first, width))))
    lines = [[name, _GAP, *drawn, *([_GAP, *first] if first else [])]]
    return [*lines, *flow(rest, width, DOT)]


def _room(name: str, words: Line, width: int) -> int:
    """Count the columns that are left between a name and words."""
    return width - size([name]) - size(words) - len(_GAP) * (2 if words else 1)


def _counts(board: Board, progress: BatchProgress, width: int) -> list[Line]:
    """Count jobs by state, and their workers; name allocations that bring more of these."""
    workers = counted(len(board.workforce.living), "worker")
    parts: list[Line] = [*jobs.by_state(progress.counts), [f"{workers} ({counted(_slots(board), 'slot')})"]]
    news = board.workforce.pools.news() if board.workforce.living and not board.follower.is_over else ""
    return flow([*parts, [news]], width, DOT)


def _ends(progress: BatchProgress, width: int) -> list[Line]:
    """Draw how many jobs ended, slice by slice."""
    span = times.words(progress.slice_s * len(progress.ends_per_slice))
    drawn = sparkline(progress.ends_per_slice, width, base=0)
    return flow([[_label("ended", width), Painted(drawn, "green")], [f"in {span}"]], width)


def _failures(board: Board, progress: BatchProgress, width: int) -> list[Line]:
    """Count failures by reason; where there is room or only they are wanted, with the newest jobs of each."""
    if not progress.failures:
        return [["no job has failed"]] if board.failed_only else []
    if width < _WIDE and not board.failed_only:
        label = "failed by reason:" if width >= _NARROW else "failed:"
        counts = jobs.reasons(progress)
        counts[0] = f"{label} {counts[0]}"
        return flow(([words] for words in counts), width, DOT)
    label = _label("failed by reason", width) if width >= _NARROW else ""
    lines: list[Line] = []
    for group, words in zip(progress.failures, jobs.reasons(progress), strict=True):
        head = f"{label}{words}"
        lines.append([head, Painted(_sample(group, width - len(head)), "dim")])
        label = " " * len(label)
    return lines


def _sample(group: FailureGroup, room: int) -> str:
    """Name the newest jobs of a group, as many as there is room for."""
    words = ""
    for index, job in enumerate(group.sample, 1):
        longer = f"{words}{', ' if words else '  '}{job_title(job)}"
        more = ", ..." if group.count > index else ""
        if columns.width(longer + more) > room:
            return f"{words}, ..." if words else ""
        words = longer
    return words + more


def _outstanding(progress: BatchProgress, width: int) -> Iterator[Line]:
    """Name the jobs that stand out: the lowest energy, and the one that has run longest."""
    lowest, slow = progress.lowest, progress.longest_running
    if lowest is not None:
        energy = f"  {lowest.progress.energy_hartree:.8f} Eh"
        yield titled(_label("lowest so far", width), job_title(lowest), energy, width)
    if slow is not None:
        words = f"  step {job_record.counted_steps(slow)}" if slow.progress.step is not None else ""
        change = slow.progress.energy_change_hartree
        energy = "" if change is None or width < _NARROW else f"  dE {change:.0e}"
        ran = f"  {times.clock(job_record.elapsed_s(slow) or 0.0)}"
        yield titled(_label("slowest running", width), job_title(slow), f"{words}{energy}{ran}", width)


def _last_failed(board: Board, width: int) -> list[Line]:
    """Name the newest failure, and the command that explains it."""
    failed = board.last_failed
    if failed is None:
        return []
    label, name = _label("last failed", width), job_title(failed)
    line = titled(label, name, f"  {job_record.reason_words(failed.reason)}", width)
    hint = f"nox explain {failed.number}{board.watching.local}"
    return flow([line, [Painted(hint, "dim")]], width)


def _label(words: str, width: int) -> str:
    """Fill a label up; on a narrow terminal it is only its first word."""
    return f"{words:<18}" if width >= _NARROW else f"{words.split(maxsplit=1)[0]:<9}"


def _charge(spec: Document) -> str:
    charge = spec.whole("charge")
    return "" if charge is None else jobs.signed(charge)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
