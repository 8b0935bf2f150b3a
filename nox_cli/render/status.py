"""Output of `nox status`: one job, several, or everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import counts
from nox_cli.watch.status import Brief, Full, Overview, Several

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out
    from workers.store.values import WorkerSeen

_SHOWN_WORKERS = 10
# Lines other than jobs and workers: store, count, blank, header, the rest, and the prompt.
_AROUND = 7
_FEWEST = 5


def text(found: Brief | Full | Several | Overview, out: Out) -> None:
    """Write it for people."""
    if isinstance(found, Overview):
        _overview(found, out)
    elif isinstance(found, Several):
        from nox_cli.render import listing

        listing.write(out, found.jobs(), found.energies)
        if out.is_terminal:
            out.lines(_summary(found))
    elif isinstance(found, Full):
        from nox_cli.render import job_page

        job_page.text(found, out)


def _summary(found: Several) -> Iterator[str]:
    """Count jobs and reasons of failures: `12/20 done · 1 failed · 7 waiting, about 2 min left`."""
    from nox_cli.render import jobs

    progress = found.progress()
    left = "" if progress.left is None else f", {jobs.left(progress.left)}"
    yield counts.state_words(found.tally, progress.total) + jobs.held(found.tally) + left
    if progress.failures:
        yield f"failed by reason: {' · '.join(jobs.reasons(progress))}"


def _overview(found: Overview, out: Out) -> None:
    """Write the store, the workers, counts, and the user's active jobs."""
    from nox_cli.render import listing

    health = found.health
    out.line(f"store    {health.kind}: {health.where}")
    for warning in health.warnings:
        out.line(f"         {warning}")
    out.line(f"workers  {_workers(found)}")
    for worker in found.workforce.living[:_SHOWN_WORKERS]:
        out.line(f"         {_worker(worker)}")
    out.line(f"jobs     {counts.state_words(found.counts)}  ({found.owner})")
    progress = list(_progress(found))
    out.lines(progress)
    if not found.active:
        return
    out.line("")
    shown = found.active[: _room(found, out.height, len(progress))]
    listing.write(out, shown, found.energies)
    rest = _active(found) - len(shown)
    if rest > 0:
        out.line(f"and {rest:,} more: nox list --state running,waiting")


def _progress(found: Overview) -> Iterator[str]:
    """Write the rate of jobs, the time that is left, and failures by reason, as far as there are any."""
    progress = found.progress
    if progress.rate_per_s is None and progress.left is None and not progress.failures:
        return
    from nox_cli.render import jobs

    if pace := jobs.pace(progress):
        yield f"pace     {pace}"
    if progress.failures:
        yield f"failed   {' · '.join(jobs.reasons(progress))}"


def _room(found: Overview, height: int | None, lines: int) -> int | None:
    """Count the jobs for which a terminal has room, below a number of lines of progress; None: any number."""
    if height is None:
        return None
    above = lines + len(found.health.warnings) + len(found.workforce.living[:_SHOWN_WORKERS])
    return max(_FEWEST, height - above - _AROUND)


def _active(found: Overview) -> int:
    return sum(count for state, count in found.counts.items() if not state.is_final)


def _workers(found: Overview) -> str:
    living, news = found.workforce.living, found.workforce.pools.news()
    if not living:
        words = "one is starting" if found.workforce.is_starting else found.workforce.hint()
        return "; ".join(filter(None, ("none alive", words if _active(found) else news)))
    slots = sum(worker.beat.slots for worker in living)
    busy = sum(worker.beat.busy for worker in living)
    return f"{len(living)} alive, {busy} of {counts.counted(slots, 'slot')} busy{news and f'; {news}'}"


def _worker(worker: WorkerSeen) -> str:
    beat = worker.beat
    name = f" ({beat.name})" if beat.name and beat.name != worker.host else ""
    return f"{worker.host}{name}  pid {beat.pid}  {beat.busy} of {beat.slots} busy  {beat.cores} cores"
