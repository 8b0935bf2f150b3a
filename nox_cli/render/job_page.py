"""Output of `nox status JOB`: one job with all that is known of it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted, job_title
from nox_cli.hints import WORKER, release_here
from nox_cli.render import jobs
from nox_cli.results import job_record
from nox_cli.results.attempts import ended, standing
from nox_cli.watch import outlook
from workers.job import JobState, Reason, worker_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out
    from nox_cli.results.documents import Document, OutcomeDocument
    from nox_cli.watch.status import Full
    from workers.job import Attempt

_SHOWN_PAYLOAD = 200
# The course of the energy is described for this many of the newest steps.
_COURSE = 20
_SHOWN_PARENTS = 6


def text(found: Full, out: Out) -> None:
    """Write the name, the state, the calculation, the numbers, the artifacts and the next commands."""
    job = found.job
    words = [job_title(job), jobs.atoms(job), jobs.charge(found.spec) if job.kind != "echo" else ""]
    out.line("  ".join(filter(None, words)))
    out.line(jobs.painted(_state(found), job.state))
    if found.spec:
        engine = _engine(found)
        out.line(
            jobs.calculation(found.spec, is_crystal=jobs.is_crystal(found.spec))
            + (f" · {engine}" if engine else "")
        )
    if earlier := found.spec.text("retry_of"):
        out.line(f"on from the last geometry of job {earlier}")
    parents = _parents(found)
    for line in (*parents, *_numbers(found), *_evidence(found), *_attempts(found), *_hints(found)):
        out.line(line)


def _state(found: Full) -> str:
    """Write the state in words; of one attempt how it ended."""
    job = found.job
    if found.chosen is not None:
        return _end(found.chosen, found.outcome)
    if job.state is JobState.RUNNING:
        ran = times.words(job_record.elapsed_s(job) or 0.0)
        return f"{outlook.words(job, found.workforce)} ({ran}, attempt {job.attempt})"
    if job.state.is_waiting:
        since = times.words((times.now_ms() - job.created_ms) / 1_000)
        return f"{outlook.words(job, found.workforce)} (submitted {since} ago, priority {job.priority})"
    words = found.last.failure.text("message") or job_record.reason(job)
    ended = f": {words}" if words and job.state is not JobState.DONE else ""
    return job.state + ended + _where(found)


def _end(tried: Attempt, outcome: OutcomeDocument) -> str:
    """Write how an attempt ended: `attempt 1: done (2 min 41 s, node07, ended 12:03)`."""
    failure = outcome.failure.text("message")
    word = JobState.FAILED if failure else ended(tried)
    at = times.short(tried.ended_ms, times.now_ms())
    where = ", ".join((_ran(tried), worker_host(tried.worker), f"ended {at}"))
    return f"attempt {tried.number}: {word}{failure and f': {failure}'} ({where})"


def _ran(tried: Attempt) -> str:
    ended_ms = tried.ended_ms if tried.ended_as else times.now_ms()
    return times.words(max(0, ended_ms - tried.started_ms) / 1_000)


def _where(found: Full) -> str:
    """Write how long it took, where and in which attempt: ` (2 min 41 s, node07, attempt 1)`."""
    job = found.job
    seconds = job_record.elapsed_s(job)
    ran = times.words(seconds) if seconds is not None and job.attempt else ""
    words = [ran, job.host, f"attempt {job.attempt}" if job.started_ms is not None else ""]
    ended = f"ended {times.short(job.ended_ms, times.now_ms())}" if job.ended_ms else ""
    where = ", ".join(filter(None, (*words, ended)))
    return f" ({where})" if where else ""


def _engine(found: Full) -> str:
    """Name the engine that computed, or the one that was asked for."""
    for document in (found.outcome.result, found.spec):
        name, version = document.text("engine"), document.text("engine_version")
        if name:
            return f"{name} {version}".rstrip()
    return ""


def _numbers(found: Full) -> Iterator[str]:
    result = found.outcome.result
    if found.chosen is None and (note := standing(found.job)):
        yield f"  {note}"
    if result.text("kind") == "echo":
        yield f"  payload {json.dumps(result.fields.get('payload'))[:_SHOWN_PAYLOAD]}"
        return
    if found.outcome.failure and found.outcome.convergence:
        yield from _convergence(found.outcome.convergence)
        yield from _gap(result)
        return
    words = [
        _quantity("energy", result.number("energy_hartree"), ".8f", "Eh"),
        _quantity("gap", result.number("gap_ev"), ".3f", "eV"),
        _quantity("dipole", result.number("dipole_debye"), ".3f", "D"),
        _quantity("|g|", result.number("gradient_norm_hartree_per_bohr"), ".1e", "Eh/bohr"),
    ]
    if any(words):
        yield "  " + "   ".join(filter(None, words))
    steps = found.outcome.convergence.whole("steps")
    if steps is not None:
        how = "converged" if found.outcome.convergence.flag("converged") else "not converged"
        yield f"  {how} in {counted(steps, 'step')}"
    earlier = found.outcome.result.part("provenance").part("continued").whole("gradients")
    if earlier is not None:
        yield f"  went on after {counted(earlier, 'gradient')} of earlier attempts"


def _convergence(reached: Document) -> Iterator[str]:
    """Write the thresholds above the values that were reached."""
    energies = reached.numbers("trajectory_energies_hartree")
    lowest = min(range(len(energies)), key=energies.__getitem__, default=None)
    newest = energies[-_COURSE - 1 :]
    rises = sum(after > before for before, after in pairwise(newest))
    low = "" if lowest is None else f"lowest E {energies[lowest]:.8f} at step {lowest + 1}"
    course = f"last {len(newest) - 1} steps: energy rose in {rises}" if len(newest) > 1 else ""
    needed = _pair(
        reached.number("energy_change_threshold_hartree"),
        reached.number("gradient_norm_threshold_hartree_per_bohr"),
    )
    last = _pair(reached.number("energy_change_hartree"), reached.number("gradient_norm_hartree_per_bohr"))
    yield f"        dE/Eh     |g|/(Eh/bohr)       {low}".rstrip()
    yield f"  need  {needed}".rstrip()
    yield f"  last  {last}             {course}".rstrip()


def _pair(energy: float | None, gradient: float | None) -> str:
    left = "-" if energy is None else f"{abs(energy):.1e}"
    right = "-" if gradient is None else f"{gradient:.1e}"
    return f"{left:<10}{right:<7}"


def _gap(result: Document) -> Iterator[str]:
    gap = result.number("gap_ev")
    if gap is not None:
        is_small = "small_gap" in result.texts("verdicts")
        small = ": small, two electronic states may compete" if is_small else ""
        yield f"  gap {gap:.2f} eV{small}"


def _quantity(name: str, value: float | None, form: str, unit: str) -> str:
    return "" if value is None else f"{name} {value:{form}} {unit}"


def _evidence(found: Full) -> Iterator[str]:
    for line in found.last.failure.texts("evidence"):
        yield f"  | {line}"
    for warning in found.outcome.warnings:
        yield f"warning: {warning}"


def _parents(found: Full) -> Iterator[str]:
    """Name the jobs that this one waits for, or did, each with its state."""
    shown = found.parents[:_SHOWN_PARENTS]
    if shown:
        names = ", ".join(job_title(one) + f" ({one.state})" for one in shown)
        rest = found.job.parents - len(shown)
        yield f"after {names}" + (f" and {rest:,} more" if rest else "")


def _attempts(found: Full) -> Iterator[str]:
    """List all attempts, unless the only one is described already."""
    is_described = len(found.attempts) == 1 and found.job.started_ms is not None
    for tried in () if is_described or found.chosen is not None else found.attempts:
        words = f": {tried.message}" if tried.message else ""
        end = f"{ended(tried)} {'after' if tried.ended_as else 'for'} {_ran(tried)}"
        yield f"attempt {tried.number}: {end} on {worker_host(tried.worker)}{words}"


def _hints(found: Full) -> Iterator[str]:
    """Name the artifacts and the next commands; only commands that exist are named."""
    job = found.job
    if names := " ".join(made.name for made in found.artifacts if not made.dropped):
        chosen = f" --attempt {found.chosen.number}" if found.chosen else ""
        yield f"kept: {names}       nox fetch {job.number}{chosen} -d ."
    if found.chosen is not None:
        return
    hint = found.last.failure.text("hint")
    if hint:
        yield f"try:  {hint}"
    if job.state is JobState.FAILED and job.reason is Reason.NOT_CONVERGED and found.last.result:
        yield f"try:  nox retry {job.number} --from-last-geometry       (same method, comparable energy)"
    if job.state is JobState.FAILED and job.good is not None:
        yield f"see:  nox status {job.number} --attempt {job.attempt}"
    if job.state is JobState.FAILED and job.reason is Reason.WORKER_LOST:
        yield f"see:  nox logs {job.number}       (on {job.host}: the last its engine printed)"
    if job.state is JobState.RUNNING:
        yield f"see:  nox watch {job.number}    nox logs {job.number} -f"
    if job.state is JobState.HELD:
        which = str(job.number)
        is_moved = job.reason is Reason.MOVED
        tried = ("nox push", *release_here(which)) if is_moved else (f"nox release {which}",)
        yield f"try:  {'    '.join(tried)}"
    is_wanted = job.state in {JobState.QUEUED, JobState.SCHEDULED, JobState.RUNNING}
    if is_wanted and not (found.workforce.living or found.workforce.is_starting):
        here = f"{WORKER}       (runs what waits, here, until stopped)"
        is_of_pools = bool(found.workforce.pools.pools)
        yield f"see:  nox explain {job.number}" if is_of_pools else f"try:  {found.workforce.hint(here, '')}"
