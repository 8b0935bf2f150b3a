"""Output of `nox run`: a line a job when it ends, then a count; for programs one JSON value at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted, job_title, state_words
from nox_cli.render import jobs
from nox_cli.results import job_record
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out, Painted
    from nox_cli.results.json_objects import RunJob, RunRecord
    from nox_cli.run.foreground import JobEnd, Running
    from nox_cli.watch.batch_progress import BatchProgress


def notes(running: Running) -> Iterator[str]:
    """Return the profile, and warnings about the inputs, also about those that were left out."""
    if running.profile is not None:
        yield f"profile {running.profile.name}: {running.profile.words() or 'its options are all replaced'}"
    yield from (f"warning: {line}" for line in running.warnings)


def text(running: Running, out: Out) -> None:
    """Run, and write a line for each job that ends, and each warning once."""
    written: set[str] = set()
    if out.is_terminal:
        out.note(f"running {counted(running.count, 'job')} here; Ctrl-C leaves the rest waiting")

    def tell(end: JobEnd) -> None:
        running.line.clear()
        out.line(*_line(end))
        out.flush()
        for warning in end.warnings:
            if warning not in written:
                written.add(warning)
                out.note(f"warning: {job_title(end.job)}: {warning}")

    def look() -> None:
        if running.line.is_due:
            running.line.show(_so_far(running.progress(), running.line.room))

    running.looked = look
    running.go(tell)
    running.line.clear()


def _so_far(progress: BatchProgress, room: int) -> str:
    """Write how far a run is; a narrow terminal does without the late estimate, then without the rate."""
    count = f"{progress.ended:,}/{progress.total:,}"
    failures = progress.counts.get(JobState.FAILED, 0)
    failed = f"{failures:,} failed" if failures else ""
    left = "" if progress.left is None else jobs.left(progress.left)
    rate = "" if progress.rate_per_s is None else jobs.rate(progress.rate_per_s)
    likely = left.partition(" (")[0]
    lines = (
        "  ".join(filter(None, (count, failed, *rest))) for rest in ((rate, left), (rate, likely), (likely,))
    )
    return next((line for line in lines if len(line) <= room), count)


def remarks(running: Running) -> Iterator[str]:
    """Count at the end, and name the command that continues."""
    counts = Counter(end.job.state for end in running.ended)
    yield f"{state_words(counts)} · nox results @last"
    if there := running.published.total():
        yield f"{counted(there, 'result')} written by an earlier run in another store"
    if running.left:
        yield f"the time was up: {counted(running.left, 'job')} left; go on with {running.again}"


def document(running: Running) -> RunRecord:
    """Run, then return every job."""
    running.go(_nothing)
    return {
        "batch": running.batch or None,
        "items": list(map(_record, running.ended)),
        "skipped": running.refusals.document(),
    }


def ids(running: Running) -> Iterator[str]:
    """Run, then return the ids of all jobs."""
    running.go(_nothing)
    return (end.job.id for end in running.ended)


def _nothing(_end: JobEnd) -> None:
    return


def _line(end: JobEnd) -> list[str | Painted]:
    job = end.job
    energy = job.progress.energy_hartree
    words = [
        job_record.reason(job),
        "" if energy is None else f"{energy:.8f} Eh",
        times.words((job.ended_ms - job.started_ms) / 1_000) if job.ended_ms and job.started_ms else "",
        " ".join(str(path) for path in end.files),
    ]
    rest = "".join(f"  {word}" for word in words if word)
    return [f"{job_title(job)}  ", jobs.painted(job.state, job.state), rest]


def _record(end: JobEnd) -> RunJob:
    return {**job_record.record(end.job), "files": [str(path) for path in end.files]}
