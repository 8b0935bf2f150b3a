"""Reading and checking all inputs of a submit or a run, and making jobs of them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from nox_cli.inputs.charges import Surroundings, flags
from nox_cli.inputs.files import STDIN, Input, listed, read_file
from nox_cli.names import name_from
from nox_cli.progress import SILENT, Progress
from nox_cli.submission.calculation import calculation, program_input
from nox_cli.submission.engine_choice import EngineWanted, Pin, pin
from nox_cli.submission.handover import NOT_SUBMITTED, Refusals
from nox_cli.submission.head_start import LEAST_INPUTS
from nox_cli.submission.jobs import (
    AT_ONCE,
    ChargeGroup,
    Draft,
    common_job,
    group,
    new_jobs,
    refuse_links,
    refuse_unique,
)
from nox_cli.submission.options import NOT_UNIQUE, refuse_echo_options, refuse_out_of_bounds
from workers.errors import InputRefused, NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from nox_cli.config.profiles import Profile
    from nox_cli.results.json_objects import Submitted, SubmittedJob
    from nox_cli.submission.drafts import Drafter
    from nox_cli.submission.geometry_sources import GeometrySource
    from nox_cli.submission.handover import StoredJob
    from nox_cli.submission.head_start import HeadStart
    from nox_cli.submission.jobs import Start
    from nox_cli.submission.options import SubmitOptions, UniqueOptions
    from workers.job import NewJob
    from workers.spec import ChemistrySpec


class Prepared(NamedTuple):
    """Checked jobs that are ready to be stored, in the order of their inputs."""

    jobs: list[NewJob]
    batch: str  # empty: a single job
    calculation: ChemistrySpec | None  # None: there is no structure, or each request has its own
    engine: str  # and its version; empty: no calculation
    groups: tuple[ChargeGroup, ...]  # of calculations, by charge and spin
    warnings: tuple[str, ...]
    refusals: Refusals  # inputs that `--skip-bad` left out
    profile: Profile | None = None  # some of the options are from it
    head: HeadStart | None = None  # has stored the first of the jobs; None: none is stored

    def document(self, stored: Sequence[StoredJob] | None = None) -> Submitted:
        """Return the jobs as they are stored; None: they are not, and have neither ids nor numbers."""
        jobs: list[SubmittedJob] = (
            [{"job_id": None, "number": None, "name": job.name, "existing": False} for job in self.jobs]
            if stored is None
            else [job.document() for job in stored]
        )
        used = self.profile
        return {
            "batch": self.batch or None,
            "jobs": jobs,
            "skipped": self.refusals.document(),
            "profile": None if used is None else {"name": used.name, "options": dict(used.options)},
        }


def _no_stdin() -> Input:
    raise UsageError("there is no standard input here")


class CallContext(NamedTuple):
    """The circumstances in which inputs are prepared."""

    owner: str
    read_stdin: Callable[[], Input] = _no_stdin  # reads the input that `-` means; called once at most
    offered: Callable[[], Iterable[frozenset[str]]] = tuple  # returns the engine keys of each living worker
    lane: str = ""  # the worker the jobs are reserved for; empty: any
    sources: Iterable[GeometrySource] | None = None  # jobs whose geometries are taken; None: inputs are read
    batch: str = ""  # begins the name of the batch; empty: the folder of the inputs does
    charges: Mapping[str, bytes] | None = None  # sent .CHRG and .UHF files; None: those on the disk
    progress: Progress = SILENT  # counts the inputs that were read, then the jobs that were made of them
    head: HeadStart | None = None  # stores the first jobs of many inputs early; None: all are read first


def prepare(
    inputs: Sequence[str | Input],
    options: SubmitOptions,
    context: CallContext,
    start: Start = AT_ONCE,
    unique: UniqueOptions = NOT_UNIQUE,
) -> Prepared:
    """Read and check all inputs of a submit or a run, and make jobs of them: of all, or of none.

    With a head start, some of the jobs may be stored when an error is raised.

    Args:
        inputs: paths of files, `-` for standard input, or contents that were read before.
        options: the calculation and the resources.
        context: the caller.
        start: when the jobs may start.
        unique: whether an equal job is stored again.

    Raises:
        UsageError: options contradict each other.
        InputRefused: an input cannot be computed, and `--skip-bad` does not leave it out.
        NothingMatched: there is no input.
    """
    try:
        return _prepare(inputs, options, context, start, unique)
    except InputRefused as error:
        error.did = error.did or NOT_SUBMITTED
        raise


def _prepare(
    inputs: Sequence[str | Input],
    options: SubmitOptions,
    context: CallContext,
    start: Start,
    unique: UniqueOptions,
) -> Prepared:
    from nox_cli.submission.drafts import Drafter

    refuse_out_of_bounds(options)
    refuse_echo_options(options, inputs)
    drafter = Drafter(
        context.owner,
        options,
        unique.unique,
        replace(calculation(options), program_input=program_input(options.input)),
        flags(options.chrg, options.uhf, options.mult),
        lambda needs: _choose(options.engine or EngineWanted.AUTO, context, needs),
        Surroundings(context.charges),
    )
    common = common_job(options, context.owner, context.lane)
    found = _inputs(inputs, options, context)
    paths = [one for one in found if isinstance(one, str)]
    in_batch = common._replace(batch=common.batch or _batch_name(context.batch or _folder(paths)))
    sources = context.sources
    head = context.head if len(found) >= LEAST_INPUTS else None
    make = partial(new_jobs, common=in_batch, start=start, unique=unique)
    context.progress.begin("inputs read:", 0 if sources is not None else len(found))
    drafts, refusals = _sort_out(
        map(drafter.origin, sources) if sources is not None else _drafts(found, drafter, context),
        context.progress,
        None if head is None else partial(head.look, make=make),
        skips_bad=options.skip_bad,
    )
    if refusals.count and not (options.skip_bad and drafts):
        raise refusals.error(refusals.count + len(drafts))
    if not (drafts or options.allow_empty):
        raise NothingMatched(
            "there is no input", did=NOT_SUBMITTED, hint="nox submit FILE.xyz, or - for stdin"
        )
    refuse_links(start, len(drafts), (draft.parent for draft in drafts if draft.parent))
    refuse_unique(unique, len(drafts))
    if len(drafts) > 1:
        common = in_batch
    groups = group(drafts)
    jobs = [] if head is None else head.jobs
    del drafts[: len(jobs)]
    return Prepared(
        jobs=[*jobs, *new_jobs(_drained(drafts, context.progress), common, start, unique)],
        batch=common.batch,
        calculation=None if drafter.has_requests else drafter.calculation,
        engine=", ".join(one.shown for one in drafter.pins.values()),
        groups=groups,
        warnings=tuple(_warnings(drafter, paths, refusals, are_files=len(paths) == len(found))),
        refusals=refusals,
        head=head,
    )


def _drained(drafts: list[Draft], progress: Progress) -> Iterator[Draft]:
    """Yield drafts and let go of them: a submit of 100,000 files holds each calculation once."""
    total = len(drafts)
    progress.begin("jobs prepared:", total)
    drafts.reverse()
    while drafts:
        progress(total - len(drafts))
        yield drafts.pop()


def _choose(wanted: EngineWanted, context: CallContext, needs: frozenset[str]) -> Pin:
    from workers.engine.registry import available

    return pin(wanted, available, context.offered, needs)


def _inputs(inputs: Sequence[str | Input], options: SubmitOptions, context: CallContext) -> list[str | Input]:
    """List every input, in order, those of `--files-from` last.

    Raises:
        UsageError: stdin is named twice.
        InputRefused: the list of files cannot be read.
    """
    found = list(inputs)
    if options.files_from is not None:
        from_stdin = options.files_from == STDIN
        if from_stdin and STDIN in found:
            raise UsageError("stdin cannot hold the input and the list of inputs at once")
        found += listed(context.read_stdin() if from_stdin else read_file(options.files_from))
    if found.count(STDIN) > 1:
        raise UsageError("stdin is named twice")
    return found


def _drafts(
    inputs: Sequence[str | Input], drafter: Drafter, context: CallContext
) -> Iterator[Draft | InputRefused]:
    if drafter.options.kind is not None:
        yield drafter.echo()
    yield from map(drafter.smiles, drafter.options.smiles or ())
    for one in inputs:
        path = one if isinstance(one, str) else one.path
        if path != STDIN:
            yield from drafter.file(path, None if isinstance(one, str) else one)
            continue
        source = context.read_stdin() if isinstance(one, str) else one
        if source.content.strip():
            yield from drafter.content(source)


def _sort_out(
    found: Iterable[Draft | InputRefused],
    progress: Progress,
    look: Callable[[list[Draft]], None] | None,
    *,
    skips_bad: bool,
) -> tuple[list[Draft], Refusals]:
    """Separate refusals from drafts; `look` sees all drafts so far, as long as none was refused."""
    drafts: list[Draft] = []
    refusals = Refusals()
    for index, one in enumerate(found):
        progress(index)
        if isinstance(one, InputRefused):
            one.index = index
            refusals.add(one)
        else:
            drafts.append(one)
            if look is not None and (skips_bad or not refusals.count):
                look(drafts)
    return drafts, refusals


def _warnings(drafter: Drafter, paths: list[str], refusals: Refusals, *, are_files: bool) -> Iterator[str]:
    if refusals.count:
        yield f"{refusals.count:,} inputs were refused and left out"
        yield from refusals.lines()
    for what, names in drafter.warnings.items():
        others = f" and {len(names) - 1:,} more" if names[1:] else ""
        yield f"{names[0]}{others}: {what}"
    if drafter.has_calculations:
        yield from filter(None, (one.warning for one in drafter.pins.values()))
        for name in drafter.surroundings.not_used(drafter.flags, paths) if are_files else ():
            yield f"{name} lies where you are, not beside these files: not used"


def _batch_name(common: str) -> str:
    """Name a batch after the folder or batch that its inputs share, with a random ending."""
    return f"{name_from(common or 'batch')[:60]}-{uuid4().hex[:4]}"


def _folder(paths: list[str]) -> str:
    """Name the directory that files share."""
    common = "stdin" if STDIN in paths else ""
    with suppress(OSError, ValueError):
        folders = {os.path.dirname(path) for path in paths if path != STDIN}
        common = Path(os.path.commonpath([os.path.realpath(folder) for folder in folders])).name or common
    return common
