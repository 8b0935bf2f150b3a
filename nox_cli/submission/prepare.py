"""What a command line asks for, checked and ready to be stored: shared by `submit` and `run`."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nox_cli.inputs.charges import flags
from nox_cli.inputs.files import STDIN, listed, read_file, read_stdin
from nox_cli.names import name_from
from nox_cli.submission.engine_choice import EngineWanted, Pin, pin
from nox_cli.submission.groups import ChargeGroup, group
from nox_cli.submission.jobs import Label
from nox_cli.submission.options import SubmitOptions, calculation, refuse_echo_options
from nox_cli.submission.program_options import program_input
from nox_cli.submission.refusals import NOT_SUBMITTED, Refusals
from workers.errors import InputRefused, NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nox_cli.submission.calculation import Calculation
    from nox_cli.submission.drafts import Draft, Drafter
    from nox_cli.submission.geometry_sources import GeometrySource
    from workers.job import NewJob


@dataclass(frozen=True, slots=True)
class Prepared:
    """Checked jobs that are ready to be stored, in the order of their inputs."""

    jobs: list[NewJob]
    batch: str  # empty: a single job
    calculation: Calculation | None  # None: no structure, or requests that say it each
    engine: str  # and its version; empty: no calculation
    groups: tuple[ChargeGroup, ...]  # of calculations, by charge and spin
    warnings: tuple[str, ...]
    refusals: Refusals = field(default_factory=Refusals)  # what `--skip-bad` left out


@dataclass(frozen=True, slots=True)
class GeometrySources:
    """The jobs whose final geometries new jobs start from (`--from`)."""

    jobs: Iterable[GeometrySource]
    batch: str  # what the jobs' common batch is called; empty: there is none


@dataclass(frozen=True, slots=True)
class CallContext:
    """The circumstances of a call of nox: who calls, what stdin holds, which engines living workers offer."""

    owner: str
    stdin: TextIO
    offered: Callable[[], Iterable[frozenset[str]]]
    lane: str = ""  # the worker the jobs are reserved for; empty: any
    sources: GeometrySources | None = None  # jobs whose geometries are taken; None: inputs are read


def prepare(files: Sequence[str], options: SubmitOptions, context: CallContext) -> Prepared:
    """Read and check all inputs of a submit or a run, and make jobs of them; all of them, or none.

    Raises:
        UsageError: options contradict each other.
        InputRefused: an input cannot be computed, and `--skip-bad` does not leave it out.
        NothingMatched: there is no input.
    """
    try:
        return _prepare(files, options, context)
    except InputRefused as error:
        error.did = error.did or NOT_SUBMITTED
        raise


def _prepare(files: Sequence[str], options: SubmitOptions, context: CallContext) -> Prepared:
    from nox_cli.submission.drafts import Drafter

    refuse_echo_options(options, files)
    drafter = Drafter(
        options,
        replace(calculation(options), program_input=program_input(options.input)),
        flags(options.chrg, options.uhf, options.mult),
        lambda needs: _choose(options.engine or EngineWanted.AUTO, context, needs),
    )
    label = Label.of(options, context.owner, context.lane)
    paths = _paths(files, options, context.stdin)
    sources = context.sources
    found = map(drafter.origin, sources.jobs) if sources else _drafts(paths, drafter, context.stdin)
    drafts, refusals = _sort_out(found)
    if refusals.count and not (options.skip_bad and drafts):
        raise refusals.error(refusals.count + len(drafts))
    if not (drafts or options.allow_empty):
        raise NothingMatched(
            "there is no input", did=NOT_SUBMITTED, hint="nox submit FILE.xyz, or - for stdin"
        )
    batch = label.batch
    if not batch and len(drafts) > 1:
        batch = _batch_name(sources.batch if sources else _folder(paths))
    return Prepared(
        jobs=label.jobs(drafts, batch),
        batch=batch,
        calculation=None if drafter.has_requests else drafter.calculation,
        engine=", ".join(one.shown for one in drafter.pins.values()),
        groups=group(drafts),
        warnings=tuple(_warnings(drafter, paths, refusals)),
        refusals=refusals,
    )


def _choose(wanted: EngineWanted, context: CallContext, needs: frozenset[str]) -> Pin:
    from workers.engine.registry import available

    return pin(wanted, available, context.offered, needs)


def _paths(files: Sequence[str], options: SubmitOptions, stdin: TextIO) -> list[str]:
    """Name every input, in order; `-` is stdin.

    Raises:
        UsageError: stdin is named twice.
        InputRefused: the list of files cannot be read.
    """
    paths = list(files)
    if options.files_from is not None:
        from_stdin = options.files_from == STDIN
        if from_stdin and STDIN in paths:
            raise UsageError("stdin cannot hold the input and the list of inputs at once")
        paths += listed(read_stdin(stdin) if from_stdin else read_file(options.files_from))
    if paths.count(STDIN) > 1:
        raise UsageError("stdin is named twice")
    return paths


def _drafts(paths: list[str], drafter: Drafter, stdin: TextIO) -> Iterator[Draft | InputRefused]:
    if drafter.options.kind is not None:
        yield drafter.echo()
    yield from map(drafter.smiles, drafter.options.smiles or ())
    for path in paths:
        if path != STDIN:
            yield from drafter.file(path)
            continue
        source = read_stdin(stdin)
        if source.content.strip():
            yield from drafter.content(source)


def _sort_out(found: Iterable[Draft | InputRefused]) -> tuple[list[Draft], Refusals]:
    drafts: list[Draft] = []
    refusals = Refusals()
    for one in found:
        if isinstance(one, InputRefused):
            refusals.add(one)
        else:
            drafts.append(one)
    return drafts, refusals


def _warnings(drafter: Drafter, paths: list[str], refusals: Refusals) -> Iterator[str]:
    if refusals.count:
        yield f"{refusals.count:,} inputs were refused and left out"
        yield from refusals.lines()
    for what, names in drafter.warnings.items():
        others = f" and {len(names) - 1:,} more" if names[1:] else ""
        yield f"{names[0]}{others}: {what}"
    if drafter.has_calculations:
        yield from filter(None, (one.warning for one in drafter.pins.values()))
        for name in drafter.surroundings.not_used(drafter.flags, paths):
            yield f"{name} lies where you are, not beside these files: not used"


def _batch_name(common: str) -> str:
    """Name a batch after what its inputs have in common."""
    return f"{name_from(common or 'batch')[:60]}-{secrets.token_hex(2)}"


def _folder(paths: list[str]) -> str:
    """Name the directory that files share."""
    common = "stdin" if STDIN in paths else ""
    with suppress(OSError, ValueError):
        folders = {os.path.dirname(path) for path in paths if path != STDIN}
        common = Path(os.path.commonpath([os.path.realpath(folder) for folder in folders])).name or common
    return common
