"""The work of `POST /jobs`: what `nox submit -` does with its standard input, done with a body."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.inputs.files import STDIN, Input
from nox_cli.inputs.form import FORM, read_form
from nox_cli.results.json_objects import Record, Submitted
from nox_cli.serve.problems import Problem, problem_of
from nox_cli.serve.selection import visible_jobs
from nox_cli.submission.engine_choice import offered
from nox_cli.submission.handover import NOT_SUBMITTED
from nox_cli.submission.idempotency import check_key, repeatable
from nox_cli.submission.jobs import start_of
from nox_cli.submission.options import Found, StartOptions, SubmitOptions, UniqueOptions
from nox_cli.submission.plan import Plan, plan
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from nox_cli.submission.submit import SHOWN_UNFIT, HandoverOptions, Submission, submit, unfit
from workers.errors import UsageError
from workers.job import PublicState

if TYPE_CHECKING:
    from nox_cli.serve.principal import Principal
    from nox_cli.serve.state import ServerState

MAX_JOBS = 10_000
# What messages call a body, by its type: what follows a malformed line of NDJSON is read.
LABELS = {
    "application/json": "request",
    "application/x-ndjson": "request.ndjson",
    "chemical/x-xyz": "request",
    "text/plain": "request",
    FORM: "form",  # each of its files has a name
}


class AcceptedJob(Record):
    """The answer to a submit of one job."""

    job_id: str
    number: int | None
    state: PublicState
    message: str


class AcceptedJobs(Submitted):
    """The answer to a submit of several jobs: that of `nox submit --json`, with its warnings."""

    warnings: list[str]


class CheckedJobs(AcceptedJobs):
    """The answer to a check: that of a submit, and what the jobs would compute."""

    plan: Plan


class Submit(NamedTuple):
    """A submit as a client sent it."""

    principal: Principal
    content: bytes
    content_type: str
    options: SubmitOptions
    start: StartOptions
    unique: UniqueOptions
    sent: bytes = b""  # the parameters, as they were sent
    key: str | None = None  # of idempotency

    @property
    def media_type(self) -> str:
        """The type of the body, without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_list(self) -> bool:
        """Whether the client sent a list, which is answered by a list even if it has one job."""
        return self.media_type in {"application/x-ndjson", FORM} or self.content.lstrip()[:1] == b"["

    def check(self) -> None:
        """Check what needs no store.

        Raises:
            Problem: the type of the body is none that nox reads.
            UsageError: the key is not valid, or is combined with unique jobs.
        """
        if self.media_type not in LABELS:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                f'a body of type "{self.media_type[:80]}" is not read',
                hint=f"one of {', '.join(LABELS)}",
            )
        if self.key is None:
            return
        check_key(self.key)
        if self.unique.unique is not None:
            raise UsageError(
                "Idempotency-Key and unique contradict each other",
                did=NOT_SUBMITTED,
                hint="a key of idempotency belongs to one request, unique to what is computed",
            )


def checked(state: ServerState, asked: Submit) -> Prepared:
    """Read and check the jobs of a body.

    Raises:
        Problem: there are too many.
        UsageError, InputRefused, NothingMatched, StoreError: as `prepare`.
    """
    asked.check()
    principal = asked.principal
    store = state.store_of(principal)
    start = start_of(asked.start, lambda words: [job.id for job in visible_jobs(store, words, principal)])
    context = CallContext(principal.owner, offered=partial(offered, store), charges={})
    sources, content = [Input(STDIN, asked.content, label=LABELS[asked.media_type])], asked.content
    if asked.media_type == FORM:
        form = read_form(asked.content, asked.content_type)
        _refuse_many(len(form.structures))
        sources, content = form.structures, form.content()
        context = context._replace(batch=form.folder, charges=form.charges)
    prepared = prepare(sources, asked.options, context, start, asked.unique)
    _refuse_many(len(prepared.jobs))
    if asked.key is None:
        return prepared
    sent = asked.sent + b"\0" + content
    has_batch = asked.options.batch is not None
    return repeatable(prepared, principal.owner, asked.key, sent, has_batch=has_batch)


def _refuse_many(count: int) -> None:
    """Refuse more jobs than one request may make.

    Raises:
        Problem: there are more.
    """
    if count > MAX_JOBS:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_many",
            f"{count:,} jobs are more than {MAX_JOBS:,}; {NOT_SUBMITTED}",
            hint="submit them in several requests",
        )


def submitted(state: ServerState, asked: Submit) -> Submission:
    """Store the jobs of a body.

    Raises:
        Problem: there are too many, or the store failed when it had some of them; `jobs` names these.
        UsageError, InputRefused, NothingMatched, StoreError: nothing was stored, or that is unknown.
    """
    prepared = checked(state, asked)
    settings = state.settings._replace(owner=asked.principal.owner)
    handover = HandoverOptions(
        retries_failed=asked.unique.if_exists is Found.RETRY_FAILED,
        # A worker that starts by itself runs jobs of the server's owner only.
        starts_worker=not state.options.with_worker and asked.principal.owner == state.settings.owner,
    )
    store = state.store_of(asked.principal)
    retries = handover.retries_failed
    with state.ceilings.admitted(store, asked.principal, prepared.jobs, retries_failed=retries):
        done = submit(store, prepared, settings, handover, view=state.view)
    cut = done.stored.cut
    if cut is not None:
        problem = problem_of(cut)
        problem.more["jobs"] = done.document()["jobs"]
        raise problem
    return done


def document(done: Prepared | Submission, *, is_keyed: bool = False) -> AcceptedJobs:
    """Describe stored jobs, or those of a check, as `nox submit --json` does, with its warnings.

    Args:
        done: the jobs.
        is_keyed: the answer is to be that of the first submit with this key.
    """
    found = done.document()
    if is_keyed:
        found["jobs"] = [{**job, "existing": False} for job in found["jobs"]]
    return {**found, "warnings": _warnings(done)}


def planned(state: ServerState, asked: Submit) -> CheckedJobs:
    """Check the jobs of a body, and describe what they would compute.

    Raises:
        Problem, UsageError, InputRefused, NothingMatched, StoreError: as `checked`.
    """
    prepared = checked(state, asked)
    found = document(prepared)
    found["warnings"] += [one.words for one in unfit(state.view, prepared.jobs)[:SHOWN_UNFIT]]
    return {**found, "plan": plan(prepared)}


def single(state: ServerState, asked: Submit, done: Submission, *, is_keyed: bool = False) -> AcceptedJob:
    """Describe the only job of a submit."""
    (job,) = done.stored.jobs
    is_old = job.existing and not is_keyed
    public = state.store_of(asked.principal).get(job.job_id).state.public if is_old else PublicState.PENDING
    words = "the job was there already" if is_old else "submitted"
    return {
        "job_id": job.job_id,
        "number": job.number,
        "state": public,
        "message": "; ".join((words, *_warnings(done))),
    }


def _warnings(done: Prepared | Submission) -> list[str]:
    if isinstance(done, Submission):
        return [*done.prepared.warnings, *done.warnings()]
    return list(done.warnings)
