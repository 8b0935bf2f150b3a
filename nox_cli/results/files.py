"""Artifacts on their way into files: named, compared with existing files, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import string
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import job_title
from nox_cli.exits import ExitCode
from nox_cli.names import name_from
from nox_cli.progress import SILENT, Progress
from nox_cli.results.artifacts import content_of_item, find_artifacts, older_attempts
from workers.errors import ArtifactNotFound, FileInTheWay, OutputLost, UsageError
from workers.names import OPT_XYZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.results.artifacts import Item, Missing
    from nox_cli.results.json_objects import FetchedFile, FetchRecord
    from workers.job import Job
    from workers.store.base import Store

FIELDS = ("name", "number", "id", "batch", "file")
STDOUT = "-"
# A file name has at most 255 bytes: this many of a job's name leave enough for the rest of it.
_NAME_BYTES = 200
# The most missing artifacts that JSON names.
_SHOWN_MISSING = 20
_UNWRITTEN = "nothing was written"


class FetchOptions(NamedTuple):
    """The place, the names and the attempt of files that are fetched."""

    directory: str = "."
    template: str = "{name}-{file}"
    attempt: int | None = None  # None: the one whose result is shown
    ls: bool = False  # list the artifacts, write none
    force: bool = False  # overwrite files
    skip_existing: bool = False  # leave files that are there and whole
    output: str | None = None  # the one file to write; `STDOUT`: standard output

    def check(self) -> None:
        """Check the options; this needs no store.

        Raises:
            UsageError: the template is not valid, or options contradict each other.
        """
        if not self.ls:
            _parts(self.template)
        if self.output is None:
            return
        usual = FetchOptions()
        chosen = {
            "--ls": self.ls,
            "--skip-existing": self.skip_existing,
            "--directory": self.directory != usual.directory,
            "--template": self.template != usual.template,
        }
        for option, is_chosen in chosen.items():
            if is_chosen:
                raise UsageError(
                    f"-o names the one file to write, and {option} contradicts it", did=_UNWRITTEN
                )


class Fetched(NamedTuple):
    """The artifacts that were written, and those that could not be."""

    items: tuple[Item, ...]
    lacking: tuple[Missing, ...]
    unconverged: tuple[str, ...]  # jobs of which the geometry of a failed attempt was written
    notes: tuple[str, ...] = ()  # of which attempt files are, where it is not the newest
    existing: tuple[Item, ...] = ()  # files that were there, whole, and were skipped

    @property
    def missing(self) -> tuple[str, ...]:
        """A line for each artifact that was not there, of the first twenty."""
        return tuple(one.line for one in self.lacking[:_SHOWN_MISSING])

    @property
    def exit(self) -> ExitCode:
        """Whether all that was asked for is here."""
        return ExitCode.NOTHING_MATCHED if self.lacking else ExitCode.DONE

    def document(self) -> FetchRecord:
        """Return the files that were written, those that were there, and what is missing."""
        return {
            "items": [_record(item) for item in self.items],
            "existing": [_record(item) for item in self.existing],
            "missing": list(self.missing),
        }


class Streamed(NamedTuple):
    """One artifact on its way to standard output."""

    item: Item
    pieces: Iterator[bytes]  # as `content_of_item`
    unconverged: tuple[str, ...]
    notes: tuple[str, ...]


def _record(item: Item) -> FetchedFile:
    return {
        "job_id": item.job.id,
        "name": item.name,
        "file": str(item.target),
        "attempt": item.left.attempt,
    }


def fetch(
    store: Store,
    jobs: Sequence[Job],
    names: Sequence[str],
    options: FetchOptions,
    progress: Progress = SILENT,
) -> Fetched:
    """Write artifacts to files; every name is checked before the first byte is written.

    Args:
        store: the store of the jobs.
        jobs: the jobs.
        names: the artifacts; none: `opt.xyz`; `ALL`: all.
        options: where and how the files are written.
        progress: counts the jobs that were looked at, then the files that were written.

    Raises:
        NothingMatched: none of the jobs left any of it.
        ArtifactNotFound: all of it is where it cannot be read.
        FileInTheWay: a file of that name is there.
        UsageError: two artifacts would get the same name, or the template is not valid.
        StoreDamaged: an artifact does not have its checksum.
        StoreError: the store cannot be read.
    """
    items, lacking = _found(store, jobs, names, options, progress)
    existing: list[Item] = []
    if options.output is not None:
        items = [_only(items, options)._replace(target=Path(options.output))]
    else:
        items = _placed(items, Path(options.directory), options.template)
    if options.skip_existing:
        items, existing = _apart(store, items)
    if not options.force:
        _refuse_existing(items)
    progress.begin("files written:", len(items))
    for item in progress.over(items):
        copy(store, item, force=options.force or item.replaces)
    return Fetched(tuple(items), tuple(lacking), _unconverged(items), _notes(items, options), tuple(existing))


def stream(store: Store, jobs: Sequence[Job], names: Sequence[str], options: FetchOptions) -> Streamed:
    """Prepare to write one artifact to standard output.

    Raises:
        UsageError: there are several.
        NothingMatched, ArtifactNotFound, StoreError: as `fetch`.
    """
    items, _ = _found(store, jobs, names, options, SILENT)
    item = _only(items, options)
    return Streamed(item, content_of_item(store, item), _unconverged([item]), _notes([item], options))


def _found(
    store: Store,
    jobs: Sequence[Job],
    names: Sequence[str],
    options: FetchOptions,
    progress: Progress,
) -> tuple[list[Item], list[Missing]]:
    """Find what is to be written; that there is nothing is an error."""
    items, lacking = find_artifacts(store, jobs, tuple(names) or (OPT_XYZ,), options.attempt, progress)
    if not items:
        raise ArtifactNotFound(
            lacking[0].line if lacking else "there is nothing to fetch", hint="nox fetch SEL --ls"
        )
    return items, lacking


def _only(items: Sequence[Item], options: FetchOptions) -> Item:
    """Return the only item.

    Raises:
        UsageError: there are several.
    """
    if len(items) > 1:
        place = "standard output" if options.output == STDOUT else options.output
        raise UsageError(
            f"{len(items):,} files cannot all become {place}: -o takes one",
            did=_UNWRITTEN,
            hint="name one job and one file: nox fetch 42 engine.log -o -; or a directory: -d DIR",
        )
    return items[0]


def _unconverged(items: Iterable[Item]) -> tuple[str, ...]:
    """Name the jobs whose geometry is of an attempt that failed."""
    failed = (item.job for item in items if item.name == OPT_XYZ and not item.left.has_completed)
    return tuple(map(job_title, failed))


def _notes(items: Iterable[Item], options: FetchOptions) -> tuple[str, ...]:
    return older_attempts((item.job for item in items), options.attempt)


def _apart(store: Store, items: Iterable[Item]) -> tuple[list[Item], list[Item]]:
    """Separate the files that are to be written from those that are there and whole."""
    wanted: list[Item] = []
    existing: list[Item] = []
    for item in items:
        if not os.path.lexists(item.target):
            wanted.append(item)
            continue
        is_whole = _is_whole(store, item)
        if is_whole:
            existing.append(item)
        else:
            wanted.append(item._replace(replaces=is_whole is False and not item.target.is_symlink()))
    return wanted, existing


def _is_whole(store: Store, item: Item) -> bool | None:
    """Whether the file of an item has its content; false: only the beginning of it; None: another content.

    Raises:
        ArtifactNotFound, StoreDamaged, StoreError: the artifact is read to compare it, and cannot be.
    """
    if not item.target.is_file():  # reading a pipe would wait
        return None
    try:
        with item.target.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if item.made is not None and size == item.made.size:
                is_equal = hashlib.file_digest(file, "sha256").hexdigest() == item.made.sha256
                return True if is_equal else None
            for piece in content_of_item(store, item):
                there = file.read(len(piece))
                if there != piece[: len(there)]:
                    return None
                if len(there) < len(piece):
                    return False
            return None if file.read(1) else True
    except OSError:
        return None


def planned(items: Iterable[Item], directory: Path, template: str, *, force: bool) -> list[Item]:
    """Give every item its file.

    Raises:
        UsageError: the template has an unknown field, or two items would become the same file.
        FileInTheWay: there is a file, and `force` does not allow to overwrite it.
    """
    plan = _placed(items, directory, template)
    if not force:
        _refuse_existing(plan)
    return plan


def _placed(items: Iterable[Item], directory: Path, template: str) -> list[Item]:
    parts = _parts(template)
    plan = [item._replace(target=directory / _file_name(item, parts)) for item in items]
    taken: dict[Path, Item] = {}
    for item in plan:
        other = taken.setdefault(item.target, item)
        if other is not item:
            jobs = (
                f"{other.name} and {item.name} of job {item.job.number}"
                if other.job.number == item.job.number
                else f"jobs {other.job.number} and {item.job.number}"
            )
            raise UsageError(
                f"{jobs} would both become {item.target}",
                did=_UNWRITTEN,
                hint="tell them apart: --template '{number}-{file}'",
            )
    return plan


def _refuse_existing(items: Iterable[Item]) -> None:
    for item in items:
        if not item.replaces and os.path.lexists(item.target):
            raise FileInTheWay(
                f"{item.target} is there already",
                did=_UNWRITTEN,
                hint="another place: -d DIR; or write over it: --force",
            )


def _parts(template: str) -> list[tuple[str, str]]:
    """Split a template into texts, each with the field that follows it.

    Raises:
        UsageError: it has an unknown field, or is not well formed.
    """
    hint = f"fields are {' '.join(f'{{{name}}}' for name in FIELDS)}"
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f'the template "{template[:80]}" is not well formed: {error}', hint=hint) from None
    for _, name, form, conversion in parsed:
        if (name is not None and name not in FIELDS) or form or conversion:
            raise UsageError(f'the template "{template[:80]}" has a field nox does not know', hint=hint)
    return [(text, name or "") for text, name, _, _ in parsed]


def _file_name(item: Item, parts: Sequence[tuple[str, str]]) -> str:
    """Fill in a template; no part that comes from a job can be a path."""
    job = item.job
    values = {
        "": "",
        "name": _short(name_from(job.name), job.number) if job.name else str(job.number),
        "number": str(job.number),
        "id": job.id,
        "batch": name_from(job.batch) if job.batch else "jobs",
        "file": name_from(item.name),
    }
    return "".join(text + values[name] for text, name in parts)


def _short(name: str, number: int) -> str:
    """Cut a name that is too long; the job's number keeps it apart from others with this beginning."""
    raw = name.encode()
    if len(raw) <= _NAME_BYTES:
        return name
    return f"{raw[:_NAME_BYTES].decode(errors='ignore').rstrip()}-{number}"


def copy(store: Store, item: Item, *, force: bool) -> None:
    """Write one artifact to its file: to a temporary one first, which is then renamed.

    Raises:
        FileInTheWay: a file appeared there meanwhile.
        OutputLost: the file cannot be written.
        ArtifactNotFound, StoreDamaged, StoreError: the artifact cannot be read, or its checksum is wrong.
    """
    part = item.target.with_name(f".{item.job.id}.{os.getpid()}.part")
    did = "what was fetched before it is there"
    write_whole(item.target, content_of_item(store, item), part, force=force, did=did)


def write_whole(target: Path, pieces: Iterable[bytes], part: Path, *, force: bool, did: str) -> None:
    """Write a file whole or not at all.

    Args:
        target: the file; its directory is created if it is missing.
        pieces: its content.
        part: a temporary file in the same directory.
        force: overwrite a file that exists.
        did: what an error states about what nox did.

    Raises:
        FileInTheWay: a file is there.
        OutputLost: the file cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            part.unlink()
        with part.open("xb") as file:
            file.writelines(pieces)
        _publish(part, target, force=force)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputLost(f"{target} cannot be written: {reason}", did=did) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _publish(part: Path, target: Path, *, force: bool) -> None:
    """Rename a temporary file.

    Raises:
        FileInTheWay: another file has it.
        OSError: the file system does not allow it.
    """
    if force:
        part.replace(target)
        return
    try:
        os.link(part, target)
    except FileExistsError:
        raise FileInTheWay(f"{target} is there already", hint="another place: -d DIR; or: --force") from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileInTheWay(
                f"{target} is there already", hint="another place: -d DIR; or: --force"
            ) from None
        part.rename(target)
