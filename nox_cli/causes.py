"""Why a job waits, or how it came to its end: facts about it, and the commands that would change that."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nox_cli import moments
from nox_cli.counts import counted
from nox_cli.workforce import STARTING
from workers.fit import lack, may_run
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from nox_cli.outcomes import Outcome
    from nox_cli.workforce import Workforce
    from workers.job import Job

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that bears on a job."""

    job: Job
    parents: tuple[Job, ...]
    workforce: Workforce
    ahead: int  # how many ready jobs come before it, if it is ready
    wait_s: float | None  # how long it is likely to wait yet, if it is ready; None: nobody can tell
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a job is as it is."""

    why: str
    facts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # that would change it
    starts_ms: int | None = None  # when it is expected to start; None: nobody can tell


def cause(known: Known) -> Cause:
    """Find out why a job is as it is."""
    state = known.job.state
    if state is JobState.QUEUED:
        return _ready(known)
    if state.is_waiting:
        found = _waits(known)
        return replace(found, facts=(*found.facts, *_never(known)))
    if state is JobState.FAILED:
        return _failed(known)
    if state is JobState.CANCELLED:
        return _cancelled(known)
    if state is JobState.RUNNING:
        return _running(known)
    return Cause("is done", commands=(f"nox results {known.job.number}",))


def _running(known: Known) -> Cause:
    job = known.job
    workforce, watch = known.workforce, f"nox watch {job.number}"
    if not workforce.has_deserted(job):
        return Cause(f"runs on {job.host}", commands=(watch,))
    command = watch if workforce.is_starting else "nox worker"
    return Cause(f"ran on {job.host}: {workforce.deserted()}", commands=(command,))


def _waits(known: Known) -> Cause:
    job = known.job
    if job.state is JobState.HELD and job.reason is Reason.MOVED:
        return Cause("waits to be handed to redis", commands=("nox push", f"nox release {job.number}"))
    if job.state is JobState.HELD:
        return Cause("waits: it is held", commands=(f"nox release {job.number}",))
    if job.state is JobState.SCHEDULED:
        at = moments.short(job.due_ms or 0, moments.now_ms())
        if job.retried:
            last = f"its last try ended with {job.reason}"
            return Cause(f"waits to be tried again at {at}", (last,), starts_ms=job.due_ms)
        return Cause(f"waits for its time, {at}", starts_ms=job.due_ms)
    return Cause(f"waits for {counted(job.unended, 'job')} to end", _named(known.parents))


def _never(known: Known) -> tuple[str, ...]:
    """Say what would keep a job waiting that is not ready yet."""
    beats = [worker.beat for worker in known.workforce.living]
    wanted = lack(beats, known.job) if beats else ""
    return (f"then too: no worker has {wanted}",) if wanted else ()


def _ready(known: Known) -> Cause:
    """Say why a job that is ready has not started."""
    job, living = known.job, known.workforce.living
    beats = [worker.beat for worker in living]
    if known.workforce.is_starting:
        return Cause(f"waits for a worker: {STARTING}", commands=(f"nox watch {job.number}",))
    if not beats:
        return Cause("waits for a worker: none lives", commands=("nox worker",))
    wanted = lack(beats, job)
    facts = tuple(
        f"{worker.host}: {counted(worker.beat.slots, 'slot')}, {counted(worker.beat.cores, 'core')}, "
        f"{worker.beat.busy} busy{'' if may_run(worker.beat, job) else ', can never run it'}"
        for worker in living[:_SHOWN]
    )
    if wanted:
        return Cause(f"waits: no worker has {wanted}", facts, _remedies(job, wanted))
    ahead = f"{counted(known.ahead, 'ready job')} before it (priority {job.priority})"
    command = f"nox set {job.number} --priority {job.priority + 1}"
    if known.wait_s is None:
        return Cause("waits for a free slot", (*facts, ahead), (command,))
    guess = f"starts in about {moments.words(known.wait_s)}, if others take as long as the newest did"
    starts_ms = moments.now_ms() + round(1_000 * known.wait_s)
    return Cause("waits for a free slot", (*facts, ahead, guess), (command,), starts_ms)


def _remedies(job: Job, wanted: str) -> tuple[str, ...]:
    if " cores " in wanted:
        return (f"nox set {job.number} --cores 1", f"nox worker --cores {job.cores}")
    if " memory " in wanted:
        return (f"nox set {job.number} --memory 1G",)
    if " left " in wanted:
        return (f"nox set {job.number} --time 10m", "nox worker")
    return ("nox worker",)


def _failed(known: Known) -> Cause:
    job, failure = known.job, known.outcome.failure
    told = failure.text("message") or str(job.reason or "failed").replace("_", " ")
    hint = failure.text("hint")
    again = () if job.reason in {Reason.INPUT, Reason.DAMAGED} else (f"nox retry {job.number}",)
    if job.reason is Reason.NOT_CONVERGED and known.outcome.result:
        again = (f"nox retry {job.number} --from-last-geometry",)
    return Cause(f"failed: {told}", (*failure.texts("evidence"), *filter(None, [hint])), again)


def _cancelled(known: Known) -> Cause:
    job = known.job
    if job.reason is Reason.MOVED:
        return Cause("was handed to redis", commands=(f"nox status {job.id}",))
    if job.reason is Reason.MAX_FAILS:
        why = f"was cancelled: too many jobs of the batch {job.batch} failed"
        again = "once enough of these run again it comes back"
        return Cause(why, (again,), (f"nox list --batch {shlex.quote(job.batch)} --state failed",))
    if job.reason is not Reason.DEPENDENCY:
        return Cause("was cancelled", commands=(f"nox retry {job.number}",))
    blamed = known.parents[: max(1, job.unmet)]
    numbers = ",".join(str(parent.number) for parent in blamed[:_SHOWN])
    why = "was cancelled for the sake of a job it waited for"
    return Cause(why, _named(blamed), (f"nox retry {numbers}",))


def _named(jobs: tuple[Job, ...]) -> tuple[str, ...]:
    """Name jobs with their states, some of them if they are many."""
    return tuple(f"after {one.number} {one.name}".rstrip() + f" ({one.state})" for one in jobs[:_SHOWN])
