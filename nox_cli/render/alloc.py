"""Output of `nox alloc`: pools, their allocations, looks and plans."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.alloc.definition import HOUR_S, budget_words
from nox_cli.alloc.management import PoolChange, PoolSet
from nox_cli.alloc.overview import PoolList, PoolPage
from nox_cli.alloc.run import LookReport
from nox_cli.counts import counted
from nox_cli.render.terminal.columns import aligned, write
from nox_cli.text import safe_lines
from nox_cli.watch.pools import paused_words, strike_words
from workers.sizes import size_words, time_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.alloc.overview import PoolRow
    from nox_cli.alloc.records import PlannedRequest
    from nox_cli.alloc.run import LoopEnded
    from nox_cli.render.terminal.out import Out
    from workers.pools.report import Decision, ShapeLine
    from workers.store.pools import Allocation, Pool, PoolDefinition

_POOLS = (
    "pool", "state", "pending", "running", "max", "jobs", "cores", "hours", "budget", "look",
)  # fmt: skip
_ALLOCATIONS = ("number", "state", "reason", "requested", "starts", "ran", "jobs", "worker", "log")
_SHAPES = ("cores", "memory", "time", "engine", "ready", "pool", "run time", "basis", "left")
# The column of values in `nox alloc show`.
_LABEL = 10


def text(result: PoolSet | PoolChange | PoolList | PoolPage | LookReport | LoopEnded, out: Out) -> None:
    """Write what a subcommand found or did; a loop that ended wrote for itself."""
    if isinstance(result, PoolSet):
        _set(result, out)
    elif isinstance(result, PoolChange):
        _changed(result, out)
    elif isinstance(result, PoolList):
        _list(result, out)
    elif isinstance(result, PoolPage):
        _page(result, out)
    elif isinstance(result, LookReport):
        _look(result, out)


def _set(result: PoolSet, out: Out) -> None:
    file = result.file
    out.line(f"pool {file.pool}: {_definition(file.definition)}")
    for name, (before, after) in result.changed.items():
        out.line(f"changed: {name} from {before} to {after}")
    if not result.is_new and not result.changed:
        out.line("nothing changed")
    for line in result.test.splitlines():
        word = "note" if " to start at " in line else "warning"
        out.note(f"{word}: sbatch --test-only: {line}")
    for note in result.notes:
        out.note(f"note: {note}")
    out.note("hint: nox alloc run requests allocations; nox alloc run --dry-run shows what it would do")


def _changed(result: PoolChange, out: Out) -> None:
    cancelled = f"; cancelled {' '.join(result.cancelled)}" if result.cancelled else ""
    out.line(f"{result.change} {result.pool}{cancelled}")
    if result.running and result.change != "resumed":
        out.line(f"continue to run: {' '.join(result.running)}")
    for note in result.notes:
        out.note(note if note.startswith("warning:") else f"note: {note}")


def _list(result: PoolList, out: Out) -> None:
    if not result.rows:
        out.line("no pools; nox alloc set POOL --cores 8 --memory 16G --time 4h -- -p PARTITION defines one")
        return
    now = times.now_ms()
    rows = [_POOLS, *(_row(row, now) for row in result.rows)]
    write(out, rows, right=(2, 3, 4, 5, 6, 7), gives=(0, 8), spare=(7, 4))
    for row in result.rows:
        out.lines(_trouble(row.pool))
    for row in result.rows:
        if row.file is None:
            out.note(f"note: the file of pool {row.pool.name} is on another machine")


def _row(row: PoolRow, now: int) -> tuple[str, ...]:
    pool = row.pool
    budget = pool.definition.budget
    used = f"{row.core_seconds_used / HOUR_S:.1f} of {budget_words(budget)}" if budget else "-"
    return (
        pool.name,
        _state(row, now),
        f"{row.pending:,}",
        f"{row.running:,}",
        f"{pool.definition.most:,}",
        f"{pool.demand_jobs:,}",
        f"{pool.demand_cores:,}",
        f"{row.core_seconds_today / HOUR_S:.1f}",
        used,
        "never" if pool.looked_ms is None else f"{times.words(max(0, now - pool.looked_ms) / 1_000)} ago",
    )


def _trouble(pool: Pool) -> Iterator[str]:
    """Report why a pool is paused, or what the batch system refused last, in a line."""
    if pool.paused is not None:
        words, last = paused_words(pool), (pool.why.splitlines() or [""])[-1]
        yield f"{words}{f' ({last})' if last not in words else ''}; see nox alloc show {pool.name}"
    elif pool.refusal:
        yield f"pool {pool.name} was refused: {pool.refusal.splitlines()[0]}"
    elif pool.strikes:
        yield f"pool {pool.name}: {strike_words(pool.strikes)}; see nox alloc show {pool.name}"


def _state(row: PoolRow, now: int) -> str:
    pool = row.pool
    if pool.paused is not None:
        return f"paused ({pool.paused})"
    if pool.next_ms > now:
        return f"waits {times.words((pool.next_ms - now) / 1_000)}"
    return "active"


def _page(result: PoolPage, out: Out) -> None:
    row, now = result.row, times.now_ms()
    pool = row.pool
    out.line(f"pool {pool.name}: {_definition(pool.definition)}")
    for label, value in _facts(result, now):
        out.line(f"{label:<{_LABEL}}{value}")
    for line in pool.why.splitlines() if pool.paused is not None else ():
        out.line(f"  {line}")
    if result.allocations:
        out.line("")
        rows = [_ALLOCATIONS, *(_allocation(one, now) for one in result.allocations)]
        write(out, rows, right=(6,), gives=(8, 7, 2), spare=(8, 7))
    if result.log_lines:
        out.line("")
        out.line("the last lines of the newest log:")
        out.lines(f"  {line}" for line in result.log_lines)
    if result.script:
        out.line("")
        out.line(f"the batch script, for sbatch {shlex.join(result.file.words if result.file else ())}")
        _indented(result.script, out)
    for advice in result.advice:
        out.note(f"hint: {advice}")


def _facts(result: PoolPage, now: int) -> Iterator[tuple[str, str]]:
    row, pool, file = result.row, result.row.pool, result.file
    yield "state", _state(row, now)
    others = f", and {pool.foreign:,} that this store did not request (squeue --me)" if pool.foreign else ""
    yield "now", f"{row.pending:,} pending, {row.running:,} running{others}"
    waiting = f"{counted(pool.demand_jobs, 'job')} for {counted(pool.demand_cores, 'core')}"
    yield "demand", waiting if pool.looked_ms else "not known before the first look"
    today = f"{row.core_seconds_today / HOUR_S:.1f} core hours today"
    budget = pool.definition.budget
    used = f", {row.core_seconds_used / HOUR_S:.1f} of {budget_words(budget)}" if budget else ""
    yield "used", today + used
    yield "looked", "never" if pool.looked_ms is None else times.short(pool.looked_ms, now)
    if pool.strikes:
        yield "strikes", f"{pool.strikes}"
    if pool.refusal:
        yield "refusal", (pool.refusal.splitlines() or [""])[0]
    yield "file", "on another machine" if row.file is None else str(row.file)
    if file is not None:
        yield "sbatch", shlex.join(file.words) or "no further words"
        yield "before", file.before or "-"
        yield "logs", file.folder


def _allocation(one: Allocation, now: int) -> tuple[str, ...]:
    ran = "-"
    if one.started_ms is not None:
        ran = times.clock(max(0, (one.ended_ms or now) - one.started_ms) / 1_000)
    expected = "-" if one.starts_ms is None else times.short(one.starts_ms, now)
    return (
        one.number or "-",
        str(one.ended_as or one.state).replace("_", " "),
        one.reason or "-",
        times.short(one.intended_ms, now),
        expected if one.started_ms is None else times.short(one.started_ms, now),
        ran,
        "-" if one.is_live else f"{one.jobs:,}",  # its worker reports them at its end
        one.worker or "-",
        one.log or "-",
    )


def _look(result: LookReport, out: Out) -> None:
    for note in result.notes:
        out.note(note)
    if result.plan is not None:
        _plan(result, out)
        return
    for line in result.lines:
        if line.is_warning:
            out.note(f"warning: {line.text}")
        else:
            out.line(line.text)


def _plan(result: LookReport, out: Out) -> None:
    look = result.look
    if look.shapes:
        rows = [_SHAPES, *map(_shape, look.shapes)]
        out.lines(aligned(rows, right=(0, 1, 4, 6, 8)))
        for line in look.shapes:
            out.lines(_unfit(line))
    else:
        out.line("no job is ready")
    if look.silence:
        out.note(f"warning: the batch system does not answer: {look.silence}")
    for decision in look.decisions:
        out.line("")
        _decision(decision, out)
        planned = (result.plan or {}).get(decision.pool.name)
        if planned is not None:
            _planned(planned, out)


def _decision(one: Decision, out: Out) -> None:
    limits = ", ".join(f"{option} allows {allows:,}" for option, allows in one.limits.items())
    out.line(f"pool {one.pool.name} {one.why}")
    out.line(f"  wanted {one.wanted:,}; {one.pending:,} pending, {one.running:,} running; {limits}")
    if one.cancel:
        out.line(f"  cancels {' '.join(allocation.number for allocation in one.cancel)}")


def _planned(planned: PlannedRequest, out: Out) -> None:
    out.line(f"  sbatch {shlex.join(planned.words)}".rstrip())
    _indented(planned.script, out)
    for line in planned.test.splitlines():
        out.line(f"  sbatch --test-only: {line}")


def _shape(line: ShapeLine) -> tuple[object, ...]:
    shape = line.shape
    return (
        shape.cores,
        size_words(shape.memory_bytes),
        time_words(shape.time_limit_s) if shape.time_limit_s else "-",
        shape.engine,
        f"{shape.jobs:,}",
        line.pool or "none",
        time_words(line.run_s),
        line.basis,
        f"{line.left:,}",
    )


def _unfit(line: ShapeLine) -> Iterator[str]:
    """Report what the nearest pool lacks for jobs that fit none."""
    if line.lack:
        one = line.shape
        time = f", {time_words(one.time_limit_s)}" if one.time_limit_s else ""
        of = f"{counted(one.cores, 'core')}, {size_words(one.memory_bytes)}{time}, {one.engine}"
        yield f"no pool runs {counted(one.jobs, 'job')} of {of}; the nearest lacks {line.lack}"


def _definition(size: PoolDefinition) -> str:
    budget = f", {budget_words(size.budget)}" if size.budget else ""
    most = f"at most {counted(size.most, 'allocation')}, {size.pending:,} pending{budget}"
    shape = f"{counted(size.cores, 'core')}, {size_words(size.memory_bytes)}, {time_words(size.time_s)}"
    return f"{shape}; {most}; idle {time_words(size.idle_s)}"


def _indented(script: str, out: Out) -> None:
    """Write a batch script."""
    out.lines(f"    {line}" for line in safe_lines(script).splitlines())
