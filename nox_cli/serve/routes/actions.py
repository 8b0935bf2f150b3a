"""Changes of one job, and of all jobs that selectors name."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from nox_cli.changes.json_objects import Cancelling, CancelRecord, ChangedJob, ChangesRecord
from nox_cli.changes.revision import SetOptions, revision
from nox_cli.changes.selection import cancel, hold, release, retry, revise
from nox_cli.results.job_list import JobFilters
from nox_cli.results.json_objects import Record, closed
from nox_cli.serve.access import BodyRoute, Submitter
from nox_cli.serve.documents import answer
from nox_cli.serve.guards.ceilings import check_revision
from nox_cli.serve.principal import Principal
from nox_cli.serve.problems import Problem
from nox_cli.serve.selection import JobName, Selector, filtered_outlines, visible_job, visible_jobs
from nox_cli.serve.state import ServerState, State
from nox_cli.submission.options import BOUNDS
from nox_cli.times import seconds_of
from nox_cli.values import memory_bytes
from workers.errors import UsageError
from workers.job import PublicState
from workers.store.values import Revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.store.base import Store
    from workers.store.values import Outline

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=BodyRoute)
_Text = Annotated[str, Field(max_length=255)]


class Action(StrEnum):
    """The changes that can be made of many jobs at once."""

    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    SET = "set"


class NewValues(BaseModel):
    """New values of waiting jobs; what is left out stays."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    priority: int | None = Field(None, ge=BOUNDS["priority"][0], le=BOUNDS["priority"][1])
    cores: int | None = Field(None, ge=BOUNDS["cores"][0], le=BOUNDS["cores"][1])
    memory: _Text | None = Field(None, description="Memory for each job, such as 512M or 4G.")
    time: _Text | None = Field(None, description="Time limit of each job, such as 30m; 0: none.")
    name: _Text | None = None
    tags: dict[str, str] | None = Field(None, max_length=100, description="Labels to add.")

    def revision(self) -> Revision:
        """Read the values as `nox set` does.

        Raises:
            UsageError: there is none, or one is not valid.
            InputRefused: a name or the value of a label cannot be used.
        """
        return revision(
            SetOptions(
                priority=self.priority,
                cores=self.cores,
                memory=None if self.memory is None else memory_bytes(self.memory),
                time=None if self.time is None else seconds_of(self.time),
                name=self.name,
                tag=[f"{name}={value}" for name, value in (self.tags or {}).items()] or None,
            )
        )


class PassedFilters(BaseModel):
    """Filters of `GET /jobs`: jobs pass that pass all of them."""

    model_config = ConfigDict(extra="forbid")

    state: list[_Text] = Field([], max_length=100, description="States, public or raw.")
    since: _Text = Field("", description="Submitted since then: a duration before now, or a date or time.")
    name: _Text = Field("", description="A shell pattern.")
    tag: list[_Text] = Field([], max_length=100, description="Labels as KEY=VALUE.")
    batch: str = Field("", max_length=4_096)
    all_users: bool = False


class Selected(BaseModel):
    """A change of all jobs that selectors name, of those that pass filters, or that do both."""

    model_config = ConfigDict(extra="forbid")

    selector: Selector | None = None
    filters: PassedFilters | None = None
    action: Action
    dry_run: bool = Field(default=False, description="Only count the jobs.")
    done: bool = Field(default=False, description="With retry: include completed jobs.")
    set: NewValues | None = Field(None, description="With the action set: the new values.")


@closed
class CancelledJob(Cancelling, Record):
    """The effect of a cancel on one job."""


@closed
class RevisedJob(ChangedJob, Record):
    """The effect of another change on one job."""


@closed
class Counted(Record):
    """The jobs that a change would be about, by state."""

    count: int
    states: dict[PublicState, int]


@router.post("/{job}/cancel", summary="Stop a job", response_model=CancelledJob)
async def cancel_job(job: JobName, state: State, principal: Submitter) -> Response:
    """Stop a job: a waiting one at once, a running one through its worker.  409: it has ended otherwise."""
    return await state.call(_change, state, job, principal, Action.CANCEL)


@router.post("/{job}/hold", summary="Keep a job from starting", response_model=RevisedJob)
async def hold_job(job: JobName, state: State, principal: Submitter) -> Response:
    """Keep a waiting job from starting until it is released.  409: it does not wait."""
    return await state.call(_change, state, job, principal, Action.HOLD)


@router.post("/{job}/release", summary="Let a held job start", response_model=RevisedJob)
async def release_job(job: JobName, state: State, principal: Submitter) -> Response:
    """Let a held job start.  409: it does not wait."""
    return await state.call(_change, state, job, principal, Action.RELEASE)


@router.post("/{job}/retry", summary="Run a job again", response_model=RevisedJob)
async def retry_job(
    job: JobName,
    state: State,
    principal: Submitter,
    done: Annotated[bool, Query(description="A completed job, too; its result is kept.")] = False,
) -> Response:
    """Run a failed or cancelled job again.  409: it has completed, and `done` is not set."""
    return await state.call(_change, state, job, principal, Action.RETRY, done=done)


@router.patch("/{job}", summary="Change what a waiting job asks for", response_model=RevisedJob)
async def change_job(job: JobName, values: NewValues, state: State, principal: Submitter) -> Response:
    """Change priority, resources, name or labels.  409: the job does not wait."""
    return await state.call(_change, state, job, principal, Action.SET, revised=values.revision())


@router.post(
    "/actions",
    summary="Change many jobs",
    response_model=ChangesRecord | CancelRecord | Counted,
)
async def change_jobs(selected: Annotated[Selected, Body()], state: State, principal: Submitter) -> Response:
    """Change all jobs that selectors name or that pass filters, or count them.

    Jobs in other states are left alone.
    """
    return await state.call(_change_all, state, selected, principal)


def _change(
    state: ServerState,
    word: str,
    principal: Principal,
    action: Action,
    *,
    done: bool = False,
    revised: Revision | None = None,
) -> Response:
    job = visible_job(state.store_of(principal), word, principal)
    document = _acted(state, [job.id], principal, action, done=done, revised=revised)
    (change,) = document["jobs"]
    if change["refused"]:
        what = f"job {job.number} belongs to {job.owner}; it was left alone"
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", what)
    if not change.get("changed", True) and change["before"] not in _HARMLESS[action]:
        what = f"job {job.number} is {change['before']}; it was left alone"
        raise Problem(HTTPStatus.CONFLICT, "conflict", what)
    if action is Action.CANCEL and change["before"] in {PublicState.COMPLETED, PublicState.FAILED}:
        what = f"job {job.number} has {change['before']} already"
        raise Problem(HTTPStatus.CONFLICT, "conflict", what)
    return answer(change)


# The states in which an action that changes nothing is no conflict: it was done before.
_HARMLESS = {
    Action.CANCEL: frozenset(PublicState),
    Action.HOLD: frozenset({PublicState.PENDING}),
    Action.RELEASE: frozenset({PublicState.PENDING}),
    Action.RETRY: frozenset({PublicState.PENDING, PublicState.RUNNING}),
    Action.SET: frozenset({PublicState.PENDING}),
}


def _chosen(store: Store, selected: Selected, principal: Principal) -> tuple[Outline, ...]:
    if selected.filters is not None:
        filters = JobFilters(**selected.filters.model_dump())
        return filtered_outlines(store, selected.selector or (), filters, principal)
    if selected.selector is None:
        raise UsageError("a change needs a selector or filters", hint="@all names all your jobs")
    return visible_jobs(store, selected.selector, principal)


def _change_all(state: ServerState, selected: Selected, principal: Principal) -> Response:
    if (selected.action is Action.SET) != (selected.set is not None):
        raise UsageError("set belongs to the action set, and it needs it")
    revised = None if selected.set is None else selected.set.revision()
    jobs = _chosen(state.store_of(principal), selected, principal)
    if selected.dry_run:
        states = Counter(job.state.public for job in jobs)
        return answer({"count": len(jobs), "states": dict(states)})
    job_ids = [job.id for job in jobs]
    return answer(_acted(state, job_ids, principal, selected.action, done=selected.done, revised=revised))


def _acted(
    state: ServerState,
    job_ids: Sequence[str],
    principal: Principal,
    action: Action,
    *,
    done: bool = False,
    revised: Revision | None = None,
) -> Any:
    check_revision(principal, revised)
    store, owner = state.store_of(principal), principal.changes
    settings = state.settings
    if action is Action.CANCEL:
        return cancel(store, job_ids, owner, settings).document()
    if action is Action.HOLD:
        return hold(store, job_ids, owner).document()
    if action is Action.RELEASE:
        return release(store, job_ids, owner, settings).document()
    if action is Action.RETRY:
        with state.ceilings.revived(store, principal, job_ids, done=done):
            return retry(store, job_ids, owner, settings, done=done).document()
    return revise(store, job_ids, revised or Revision(), owner, settings).document()
