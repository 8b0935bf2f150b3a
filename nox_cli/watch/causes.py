"""Why a job waits, or how it came to its end: facts about it, and the commands that would change that."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.hints import fits_here, release_here
from nox_cli.watch.shortages import offer_words, shortage, whole_memory
from nox_cli.watch.workforce import STARTING
from workers.fit import Resource, lack
from workers.job import PRIORITY_RANGE, JobState, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.results.documents import OutcomeDocument
    from nox_cli.watch.workforce import Workforce
    from workers.fit import Lack, Offer
    from workers.job import Job

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Ahead:
    """The ready jobs that come before one and that a living worker can run."""

    count: int = 0
    priority: int = 0  # the highest of theirs


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that bears on a job."""

    job: Job
    parents: tuple[Job, ...]
    workforce: Workforce
    ahead: Ahead  # the ready jobs that come before it, if it is ready
    wait_s: float | None  # how long it is likely to wait yet, if it is ready; None: nobody can tell
    outcome: OutcomeDocument


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a job is as it is."""

    why: str
    facts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # that would change it
    starts_ms: int | None = None  # when it is expected to start; None: not known
    short_of: tuple[Resource, ...] = ()  # what a ready job waits for while workers live


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
        return Cause("waits to be handed to redis", commands=("nox push", *release_here(str(job.number))))
    if job.state is JobState.HELD:
        return Cause("waits: it is held", commands=(f"nox release {job.number}",))
    if job.state is JobState.SCHEDULED:
        at = times.short(job.due_ms or 0, times.now_ms())
        if job.retried:
            last = f"its last try ended with {job.reason}"
            return Cause(f"waits to be tried again at {at}", (last,), starts_ms=job.due_ms)
        return Cause(f"waits for its time, {at}", starts_ms=job.due_ms)
    return Cause(f"waits for {counted(job.unended, 'job')} to end", _named(known.parents))


def _never(known: Known) -> tuple[str, ...]:
    """Say what would keep a job waiting that is not ready yet."""
    beats = [worker.beat for worker in known.workforce.living]
    lacking = lack(beats, known.job) if beats else None
    return (f"then too: {lacking.sentence}",) if lacking else ()


def _ready(known: Known) -> Cause:
    """Say why a job that is ready has not started."""
    job, workforce = known.job, known.workforce
    if workforce.is_starting:
        return Cause(f"waits for a worker: {STARTING}", commands=(f"nox watch {job.number}",))
    offers = workforce.offers()
    if not offers:
        return Cause("waits for a worker: none lives", commands=("nox worker",))
    facts = tuple(offer_words(offer, job) for offer in offers[:_SHOWN])
    lacking = lack([offer.beat for offer in offers], job)
    if lacking is not None:
        resources = (lacking.resource,) if lacking.resource else ()
        return Cause(f"waits: {lacking.sentence}", facts, _remedies(job, lacking), short_of=resources)
    ahead = f"{counted(known.ahead.count, 'ready job')} before it (priority {job.priority})"
    return _short(known, offers, (*facts, ahead))


def _short(known: Known, offers: Sequence[Offer], facts: tuple[str, ...]) -> Cause:
    """Say why a ready job has not started that a living worker may run."""
    job, found = known.job, shortage(offers, known.job)
    is_passed = known.ahead.count and known.ahead.priority < PRIORITY_RANGE[1]
    sooner = (f"nox set {job.number} --priority {known.ahead.priority + 1}",) if is_passed else ()
    if found is None:
        why = "waits for its turn" if known.ahead.count else "is about to start: a worker has room for it"
        return Cause(why, facts, sooner)
    commands = (*found.commands(), *sooner)
    if not commands or Resource.SLOT in found.resources:
        commands = (*commands, "nox worker")
    cause = Cause(f"waits for {found.words}", facts, commands, short_of=found.resources)
    if known.wait_s is None:
        return cause
    guess = f"starts in about {times.words(known.wait_s)}, if others take as long as the newest did"
    starts_ms = times.now_ms() + round(1_000 * known.wait_s)
    return replace(cause, facts=(*facts, guess), starts_ms=starts_ms)


def _remedies(job: Job, lacking: Lack) -> tuple[str, ...]:
    """Name commands by which a worker could run a job that none can."""
    less = f"nox set {job.number}"
    if lacking.resource is Resource.CORES:
        larger = (f"nox worker --cores {job.cores}",) if fits_here(job) else ()
        return (f"{less} --cores {lacking.most}", *larger)
    if lacking.resource is Resource.MEMORY:
        return (f"{less} --memory {whole_memory(lacking.most)}",)
    if lacking.resource is Resource.TIME:
        time_s = _typed_in_time(lacking.most)
        return (*((f"{less} --time {time_s}",) if time_s else ()), "nox worker")
    if lacking.resource is Resource.OWNER:
        return ("nox worker --for all",)
    return () if lacking.resource is Resource.LANE else ("nox worker",)


def _typed_in_time(left_s: int) -> int:
    """Say what time limit still fits once the command is typed; 0: hardly any does."""
    return left_s * 19 // 20 // 60 * 60


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
    done = " --done" if any(parent.state is JobState.DONE for parent in blamed) else ""
    why = "was cancelled for the sake of a job it waited for"
    return Cause(why, _named(blamed), (f"nox retry {numbers}{done}",))


def _named(jobs: tuple[Job, ...]) -> tuple[str, ...]:
    """Name jobs with their states, some of them if they are many."""
    return tuple(f"after {one.number} {one.name}".rstrip() + f" ({one.state})" for one in jobs[:_SHOWN])
