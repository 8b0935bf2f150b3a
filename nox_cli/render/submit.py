"""Output of `nox submit`: for people what will be computed, for programs ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.hints import release_here, start_one
from nox_cli.render import jobs
from nox_cli.render.terminal.columns import aligned, cut, width
from nox_cli.render.terminal.out import WIDTH_IN_PIPES
from nox_cli.submission.calculation import USUAL
from workers.engine.program_options import interpreted
from workers.machine import LOGIN_NODE
from workers.runtime.autostart import Wake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.commands.submit import SubmitView
    from nox_cli.render.terminal.out import Out
    from nox_cli.submission.jobs import ChargeGroup
    from nox_cli.submission.submit import Submission
    from workers.spec import ChemistrySpec

SHOWN_GROUPS = 8
_DRY_RUN = "dry run: nothing was submitted"


def notes(submitted: SubmitView) -> Iterator[str]:
    """Return warnings, and what a dry run would do; on a terminal `text` writes them below the jobs."""
    if submitted.is_drawn:
        return
    if submitted.stored is None:
        yield from _drawing(submitted, WIDTH_IN_PIPES)
    yield from _warnings(submitted)
    if submitted.stored is None:
        yield _DRY_RUN


def text(submitted: SubmitView, out: Out) -> None:
    """Write for people what will be computed, in a pipe one id a line."""
    if not submitted.is_drawn:
        for job_id in ids(submitted):
            out.line(job_id)
        return
    for line in _drawing(submitted, out.width):
        out.line(line)
    out.flush()
    for warning in _warnings(submitted):
        out.note(warning)
    out.line(_next(submitted))
    out.flush()
    if submitted.watching is not None:
        from nox_cli.render import watch

        submitted.settle()
        watch.text(submitted.watching, out)


def remarks(submitted: SubmitView) -> Iterator[str]:
    """Wait, if that was asked for, and write remarks meanwhile."""
    if submitted.waiting is not None:
        submitted.settle()
        yield from submitted.waiting.go()


def ids(submitted: SubmitView) -> Iterator[str]:
    """Return one id a job."""
    return (job.job_id for job in (submitted.stored.jobs if submitted.stored else ()))


def _warnings(submitted: SubmitView) -> Iterator[str]:
    for line in submitted.prepared.warnings:
        yield f"warning: {line}"
    done = submitted.submission
    if done is None:
        return
    for line in done.warnings():
        yield f"warning: {line}"


def _drawing(submitted: SubmitView, columns: int) -> Iterator[str]:
    prepared, stored = submitted.prepared, submitted.stored
    batch = f", batch {prepared.batch}" if prepared.batch else ""
    done = submitted.submission
    if done is None or stored is None or not stored.jobs:
        yield f"{counted(len(prepared.jobs), 'job')}{batch}"
    else:
        yield f"{_numbers([job.number for job in stored.jobs])}{batch}, store: {done.where}"
    if prepared.profile is not None:
        yield f"profile {prepared.profile.name}: {prepared.profile.words() or 'its options are all replaced'}"
    if done is not None and (existing := sum(job.existing for job in done.stored.jobs)):
        again = f", of which {done.retried:,} had failed and run again" if done.retried else ""
        yield f"{existing:,} of them {'was' if existing == 1 else 'were'} there already{again}"
    if prepared.calculation is not None and prepared.groups:
        yield _calculation(prepared.calculation, prepared.engine)
    if prepared.groups:
        yield from _groups(prepared.groups, columns)


def _numbers(numbers: Sequence[int | None]) -> str:
    """Name jobs by their numbers: `job 43`, `jobs 43-49 (7)`."""
    known = [number for number in numbers if number is not None]
    if len(numbers) == 1 and known:
        return f"job {known[0]}"
    count = f"({len(numbers):,})"
    if not known or len(known) < len(numbers):
        return f"jobs {count}"
    dash = "-" if known[-1] - known[0] == len(known) - 1 else " to "
    return f"jobs {known[0]}{dash}{known[-1]} {count}"


def _calculation(calculation: ChemistrySpec, engine: str) -> str:
    words = [jobs.kind(calculation.kind, calculation.opt_level or "")]
    words.append(f"{jobs.method(calculation.method)} ({engine})")
    passed = interpreted(calculation.program_options, calculation.program_input)
    if calculation.solvation is not None or passed.solvation:
        words.append(jobs.surroundings(calculation.solvation or "", calculation.solvent, passed))
    if calculation.spin_polarised:
        words.append("spin-polarised")
    words += jobs.passed_on(passed.rest, calculation.program_input)
    if calculation.frozen_atoms:
        words.append(f"{counted(len(calculation.frozen_atoms), 'atom')} frozen")
    if calculation.accuracy != USUAL.accuracy:
        words.append(f"accuracy {calculation.accuracy:g}")
    if calculation.electronic_temperature_k != USUAL.electronic_temperature_k:
        words.append(f"electronic temperature {calculation.electronic_temperature_k:g} K")
    if calculation.kind in jobs.CURVED:
        words.append(jobs.gas(calculation.temperature_k, calculation.pressure_pa))
    return " · ".join(words)


def _groups(groups: Sequence[ChargeGroup], columns: int) -> Iterator[str]:
    """Lay out charge, spin and their origins as a table; names are cut to the width of the terminal."""
    shown = groups[:SHOWN_GROUPS]
    head = ("  charge", "unpaired", "from", "files")
    rows = [head, *((jobs.signed(one.charge), str(one.unpaired), one.origin, "") for one in shown)]
    lines = aligned([row[:3] for row in rows], right=(0, 1))
    filled = max(map(width, lines))
    yield f"{lines[0].ljust(filled)}  {head[3]}"
    for line, one in zip(lines[1:], shown, strict=True):
        yield f"{line}{' ' * (filled - width(line))}  {_names(one, columns - filled - 2)}"
    if len(groups) > len(shown):
        yield f"  and {len(groups) - len(shown):,} more kinds of charge and spin"


def _names(one: ChargeGroup, columns: int) -> str:
    """Name as many jobs as fit, then say how many more there are."""
    words: list[str] = []
    for name in one.names:
        rest = one.count - len(words) - 1
        tail = f" and {rest:,} more" if rest else ""
        if words and width(" ".join([*words, name])) + len(tail) > columns:
            break
        words.append(name if words else cut(name, columns - len(tail)))
    rest = one.count - len(words)
    return " ".join(words) + (f" and {rest:,} more" if rest else "")


def _next(submitted: SubmitView) -> str:
    """Name the workers that run the jobs, and the next commands."""
    if submitted.is_dry:
        return _DRY_RUN
    if submitted.submission is None:
        return "nothing was submitted"
    found = f"@last{submitted.local}"
    return f"{_who(submitted, submitted.submission)} · nox watch {found} · nox results {found}"


def _who(submitted: SubmitView, done: Submission) -> str:
    first = submitted.prepared.jobs[0]
    if first.awaits_move:
        return f"held: {', or '.join(('nox push', *release_here('@last')))}"
    if first.held:
        return f"held: nox release @last{submitted.local}"
    if first.begin_ms is not None:
        return f"not before {times.short(first.begin_ms, times.now_ms())}, {_workers(submitted, done)}"
    return _workers(submitted, done)


def _workers(submitted: SubmitView, done: Submission) -> str:
    if done.woken is None:
        from nox_cli.watch.workforce import Workforce

        found, lead = submitted.workforce or Workforce(), "no worker is listening: "
        slots = sum(worker.beat.slots for worker in found.living)
        if slots or not (words := found.pools.words()):
            return f"{counted(slots, 'slot')} at work" if slots else found.hint(lead=lead)
        return f"{lead}{words}"
    if done.woken.wake is Wake.STARTED:
        return f"{counted(done.slots, 'slot')} started here"
    if done.woken.wake is Wake.RUNG:
        return "a worker runs here"
    return "no worker runs here" if done.woken.why == LOGIN_NODE else start_one(lead="no worker runs here: ")
