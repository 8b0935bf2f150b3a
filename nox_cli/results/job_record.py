"""Records of jobs as commands write them in JSON, and what a job does in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from workers.job import FREQUENCIES, JobState, Reason, gradients_of_frequencies

if TYPE_CHECKING:
    from nox_cli.results.documents import Document
    from nox_cli.results.json_objects import ArtifactRecord, JobRecord, PointRecord, PublicJob
    from workers.job import Job
    from workers.store.values import Artifact, Point

_REASONS = {
    Reason.USER: "by request",
    Reason.SCF: "scf not converged",
    Reason.DAMAGED: "record damaged",
    Reason.INTERNAL: "internal error",
}


def reason(job: Job) -> str:
    """Write the reason why a job failed or was cancelled in words; empty: there is none."""
    return reason_words(job.reason)


def reason_words(noted: Reason | None) -> str:
    """Write a reason in words."""
    if noted is None:
        return ""
    return _REASONS.get(noted, noted.replace("_", " "))


def elapsed_s(job: Job, now_ms: int | None = None) -> float | None:
    """Count the seconds the newest attempt ran, or has run by `now_ms`; None: it has not started."""
    if job.started_ms is None or not (job.state is JobState.RUNNING or job.state.is_final):
        return None
    ended = job.ended_ms if job.state.is_final else (now_ms or times.now_ms())
    return max(0.0, ((ended or job.started_ms) - job.started_ms) / 1_000)


def fraction(job: Job) -> float | None:
    """Return the progress of a job, 0 to 1; None: it is not known."""
    if job.state is JobState.DONE:
        return 1.0
    if job.state.is_waiting:
        return 0.0
    return job.progress.fraction


def counted_steps(job: Job) -> str:
    """Count steps; gradients of frequencies are counted out of all there will be: `22`, `36/120`."""
    progress = job.progress
    if progress.step is None:
        return ""
    if progress.phase == FREQUENCIES:
        return f"{progress.step}/{gradients_of_frequencies(job.atoms)}"
    return str(progress.step)


def step(job: Job) -> str:
    """Describe the step of a running job: `opt step 22, -96.14208102 Eh`; `freq 36/120 gradients, ...`."""
    progress = job.progress
    words = [progress.phase or "running"]
    if progress.phase == FREQUENCIES:
        words.append(f"{counted_steps(job)} gradients")
    elif progress.step is not None:
        words.append(f"step {progress.step}")
    if progress.energy_hartree is not None:
        return f"{' '.join(words)}, {progress.energy_hartree:.8f} Eh"
    return " ".join(words)


def _waits(job: Job) -> str:
    """Describe what a waiting job waits for."""
    if job.state is JobState.SCHEDULED and job.due_ms is not None and job.retried:
        due = times.short(job.due_ms, times.now_ms())
        return f"retries at {due} (attempt {job.attempt + 1} of {job.attempt + 1 + job.retries_left})"
    if job.state is JobState.SCHEDULED and job.due_ms is not None:
        return f"starts at {times.short(job.due_ms, times.now_ms())}"
    if job.state is JobState.BLOCKED:
        return f"waits for {counted(job.unended, 'job')}"
    tries = f", attempt {job.attempt} did not end ({job.losses} lost)" if job.losses else ""
    return f"{job.state}{tries}"


def message(job: Job, failure: Document | None = None) -> str:
    """Describe in one line what a job is doing, or how it ended."""
    if job.state is JobState.RUNNING:
        ending = "; asked to stop" if job.cancel_requested else ""
        return f"{step(job)} on {job.host or 'a worker'}{ending}"
    if job.state.is_waiting:
        return _waits(job)
    text = failure.text("message") if failure else ""
    if job.state is JobState.DONE:
        seconds = elapsed_s(job)
        return "completed" if seconds is None else f"completed in {times.words(seconds)}"
    return text or ": ".join(filter(None, (str(job.state.public), reason(job))))


def public(job: Job, text: str | None = None) -> PublicJob:
    """Return the public form of a job; `text`: what it does, if that is known better than from its record."""
    return {
        "job_id": job.id,
        "state": job.state.public,
        "progress": fraction(job),
        "message": message(job) if text is None else text,
    }


def point(passed: Point) -> PointRecord:
    """Return the record of one step of an optimisation."""
    return {
        "step": passed.step,
        "energy_hartree": passed.energy_hartree,
        "gradient_norm_hartree_per_bohr": passed.gradient_norm,
    }


def record(job: Job, energy_hartree: float | None = None) -> JobRecord:
    """Return the short record of a job.

    Args:
        job: the job.
        energy_hartree: the energy of an earlier attempt whose result is shown; None: of the newest step.
    """
    return {
        "job_id": job.id,
        "number": job.number,
        "name": job.name,
        "state": job.state.public,
        "raw_state": job.state,
        "reason": job.reason,
        "progress": fraction(job),
        "message": message(job),
        "owner": job.owner,
        "batch": job.batch or None,
        "calculation": job.kind,
        "formula": job.formula,
        "n_atoms": job.atoms,
        "engine": job.engine,
        "priority": job.priority,
        "cores": job.cores,
        "memory_bytes": job.memory_bytes,
        "time_limit_s": job.time_limit_s or None,
        "attempt": job.attempt,
        "round": job.round,
        "losses": job.losses,
        "cancel_requested": job.cancel_requested,
        "host": job.host,
        "energy_hartree": job.progress.energy_hartree if energy_hartree is None else energy_hartree,
        "step": job.progress.step,
        "created_at": times.iso(job.created_ms),
        "started_at": times.iso(job.started_ms),
        "finished_at": times.iso(job.ended_ms),
        "wall_s": elapsed_s(job),
        "tags": dict(job.tags),
        "retries": job.retries,
        "retry_on": sorted(job.retry_on),
        "retries_left": job.retries_left,
        "due_at": times.iso(job.due_ms),
        "result_attempt": job.attempt if job.state is JobState.DONE else job.good,
    }


def artifact(made: Artifact) -> ArtifactRecord:
    """Return the record of a file that a job left."""
    return {
        "name": made.name,
        "size_bytes": made.size,
        "sha256": made.sha256,
        "mime": made.mime,
        "host": made.host or None,
        "path": made.path or None,
        "kept": not made.dropped,
    }
