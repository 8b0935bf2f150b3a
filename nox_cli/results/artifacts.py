"""Artifacts on their way into files: found, named, checked, and written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import string
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.exits import ExitCode
from nox_cli.names import name_from
from nox_cli.results.attempts import chosen, standing
from nox_cli.results.documents import outcome
from nox_cli.results.geometry import geometry_of
from nox_cli.results.job_record import artifact
from workers.errors import (
    ArtifactNotFound,
    FileInTheWay,
    NothingMatched,
    OutputLost,
    StoreDamaged,
    UsageError,
)
from workers.job import JobState
from workers.names import OPT_XYZ
from workers.store.values import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.results.documents import Document
    from nox_cli.results.json_objects import FetchRecord, ListedArtifact, Page
    from workers.job import Job
    from workers.store.base import Store

_PIECE_BYTES = 1024**2


def is_within_reach(made: Artifact) -> bool:
    """Whether the store keeps an artifact, or its file can be read from here."""
    if made.content is not None or not made.path:
        return not made.dropped
    try:
        with Path(made.path).open("rb") as file:
            return file.seek(0, 2) == made.size
    except OSError:
        return False


def content_of(job: Job, made: Artifact) -> Iterator[bytes]:
    """Read an artifact's bytes; the last piece comes only if size and checksum are right.

    Raises:
        ArtifactNotFound: its file is on another machine or missing, or it was dropped after a retry.
        StoreDamaged: the bytes are not those that were stored.
    """
    if made.dropped:
        raise ArtifactNotFound(
            f"{made.name} of an earlier attempt of job {job.number} was too large to be kept"
        )
    digest, size, before = hashlib.sha256(), 0, b""
    for piece in _unpacked(job, made) if made.content is not None else _from_file(job, made):
        digest.update(piece)
        size += len(piece)
        yield before
        before = piece
    if size != made.size or digest.hexdigest() != made.sha256:
        raise StoreDamaged(
            f"{made.name} of job {job.number} does not have the checksum it was kept with",
            did="it was not written",
        )
    yield before


def where(made: Artifact) -> str:
    """Name the place of an artifact that the store does not keep itself."""
    return f"{made.host}:{made.path}"


def _out_of_reach(job: Job, made: Artifact) -> str:
    """Describe an artifact on a disk that this machine cannot read."""
    return f"{made.name} of job {job.number} lies at {where(made)}, which cannot be read here"


def _unpacked(job: Job, made: Artifact) -> Iterator[bytes]:
    try:
        # One byte too many is enough to see that something is wrong.
        yield zlib.decompressobj().decompress(made.content or b"", made.size + 1)
    except zlib.error:
        raise StoreDamaged(
            f"{made.name} of job {job.number} cannot be unpacked", did="it was not written"
        ) from None


def _from_file(job: Job, made: Artifact) -> Iterator[bytes]:
    try:
        with Path(made.path).open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise ArtifactNotFound(
            f"{_out_of_reach(job, made)} ({(error.strerror or 'unreadable').lower()})",
            hint=f"copy it from there: scp {where(made)} .",
        ) from None


RESULT_JSON = "result.json"
FIELDS = ("name", "number", "id", "batch", "file")
# A file name has at most 255 bytes: this many of a job's name leave enough for the rest of it.
_NAME_BYTES = 200
# The most lines that name missing artifacts.
_SHOWN_MISSING = 20


class Left(NamedTuple):
    """An attempt of a job, whose artifacts are read."""

    attempt: int
    has_completed: bool


class Item(NamedTuple):
    """One artifact and the file it becomes."""

    job: Job
    name: str
    made: Artifact | None  # None: made of the outcome
    left: Left
    target: Path = Path()


class FetchOptions(NamedTuple):
    """The place, the names and the attempt of files that are fetched."""

    directory: str = "."
    template: str = "{name}-{file}"
    attempt: int | None = None  # None: the one whose result is shown
    ls: bool = False  # list the artifacts, write none
    force: bool = False  # overwrite files

    def check(self) -> None:
        """Check the template, unless files are only listed; this needs no store.

        Raises:
            UsageError: the template is not valid.
        """
        if not self.ls:
            _parts(self.template)


class Fetched(NamedTuple):
    """The artifacts that were written, and those that could not be."""

    items: tuple[Item, ...]
    missing: tuple[str, ...]  # a line each
    unconverged: tuple[str, ...]  # jobs of which the geometry of a failed attempt was written
    notes: tuple[str, ...] = ()  # of which attempt files are, where it is not the newest

    @property
    def exit(self) -> ExitCode:
        """Whether all that was asked for is here."""
        return ExitCode.NOTHING_MATCHED if self.missing else ExitCode.DONE

    def document(self) -> FetchRecord:
        """Return the files that were written, and what is missing."""
        return {
            "items": [
                {
                    "job_id": item.job.id,
                    "name": item.name,
                    "file": str(item.target),
                    "attempt": item.left.attempt,
                }
                for item in self.items
            ],
            "missing": list(self.missing),
        }


class ListedArtifacts(NamedTuple):
    """The artifacts of jobs."""

    artifacts: tuple[tuple[Job, Left, Artifact], ...]
    notes: tuple[str, ...] = ()

    def document(self) -> Page[ListedArtifact]:
        """Return every artifact."""
        items: list[ListedArtifact] = [
            {"job_id": job.id, **artifact(made), "attempt": left.attempt}
            for job, left, made in self.artifacts
        ]
        return {"items": items, "cursor": None}


def fetch(store: Store, jobs: Sequence[Job], names: Sequence[str], options: FetchOptions) -> Fetched:
    """Write artifacts to files; every name is checked before the first byte is written.

    Args:
        store: the store of the jobs.
        jobs: the jobs.
        names: the artifacts; none: `opt.xyz`.
        options: where and how the files are written.

    Raises:
        NothingMatched: none of the jobs left any of it.
        ArtifactNotFound: all of it is where it cannot be read.
        FileInTheWay: a file of that name is there.
        UsageError: two artifacts would get the same name, or the template is not valid.
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
        _notes((item.job for item in items), options.attempt),
    )


def list_artifacts(store: Store, jobs: Sequence[Job], attempt: int | None = None) -> ListedArtifacts:
    """List the artifacts of jobs.

    Args:
        store: the store of the jobs.
        jobs: the jobs.
        attempt: the attempt of each; None: the one whose result is shown.

    Raises:
        NothingMatched: there are none.
        StoreError: the store cannot be read.
    """
    artifacts: list[tuple[Job, Left, Artifact]] = []
    error = NothingMatched("these jobs have left no files so far", hint="see them run: nox watch")
    for job in jobs:
        try:
            left = _chosen_or_shown(store, job, attempt)
        except NothingMatched as missing:
            error = missing if attempt is not None else error
            continue
        artifacts += ((job, left, made) for made in _left_by(store, job, left))
    if not artifacts:
        raise error
    return ListedArtifacts(tuple(artifacts), _notes((job for job, _, _ in artifacts), attempt))


def _notes(jobs: Iterable[Job], attempt: int | None) -> tuple[str, ...]:
    """Name the jobs whose newest attempt is another than the one that is shown."""
    if attempt is not None:
        return ()
    notes = {job.number: standing(job) for job in jobs}
    return tuple(f"job {number}: {note}" for number, note in notes.items() if note)


def find_artifacts(
    store: Store, jobs: Sequence[Job], names: Sequence[str], attempt: int | None = None
) -> tuple[list[Item], list[str]]:
    """Find artifacts by name, and name those that are missing, a line each.

    Args:
        store: the store of the jobs.
        jobs: the jobs.
        names: the names of artifacts.
        attempt: the attempt of each job; None: the one whose result is shown.

    Raises:
        StoreError: the store cannot be read.
    """
    items: list[Item] = []
    missing: list[str] = []
    for job in jobs:
        try:
            left = _chosen_or_shown(store, job, attempt)
        except NothingMatched as error:
            missing.append(f"{error.message} ({error.hint})" if error.hint else error.message)
            continue
        known = {made.name: made for made in store.artifacts(job.id, left.attempt)}
        for name in names:
            item = _item(job, name, left, known)
            if isinstance(item, Item):
                items.append(item)
            else:
                missing.append(item)
    return items, missing[:_SHOWN_MISSING]


def _chosen_or_shown(store: Store, job: Job, attempt: int | None) -> Left:
    """Find the attempt whose artifacts are wanted; None: the one whose result is shown.

    Raises:
        NothingMatched: the job has not ended, or there is no such attempt, or nothing is left of it.
        StoreError: the store cannot be read.
    """
    if attempt is not None:
        tried, record = chosen(store, job, attempt)
        return Left(attempt, has_completed=record.has_completed or tried.ended_as == JobState.DONE)
    if job.shown is None:
        why = "left nothing" if job.state.is_final else "has not ended yet"
        raise NothingMatched(f"job {job.number} {why}")
    return Left(job.shown, has_completed=job.state is JobState.DONE or job.good is not None)


def _item(job: Job, name: str, left: Left, known: dict[str, Artifact]) -> Item | str:
    """Find one artifact, or the reason why there is none."""
    if name == RESULT_JSON:
        return Item(job, name, None, left)
    made = known.get(name)
    if made is None:
        there = f" (there is {' '.join(known)})" if known else ""
        return f"job {job.number} left no {name}{there}"
    if is_within_reach(made):
        return Item(job, name, made, left)
    if name == OPT_XYZ:
        return Item(job, name, None, left)
    if made.dropped:
        return f"{name} of attempt {left.attempt} of job {job.number} was too large to be kept"
    return _out_of_reach(job, made)


def _left_by(store: Store, job: Job, left: Left) -> list[Artifact]:
    """List the artifacts of an attempt, with the record of its outcome.

    Raises:
        StoreError: the store cannot be read.
    """
    made = store.artifacts(job.id, left.attempt)
    if text := store.outcome(job.id, left.attempt):
        record = f"{text}\n".encode()
        digest = hashlib.sha256(record).hexdigest()
        made.append(Artifact(RESULT_JSON, len(record), digest, "application/json"))
    return made


def planned(items: Iterable[Item], directory: Path, template: str, *, force: bool) -> list[Item]:
    """Give every item its file.

    Raises:
        UsageError: the template has an unknown field, or two items would become the same file.
        FileInTheWay: there is a file, and `force` does not allow to overwrite it.
    """
    parts = _parts(template)
    plan = [item._replace(target=directory / _file_name(item, parts)) for item in items]
    taken: dict[Path, Item] = {}
    for item in plan:
        other = taken.setdefault(item.target, item)
        if other is not item:
            raise UsageError(
                f"jobs {other.job.number} and {item.job.number} would both become {item.target}",
                did="nothing was written",
                hint="tell them apart: --template '{number}-{file}'",
            )
        if not force and os.path.lexists(item.target):
            raise FileInTheWay(
                f"{item.target} is there already",
                did="nothing was written",
                hint="another place: -d DIR; or write over it: --force",
            )
    return plan


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
        "file": item.name,
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
    pieces = _content(store, item)
    target = item.target
    part = target.with_name(f".{item.job.id}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            part.unlink()
        with part.open("xb") as file:
            file.writelines(pieces)
        _publish(part, target, force=force)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputLost(
            f"{target} cannot be written: {reason}", did="what was fetched before it is there"
        ) from error
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


class Content(NamedTuple):
    """The content of an artifact, on its way to a reader."""

    size: int
    sha256: str
    pieces: Iterator[bytes]  # as `content_of`


def read_artifact(store: Store, job: Job, name: str, attempt: int | None = None) -> Content:
    """Find an artifact of a job, and prepare to read it.

    Args:
        store: the store of the job.
        job: the job.
        name: the name of the artifact.
        attempt: the attempt; None: the one whose result is shown.

    Raises:
        ArtifactNotFound: there is none of that name, or it cannot be read from here.
        StoreError: the store cannot be read.
    """
    items, missing = find_artifacts(store, [job], [name], attempt)
    if not items:
        raise ArtifactNotFound(missing[0])
    (item,) = items
    if item.made is not None:
        return Content(item.made.size, item.made.sha256, _content(store, item))
    content = b"".join(_content(store, item))
    return Content(len(content), hashlib.sha256(content).hexdigest(), iter([content]))


def _content(store: Store, item: Item) -> Iterator[bytes]:
    """Read the content of an item's file.

    Raises:
        ArtifactNotFound: there is none.
    """
    if item.made is not None:
        return content_of(item.job, store.artifact(item.job.id, item.name, item.left.attempt))
    text = store.outcome(item.job.id, item.left.attempt)
    if text is None:
        raise ArtifactNotFound(f"the record of how job {item.job.number} ended is not there")
    return iter(
        [f"{text}\n".encode() if item.name == RESULT_JSON else _geometry(item.job, outcome(text).result)]
    )


def _geometry(job: Job, result: Document) -> bytes:
    """Write a final geometry as engines do: xyz in Å, with energy and gradient norm in the comment.

    Raises:
        ArtifactNotFound: the result has none.
    """
    geometry, energy = geometry_of(result), result.number("energy_hartree")
    if geometry is None or energy is None:
        raise ArtifactNotFound(f"the result of job {job.number} has no geometry")
    norm = result.number("gradient_norm_hartree_per_bohr")
    comment = f"energy={energy:.12f}" + ("" if norm is None else f" gnorm={norm:.9f}")
    if geometry.lattice_angstrom is not None:
        comment += f" {geometry.cell}"
    return "\n".join([*geometry.xyz(comment), ""]).encode()
