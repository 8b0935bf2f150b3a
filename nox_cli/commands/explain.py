"""`nox explain SEL`: why a job waits, or why it failed; of several, how many for which reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from nox_cli.arguments import Json, Selected
from nox_cli.causes import Cause, Known, cause
from nox_cli.selectors import look_up, select
from nox_cli.session import Form, session
from workers.job import JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Job, Reason
    from workers.store.base import Store

NAMED = 5
_PAGE, _PAGES = 1_000, 10


@dataclass(frozen=True, slots=True)
class Explained:
    """One job, and why it is as it is."""

    job: Job
    cause: Cause


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs in one state for one reason."""

    state: JobState
    reason: Reason | None
    count: int
    named: tuple[Job, ...]  # the first few


@dataclass(frozen=True, slots=True)
class Grouped:
    """Several jobs by state and reason, the largest group first."""

    groups: tuple[Group, ...]


def run(store: Store, job_ids: Sequence[str]) -> Explained | Grouped:
    """Explain one job, or group several.

    Raises:
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    if len(job_ids) > 1:
        return _grouped(tuple(look_up(store, job_ids)))
    from nox_cli.outcomes import outcome

    job = store.get(job_ids[0])
    is_ready = job.state is JobState.QUEUED
    living = [worker for worker in store.workers() if worker.alive] if job.state.is_waiting else []
    parents = [parent.job_id for parent in store.parents(job.id)] if job.parents else []
    known = Known(
        job=job,
        parents=tuple(store.get_many(parents)),
        workers=tuple(living),
        ahead=_ahead(store, job) if is_ready else 0,
        outcome=outcome(store.outcomes([job.id]).get(job.id)),
    )
    return Explained(job, cause(known))


def command(ctx: typer.Context, selected: Selected, json: Json = False) -> Explained | Grouped:
    """Tell why a job waits or failed, and what to do."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    job_ids = select(call.store, selected, owner=call.settings.owner, stdin=call.streams.stdin)
    return run(call.store, job_ids)


def _ahead(store: Store, job: Job) -> int:
    """Count the ready jobs of higher priority, and the older ones of the same, as far as is reasonable."""
    count, cursor = 0, ""
    for _ in range(_PAGES):
        page = store.page(
            Query(states=frozenset({JobState.QUEUED}), sort=SortKey.PRIORITY, limit=_PAGE, cursor=cursor)
        )
        count += sum((one.priority, -one.number) > (job.priority, -job.number) for one in page.items)
        cursor = page.cursor
        if not cursor or page.items[-1].priority < job.priority:
            break
    return count


def _grouped(jobs: Sequence[Job]) -> Grouped:
    members: dict[tuple[JobState, Reason | None], list[Job]] = {}
    for job in jobs:
        members.setdefault((job.state, job.reason), []).append(job)
    groups = [
        Group(state, reason, len(found), tuple(found[:NAMED])) for (state, reason), found in members.items()
    ]
    return Grouped(tuple(sorted(groups, key=lambda group: -group.count)))
