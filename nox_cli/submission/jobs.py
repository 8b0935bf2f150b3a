"""New jobs: drafts, their common fields and start, the keys of unique ones, and groups for display."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from nox_cli import times
from nox_cli.inputs.charges import DEFAULT
from nox_cli.names import job_name, printable, tags
from nox_cli.submission.handover import NOT_SUBMITTED
from nox_cli.submission.options import Found
from workers.errors import UsageError
from workers.job import RETRIED_BY_DEFAULT, Condition, IfExists, NewJob, Parent, reasons_text, round_memory
from workers.spec import plain_fields
from workers.store.base import MAX_PARENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nox_cli.inputs.charges import ChargeAndSpin
    from nox_cli.submission.options import StartOptions, SubmitOptions, UniqueOptions

DEFAULT_MEMORY_BYTES = 2 * 1024**3
# A group keeps the names of at most this many jobs; a terminal shows no more.
KEPT_NAMES = 40
# The most links between jobs of one submit and the jobs that they wait for.
MAX_LINKS = 1_000_000
_BETWEEN = "let one job (--kind echo) wait for them, and the others for that"
# Parts of a specification that do not change what is computed.
_IRRELEVANT = frozenset(
    {"source", "charge_origin", "unpaired_origin", "engine_version", "awaits_geometry", "retry_of"}
)


class Draft(NamedTuple):
    """A job that was checked and is not yet stored."""

    kind: str
    spec_json: str
    engine: str
    name: str = ""
    formula: str = ""
    atoms: int = 0
    decided: ChargeAndSpin | None = None  # charge and spin, of a calculation
    unique: str = ""  # the key under which it is stored once; empty: it is not compared with others
    parent: Parent | None = None  # the job whose geometry it takes


class Start(NamedTuple):
    """The conditions under which all jobs of a submit may start."""

    held: bool = False  # not before they are released
    begin_ms: int | None = None  # not before this time; None: at once
    parents: tuple[Parent, ...] = ()  # not before these jobs have ended as their conditions demand

    def of(self, own: Parent | None) -> tuple[Parent, ...]:
        """List the parents of a job: its own, whose geometry it takes, before those of all; none twice."""
        if own is None:
            return self.parents
        return own, *(one for one in self.parents if one.job_id != own.job_id)


AT_ONCE = Start()


def start_of(options: StartOptions, find: Callable[[Sequence[str]], Iterable[str]]) -> Start:
    """Decide when jobs may start, and after which others.

    Args:
        options: as they were given.
        find: returns the ids of the jobs that selectors name; called only if there are selectors.

    Raises:
        UsageError: the time is malformed, past, or given twice; or as `parents`.
    """
    given = {
        Condition.DONE: options.after,
        Condition.ENDED: options.after_any,
        Condition.FAILED: options.after_fail,
    }
    awaited = {condition: find(words) for condition, words in given.items() if words}
    return Start(options.hold, begin_ms(options.begin, options.delay), parents(awaited))


def begin_ms(begin: str | None, delay_s: float | None) -> int | None:
    """Return when jobs may start at the earliest, in milliseconds since 1970; None: at once.

    Args:
        begin: a time; None: none is given.
        delay_s: seconds from now; None: none is given.

    Raises:
        UsageError: the time is malformed, past, or given twice.
    """
    now = times.now_ms()
    if begin is None:
        return None if delay_s is None else now + round(1_000 * delay_s)
    if delay_s is not None:
        raise UsageError("--begin and --delay contradict each other", hint="take one of them away")
    return times.begin_ms(begin, now)


def parents(job_ids: Mapping[Condition, Iterable[str]]) -> tuple[Parent, ...]:
    """Make parents of the jobs to wait for, given by the condition under which each lets others start.

    Raises:
        UsageError: there are too many, or one has two conditions.
    """
    found: dict[str, Condition] = {}
    for condition, ids in job_ids.items():
        for job_id in ids:
            if found.setdefault(job_id, condition) is not condition:
                raise _two_ways(job_id)
    if len(found) > MAX_PARENTS:
        raise UsageError(f"{len(found):,} jobs are too many to wait for", did=NOT_SUBMITTED, hint=_BETWEEN)
    return tuple(Parent(job_id, condition) for job_id, condition in found.items())


def refuse_links(start: Start, count: int, own: Iterable[Parent]) -> None:
    """Check that jobs may wait for all that they are to wait for.

    Args:
        start: the conditions of all jobs.
        count: the number of jobs.
        own: the jobs whose geometries they take.

    Raises:
        UsageError: there are too many links, or a job would wait for another under two conditions.
    """
    if count * len(start.parents) > MAX_LINKS:
        what = f"{count:,} jobs that wait for {len(start.parents):,} each are too many"
        raise UsageError(what, did=NOT_SUBMITTED, hint=_BETWEEN)
    taken = {one.job_id for one in own}
    for parent in start.parents:
        if parent.job_id in taken and parent.condition is not Condition.DONE:
            raise _two_ways(parent.job_id)


def _two_ways(job_id: str) -> UsageError:
    return UsageError(f"job {job_id} is to be waited for in two ways", did=NOT_SUBMITTED)


def common_job(options: SubmitOptions, owner: str, lane: str) -> NewJob:
    """Make a job without a calculation: its fields are those that all jobs of a submit have in common.

    Args:
        options: the options of the submit.
        owner: the user that the jobs belong to.
        lane: the worker that they are reserved for; empty: any.

    Raises:
        UsageError: a tag is malformed.
        InputRefused: a name cannot be used.
    """
    if options.name is not None:
        job_name(options.name)
    return NewJob(
        id="",
        owner=owner,
        kind="",
        spec_json="",
        digest="",
        engine="",
        lane=lane,
        batch="" if options.batch is None else job_name(options.batch, "batch name"),
        priority=options.priority,
        cores=options.cores,
        memory_bytes=round_memory(options.memory or DEFAULT_MEMORY_BYTES),
        time_limit_s=0 if options.time is None else max(1, math.ceil(options.time)),
        retries=options.retries,
        retry_on=(options.retry_on or RETRIED_BY_DEFAULT) if options.retries else frozenset(),
        tags=tags(options.tag or []),
        max_fails=options.max_fails,
    )


def new_jobs(drafts: Iterable[Draft], common: NewJob, start: Start, unique: UniqueOptions) -> list[NewJob]:
    """Make a job of each draft, with an id of its own.

    Args:
        drafts: the calculations, each with its unique key if it has one.
        common: the fields that all jobs have in common, the name of their batch among them.
        start: when they may start.
        unique: what becomes of a job whose unique key is stored already.
    """
    common = common._replace(max_fails=common.max_fails if common.batch else 0)
    digest = hashlib.sha256(json.dumps(_terms(common, start)).encode())
    is_skipped = unique.if_exists in {None, Found.RETRY_FAILED}
    if_exists = IfExists.SKIP if is_skipped else IfExists(str(unique.if_exists))
    return [_new_job(draft, common, start, if_exists, digest.copy()) for draft in drafts]


def _terms(common: NewJob, start: Start) -> list[object]:
    """List what two submits must agree on for their jobs to be the same, apart from the calculation."""
    retries = [common.retries, reasons_text(common.retry_on)] if common.retries else []
    resources = [common.priority, common.cores, common.memory_bytes, common.time_limit_s]
    starts = [start.held, start.begin_ms, [(one.job_id, one.condition) for one in start.parents]]
    return [common.owner, *resources, *retries, common.batch, sorted(common.tags.items()), starts]


def _new_job(
    draft: Draft, common: NewJob, start: Start, if_exists: IfExists, digest: hashlib._Hash
) -> NewJob:
    digest.update(f"{draft.name}\0{draft.engine}\0{draft.spec_json}".encode())
    return common._replace(
        id=uuid4().hex,
        kind=draft.kind,
        spec_json=draft.spec_json,
        digest=digest.hexdigest(),
        engine=draft.engine,
        name=draft.name,
        formula=draft.formula,
        atoms=draft.atoms,
        held=start.held,
        begin_ms=start.begin_ms,
        parents=start.of(draft.parent),
        unique=draft.unique,
        if_exists=if_exists,
    )


def unique_key(owner: str, given: str, spec: Mapping[str, object], source_job: str = "") -> str:
    """Make the key under which a job is stored once; each user has keys of their own.

    Args:
        owner: the user.
        given: the key that the user chose; empty: one of what is computed.
        spec: the fields of the specification.
        source_job: the id of the job whose geometry it takes; empty: none.  The id replaces the structure,
            whose last digits change when that job runs again.
    """
    said: object = given
    if not given:
        told = {**spec, "structure": source_job} if source_job else spec
        said = sorted((name, value) for name, value in told.items() if name not in _IRRELEVANT)
    text = json.dumps([owner, said], sort_keys=True, default=plain_fields)
    return hashlib.sha256(text.encode()).hexdigest()


def refuse_unique(unique: UniqueOptions, count: int) -> None:
    """Check the options of unique jobs against the number of jobs.

    Raises:
        UsageError: the options contradict each other, or one key is given to several jobs.
        InputRefused: the key cannot be printed.
    """
    if unique.unique is None:
        if unique.if_exists is not None:
            raise UsageError("--if-exists is about unique jobs", did=NOT_SUBMITTED, hint="add --unique")
        return
    printable(unique.unique, "key of --unique", did=NOT_SUBMITTED)
    if unique.unique and count > 1:
        what = f"--unique={unique.unique} names one job, and {count:,} are asked for"
        raise UsageError(what, did=NOT_SUBMITTED, hint="--unique alone tells them apart by what they compute")


@dataclass
class ChargeGroup:
    """Jobs that have the same charge and spin from the same kind of source."""

    charge: int
    unpaired: int
    origin: str
    count: int = 0
    names: list[str] = field(default_factory=list)


def group(drafts: Sequence[Draft]) -> tuple[ChargeGroup, ...]:
    """Group calculations by charge, spin and their source, in the order in which they first appear."""
    found: dict[tuple[int, int, str], ChargeGroup] = {}
    for draft in drafts:
        decided = draft.decided
        if decided is None:
            continue
        kind = _origin(decided, own="NAME")
        key = decided.charge, decided.unpaired, kind
        one = found.get(key)
        if one is None:
            one = found[key] = ChargeGroup(decided.charge, decided.unpaired, _origin(decided))
        elif one.count == 1:
            one.origin = kind
        one.count += 1
        if len(one.names) < KEPT_NAMES:
            one.names.append(draft.name)
    return tuple(found.values())


def _origin(decided: ChargeAndSpin, own: str = "") -> str:
    """Name the sources of charge and spin; with `own`, files named after structures share that name."""
    origins = dict.fromkeys((decided.charge_origin, decided.unpaired_origin))
    words = [_alike(origin, own) if own else origin for origin in origins if origin != DEFAULT]
    return ", ".join(words) or DEFAULT


def _alike(origin: str, own: str) -> str:
    if origin.startswith("job "):
        return "each job's own"
    stem, dot, kind = origin.rpartition(".")
    return f"{own}.{kind}" if dot and stem and "/" not in stem and kind in {"CHRG", "UHF"} else origin
