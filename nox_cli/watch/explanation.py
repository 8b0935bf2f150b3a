"""Explanations: why a job waits, failed or was cancelled, with facts and the commands that would help.

Several jobs are grouped by reason.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted, job_title, ranges
from nox_cli.hints import WORKER, fits_here, is_here_a_login_node, release_here
from nox_cli.results import job_record
from nox_cli.results.attempts import last_outcome, standing
from nox_cli.results.documents import outcome
from nox_cli.selectors.reader import look_up
from nox_cli.watch.pace import LEAST_ENDED
from nox_cli.watch.workforce import (
    STARTING,
    Workforce,
    offer_words,
    shortage,
    size_options,
    whole_memory,
    with_workforce,
)
from workers.fit import Resource, lack, may_run
from workers.job import MEMORY_STEP_BYTES, PRIORITY_RANGE, JobState, Reason
from workers.sizes import GIB
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nox_cli.results.documents import OutcomeDocument
    from nox_cli.watch.json_objects import Explanation, GroupRecord, GroupRecords
    from workers.fit import Lack, Offer
    from workers.job import Job
    from workers.store.base import Store

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Ahead:
    """The ready jobs that come before a job and that a living worker can run."""

    count: int = 0
    priority: int = 0  # the highest of theirs


@dataclass(frozen=True, slots=True)
class Known:
    """The data that explain a job."""

    job: Job
    parents: tuple[Job, ...]
    workforce: Workforce
    ahead: Ahead  # the ready jobs that come before it, if it is ready
    wait_s: float | None  # how much longer it probably waits, if it is ready; None: not known
    outcome: OutcomeDocument


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a job's state."""

    why: str
    facts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # that would change it
    starts_ms: int | None = None  # when it is expected to start; None: not known
    short_of: tuple[Resource, ...] = ()  # what a ready job waits for while workers live


def cause(known: Known) -> Cause:
    """Find the cause of a job's state."""
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
    """Name what would keep a job waiting that is not ready yet."""
    beats = [worker.beat for worker in known.workforce.living]
    wait = known.workforce.pools.wait(known.job)
    lacking = lack(beats, known.job) if beats and wait is None else None
    return (f"then too: {lacking.sentence}",) if lacking else ()


def _ready(known: Known) -> Cause:
    """Find why a job that is ready has not started."""
    job, workforce = known.job, known.workforce
    if workforce.is_starting:
        return Cause(f"waits for a worker: {STARTING}", commands=(f"nox watch {job.number}",))
    offers, wait = workforce.offers(), workforce.pools.wait(job)
    if not offers and wait is None:
        return Cause("waits for a worker: none lives", commands=("nox worker",))
    facts = tuple(offer_words(offer, job) for offer in offers[:_SHOWN])
    lacking = lack([offer.beat for offer in offers], job) if offers else None
    resources = (lacking.resource,) if lacking and lacking.resource else ()
    if wait is not None and (lacking or not offers):
        bears = (*wait.facts, *((lacking.sentence,) if lacking else ()), *facts)
        return Cause(wait.why, bears, wait.commands, wait.starts_ms, resources)
    if lacking is not None:
        return Cause(f"waits: {lacking.sentence}", facts, _remedies(job, lacking), short_of=resources)
    ahead = f"{counted(known.ahead.count, 'ready job')} before it (priority {job.priority})"
    return _short(known, offers, (*facts, ahead))


def _short(known: Known, offers: Sequence[Offer], facts: tuple[str, ...]) -> Cause:
    """Find why a ready job has not started that a living worker may run."""
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
    may_start = fits_here(job) or is_here_a_login_node()  # nodes may be larger than a login node
    if lacking.resource is Resource.CORES:
        larger = (f"nox worker --cores {job.cores}",) if may_start else ()
        return (f"{less} --cores {lacking.most}", *larger)
    if lacking.resource is Resource.MEMORY and lacking.most < MEMORY_STEP_BYTES:  # no job needs less
        return (f"nox worker {size_options(job)}",) if may_start else ()
    if lacking.resource is Resource.MEMORY:
        return (f"{less} --memory {whole_memory(lacking.most)}",)
    if lacking.resource is Resource.TIME:
        time_s = _typed_in_time(lacking.most)
        return (*((f"{less} --time {time_s}",) if time_s else ()), "nox worker")
    if lacking.resource is Resource.OWNER:
        return ("nox worker --for all",)
    return () if lacking.resource is Resource.LANE else ("nox worker",)


def _typed_in_time(left_s: int) -> int:
    """Return the time limit that still fits once the command was typed; 0: hardly any does."""
    return left_s * 19 // 20 // 60 * 60


def _failed(known: Known) -> Cause:
    job, failure = known.job, known.outcome.failure
    words = failure.text("message") or str(job.reason or "failed").replace("_", " ")
    hint = failure.text("hint")
    again = () if job.reason in {Reason.INPUT, Reason.DAMAGED} else (f"nox retry {job.number}",)
    if job.reason is Reason.NOT_CONVERGED and known.outcome.result:
        again = (f"nox retry {job.number} --from-last-geometry",)
    return Cause(f"failed: {words}", (*failure.texts("evidence"), *filter(None, [hint])), again)


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
    return tuple(f"after {job_title(one)} ({one.state})" for one in jobs[:_SHOWN])


NAMED = 5
FAILED = "@failed"
_PAGE, _PAGES = 1_000, 10
# The number of ended jobs among which similar ones are searched.
_SAMPLE = 50
# Jobs that take less may have been held with others by one slot.
_SHORT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Explained:
    """One job and its cause."""

    job: Job
    cause: Cause
    energy_hartree: float | None = None  # of its result, where that is an earlier attempt's

    def document(self) -> Explanation:
        """Return the record of the job, with why it is in its state."""
        return {
            **job_record.record(self.job, self.energy_hartree),
            "why": self.cause.why,
            "facts": list(self.cause.facts),
            "commands": list(self.cause.commands),
            "short_of": list(self.cause.short_of),
            "expected_start_at": times.iso(self.cause.starts_ms),
        }


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Jobs in one state for one reason."""

    state: JobState
    reason: Reason | None
    count: int
    named: tuple[Job, ...]  # the first few
    words: str  # selectors that name exactly these jobs

    @property
    def command(self) -> str:
        """The command that helps, or that explains more."""
        if self.state is JobState.FAILED and self.reason is Reason.NOT_CONVERGED:
            return f"nox retry {self.words} --from-last-geometry"
        if self.state is JobState.FAILED and self.reason:
            return f"nox retry {self.words}"
        return f"nox explain {self.named[0].number}"

    def document(self) -> GroupRecord:
        """Return the group, with the ids of its first jobs."""
        return {
            "state": self.state.public,
            "raw_state": self.state,
            "reason": self.reason,
            "count": self.count,
            "job_ids": [one.id for one in self.named],
            "command": self.command,
        }


@dataclass(frozen=True, slots=True)
class Grouped:
    """Several jobs by state and reason, the largest group first."""

    groups: tuple[ReasonGroup, ...]

    def document(self) -> GroupRecords:
        """Return every group."""
        return {"groups": [group.document() for group in self.groups]}


def explain(
    store: Store,
    home: Path,
    job_ids: Sequence[str],
    *,
    are_all_failed: bool = False,
    everyone: Store | None = None,
) -> Explained | Grouped:
    """Explain one job, or group several by reason.

    Args:
        store: the store of the jobs.
        home: the directory of the local store.
        job_ids: the jobs, at least one.
        are_all_failed: they are all failed jobs of the user, so that `@failed:REASON` names a group of them.
        everyone: the store with the jobs of all owners, if `store` shows those of one: the others count as
            running or ready, and stay without a name.

    Raises:
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    if len(job_ids) > 1:
        return _grouped(tuple(look_up(store, job_ids)), are_all_failed=are_all_failed)
    job, workforce = store.get(job_ids[0]), Workforce()
    if not job.state.is_final:
        job, workforce = with_workforce(store, home, job, everyone)
    is_ready = job.state is JobState.QUEUED
    parents = [parent.job_id for parent in store.parents(job.id)] if job.parents else []
    offers = workforce.offers()
    ahead = _ahead(everyone or store, job, offers) if is_ready else Ahead()
    shown = outcome(store.outcomes([job.id]).get(job.id))
    known = Known(
        job=job,
        parents=tuple(store.get_many(parents)),
        workforce=workforce,
        ahead=ahead,
        wait_s=_wait_s(store, job, offers, ahead.count) if is_ready else None,
        outcome=last_outcome(store, job, shown),
    )
    found, note = _feasible(cause(known), job, workforce), standing(job)
    if not note:
        return Explained(job, found)
    energy = shown.result.number("energy_hartree")
    return Explained(job, replace(found, facts=(*found.facts, note)), energy)


def _feasible(found: Cause, job: Job, workforce: Workforce) -> Cause:
    """Name pools, or on a login node a batch job, instead of commands that start a worker."""
    commands = tuple(command for command in found.commands if not command.startswith(WORKER))
    if commands == found.commands or not (workforce.pools.pools or is_here_a_login_node()):
        return found
    wait = workforce.pools.wait(job)
    why: tuple[str, ...] = ()  # a worker that lives may run it: its pool need not request one
    if wait is None:
        why = (workforce.hint(),)
        if workforce.is_shared and (job.cores > 1 or job.memory_bytes > 2 * GIB):
            why = (*why, f"a worker for this job has {size_options(job)}")
    elif wait.commands or wait.why.startswith("waits for "):
        why = (wait.why.removeprefix("waits: ").removeprefix("waits for "),)
    return replace(found, facts=(*found.facts, *why), commands=commands)


def _ahead(store: Store, job: Job, offers: Sequence[Offer]) -> Ahead:
    """Find the ready jobs of higher priority, and older ones of the same, up to a limit.

    Jobs that no living worker can run are left out.
    """
    priorities: list[int] = []
    cursor = ""
    for _ in range(_PAGES):
        page = store.page(
            Query(states=frozenset({JobState.QUEUED}), sort=SortKey.PRIORITY, limit=_PAGE, cursor=cursor)
        )
        priorities += [
            one.priority
            for one in page.items
            if (one.priority, -one.number) > (job.priority, -job.number)
            and any(may_run(offer.beat, one) for offer in offers)
        ]
        cursor = page.cursor
        if not cursor or page.items[-1].priority < job.priority:
            break
    return Ahead(len(priorities), max(priorities, default=0))


def _wait_s(store: Store, job: Job, offers: Sequence[Offer], ahead: int) -> float | None:
    """Estimate how long a ready job waits until a worker that may run it has capacity.

    The jobs before it are assumed to take as long as those like it that ended last.  Short ones spend most of
    that time behind others of their slot, so the pace at which they ended counts, if that is higher.  None:
    not known.
    """
    able = [offer for offer in offers if may_run(offer.beat, job)]
    if shortage(offers, job) is None:
        return None
    newest = store.page(Query(states=frozenset({JobState.DONE}), sort=SortKey.ENDED, limit=_SAMPLE)).items
    shape = (job.kind, job.atoms, job.engine)
    alike = [one for one in newest if shape == (one.kind, one.atoms, one.engine)]
    took_ms = [one.ended_ms - one.started_ms for one in alike if one.ended_ms and one.started_ms]
    if len(took_ms) < LEAST_ENDED:
        return None
    each_ms = mean(took_ms) / sum(offer.capacity(job) for offer in able)
    if mean(took_ms) < _SHORT_MS and {one.worker for one in alike} <= {offer.beat.worker for offer in able}:
        ends_ms = [one.ended_ms or 0 for one in alike]
        each_ms = min(each_ms, (max(ends_ms) - min(ends_ms)) / (len(alike) - 1))
    return (ahead + 1) * each_ms / 1_000


def _grouped(jobs: Sequence[Job], *, are_all_failed: bool) -> Grouped:
    members: dict[tuple[JobState, Reason | None], list[Job]] = {}
    for job in jobs:
        members.setdefault((job.state, job.reason), []).append(job)
    groups = []
    for (state, reason), found in members.items():
        words = f"{FAILED}:{reason}" if are_all_failed and reason else ranges(job.number for job in found)
        groups.append(ReasonGroup(state, reason, len(found), tuple(found[:NAMED]), words))
    return Grouped(tuple(sorted(groups, key=lambda group: -group.count)))
