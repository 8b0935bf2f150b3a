"""`nox fetch SEL [NAME...]`: what jobs left, as files here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import Json, OfAttempt
from nox_cli.commandline.context import session
from nox_cli.commandline.options import takes
from nox_cli.exits import ExitCode
from nox_cli.results.artifacts import (
    OPT_XYZ,
    Item,
    Left,
    chosen_or_shown,
    copy,
    find_artifacts,
    left_by,
    planned,
)
from nox_cli.results.attempts import standing
from nox_cli.selectors import look_up, select
from nox_cli.session import Form
from workers.errors import ArtifactNotFound, NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Artifact

TEMPLATE = "{name}-{file}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was written, and what could not be."""

    items: tuple[Item, ...]
    missing: tuple[str, ...]  # a line each
    unconverged: tuple[str, ...]  # jobs of which the geometry of a failed attempt was written
    notes: tuple[str, ...] = ()  # of which attempt files are, where it is not the newest

    @property
    def exit(self) -> ExitCode:
        """Whether everything that was asked for is here."""
        return ExitCode.NOTHING_MATCHED if self.missing else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class ListedArtifacts:
    """The artifacts that `nox fetch --ls` lists."""

    artifacts: tuple[tuple[Job, Left, Artifact], ...]
    notes: tuple[str, ...] = ()
    exit: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """The options of `nox fetch`: the target directory and the names of the files."""

    directory: Annotated[
        str,
        typer.Option(
            "-d", "--directory", metavar="DIR", help="Directory to write to; created if it is missing."
        ),
    ] = "."
    template: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Pattern of the file names; may contain {name} {number} {id} {batch} {file}."
        ),
    ] = TEMPLATE
    attempt: OfAttempt = None
    ls: Annotated[bool, typer.Option("--ls", help="List the files; write none.")] = False
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite files that exist.")] = False


def run(store: Store, jobs: Sequence[Job], names: Sequence[str], options: FetchOptions) -> Fetched:
    """Write artifacts to files; every name is checked before the first byte is written.

    Raises:
        NothingMatched: none of the jobs left any of it.
        ArtifactNotFound: all of it lies where it cannot be read.
        FileInTheWay: a file of that name is there.
        UsageError: two artifacts would get the same name, or the template makes no sense.
        StoreDamaged: an artifact does not have its checksum.
        StoreError: the store cannot be read.
    """
    items, missing = find_artifacts(store, jobs, tuple(names) or (OPT_XYZ,), options.attempt)
    if not items:
        raise ArtifactNotFound(
            missing[0] if missing else "there is nothing to fetch", hint="nox fetch SEL --ls"
        )
    items = planned(items, Path(options.directory), options.template, force=options.force)
    for item in items:
        copy(store, item, force=options.force)
    failed = (item.job for item in items if item.name == OPT_XYZ and not item.left.has_completed)
    return Fetched(
        tuple(items),
        tuple(missing),
        tuple(f"{job.number} {job.name}".rstrip() for job in failed),
        _notes((item.job for item in items), options),
    )


def show(store: Store, jobs: Sequence[Job], options: FetchOptions) -> ListedArtifacts:
    """List what jobs left.

    Raises:
        NothingMatched: nothing at all.
        StoreError: the store cannot be read.
    """
    artifacts: list[tuple[Job, Left, Artifact]] = []
    error = NothingMatched("these jobs have left no files so far", hint="see them run: nox watch")
    for job in jobs:
        try:
            left = chosen_or_shown(store, job, options.attempt)
        except NothingMatched as missing:
            error = missing if options.attempt is not None else error
            continue
        artifacts += ((job, left, made) for made in left_by(store, job, left))
    if not artifacts:
        raise error
    return ListedArtifacts(tuple(artifacts), _notes((job for job, _, _ in artifacts), options))


def _notes(jobs: Iterable[Job], options: FetchOptions) -> tuple[str, ...]:
    """Say of which jobs the newest attempt is another than the one that is shown."""
    if options.attempt is not None:
        return ()
    told = {job.number: standing(job) for job in jobs}
    return tuple(f"job {number}: {note}" for number, note in told.items() if note)


@takes(FetchOptions)
def command(
    ctx: typer.Context,
    options: FetchOptions,
    selected: Annotated[str, typer.Argument(metavar="SEL", help="Jobs: 42, 40-45,50, @last, name:GLOB, ...")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Files: opt.xyz (default), trajectory.xyz, engine.log, result.json.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> Fetched | ListedArtifacts:
    """Write the files that jobs produced, such as geometries; checksums are verified."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    job_ids = select(call.store, [selected], owner=call.settings.owner, stdin=call.streams.stdin)
    jobs = tuple(look_up(call.store, job_ids))
    return show(call.store, jobs, options) if options.ls else run(call.store, jobs, names or [], options)
