"""Explanations of jobs: why one waits or failed; of several, how many for which reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

from nox_cli.counts import ranges
from nox_cli.hints import WORKER, is_here_a_login_node, start_one
from nox_cli.results.attempts import last_outcome, standing
from nox_cli.results.documents import outcome
from nox_cli.selectors import look_up
from nox_cli.watch.causes import Ahead, Cause, Known, cause
from nox_cli.watch.pace import LEAST_ENDED
from nox_cli.watch.shortages import shortage
from nox_cli.watch.workforce import Workforce, with_workforce
from workers.fit import may_run
from workers.job import JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workers.fit import Offer
    from workers.job import Job, Reason
    from workers.store.base import Store

NAMED = 5
FAILED = "@failed"
_PAGE, _PAGES = 1_000, 10
# The number of ended jobs among which similar ones are searched.
_SAMPLE = 50


@dataclass(frozen=True, slots=True)
class Explained:
    """One job, and why it is as it is."""

    job: Job
    cause: Cause
    energy_hartree: float | None = None  # of its result, where that is an earlier attempt's


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Jobs in one state for one reason."""

    state: JobState
    reason: Reason | None
    count: int
    named: tuple[Job, ...]  # the first few
    words: str  # selectors that name exactly these jobs


@dataclass(frozen=True, slots=True)
class Grouped:
    """Several jobs by state and reason, the largest group first."""

    groups: tuple[ReasonGroup, ...]


def explain(
    store: Store, home: Path, job_ids: Sequence[str], *, are_all_failed: bool = False
) -> Explained | Grouped:
    """Explain one job, or group several by reason.

    Args:
        store: the store of the jobs.
        home: the directory of the local store.
        job_ids: the jobs, at least one.
        are_all_failed: they are all failed jobs of the user, so that `@failed:REASON` names a group of them.

    Raises:
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    if len(job_ids) > 1:
        return _grouped(tuple(look_up(store, job_ids)), are_all_failed=are_all_failed)
    job, workforce = store.get(job_ids[0]), Workforce()
    if not job.state.is_final:
        job, workforce = with_workforce(store, home, job)
    is_ready = job.state is JobState.QUEUED
    parents = [parent.job_id for parent in store.parents(job.id)] if job.parents else []
    offers = workforce.offers()
    ahead = _ahead(store, job, offers) if is_ready else Ahead()
    shown = outcome(store.outcomes([job.id]).get(job.id))
    known = Known(
        job=job,
        parents=tuple(store.get_many(parents)),
        workforce=workforce,
        ahead=ahead,
        wait_s=_wait_s(store, job, offers, ahead.count) if is_ready else None,
        outcome=last_outcome(store, job, shown),
    )
    found, note = _feasible(cause(known)), standing(job)
    if not note:
        return Explained(job, found)
    energy = shown.result.number("energy_hartree")
    return Explained(job, replace(found, facts=(*found.facts, note)), energy)


def _feasible(found: Cause) -> Cause:
    """Name a batch job instead of commands that start a worker on a login node."""
    commands = tuple(command for command in found.commands if not command.startswith(WORKER))
    if commands == found.commands or not is_here_a_login_node():
        return found
    return replace(found, facts=(*found.facts, start_one()), commands=commands)


def _ahead(store: Store, job: Job, offers: Sequence[Offer]) -> Ahead:
    """Find the ready jobs of higher priority, and the older ones of the same, as far as is reasonable.

    Those that no living worker can run are passed over.
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
    """Guess how long a ready job waits yet, where no worker that may run it has room: as long as jobs that
    ended last took, one after the other in the room that there is.
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
    return (ahead + 1) * mean(took_ms) / 1_000 / sum(offer.capacity(job) for offer in able)


def _grouped(jobs: Sequence[Job], *, are_all_failed: bool) -> Grouped:
    members: dict[tuple[JobState, Reason | None], list[Job]] = {}
    for job in jobs:
        members.setdefault((job.state, job.reason), []).append(job)
    groups = []
    for (state, reason), found in members.items():
        words = f"{FAILED}:{reason}" if are_all_failed and reason else ranges(job.number for job in found)
        groups.append(ReasonGroup(state, reason, len(found), tuple(found[:NAMED]), words))
    return Grouped(tuple(sorted(groups, key=lambda group: -group.count)))
