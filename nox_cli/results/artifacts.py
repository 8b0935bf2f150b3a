"""Artifacts of jobs: listed, found by name, and read with their checksums verified."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.progress import SILENT, Progress
from nox_cli.results.attempts import chosen, standing
from nox_cli.results.documents import outcome
from nox_cli.results.geometry import geometry_of
from nox_cli.results.job_record import artifact
from workers.errors import ArtifactNotFound, NothingMatched, StoreDamaged
from workers.job import JobState
from workers.names import OPT_XYZ
from workers.store.values import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.results.documents import Document
    from nox_cli.results.json_objects import ListedArtifact, Page
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
# In the place of names: every artifact of a job.
ALL = "all"


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
    replaces: bool = False  # the file is there, and is written anew


class Missing(NamedTuple):
    """An artifact that a job did not leave, or that cannot be read here."""

    number: int  # of the job
    line: str  # the reason, for one job
    group: str  # the reason, for several jobs: what follows their count


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
    return ListedArtifacts(tuple(artifacts), older_attempts((job for job, _, _ in artifacts), attempt))


def older_attempts(jobs: Iterable[Job], attempt: int | None) -> tuple[str, ...]:
    """Name the jobs whose newest attempt is another than the one that is shown."""
    if attempt is not None:
        return ()
    notes = {job.number: standing(job) for job in jobs}
    return tuple(f"job {number}: {note}" for number, note in notes.items() if note)


def find_artifacts(
    store: Store,
    jobs: Sequence[Job],
    names: Sequence[str],
    attempt: int | None = None,
    progress: Progress = SILENT,
) -> tuple[list[Item], list[Missing]]:
    """Find artifacts by name, and those that are missing.

    Args:
        store: the store of the jobs.
        jobs: the jobs.
        names: the names of artifacts; `ALL`: every one that a job left.
        attempt: the attempt of each job; None: the one whose result is shown.
        progress: counts the jobs that were looked at.

    Raises:
        StoreError: the store cannot be read.
    """
    items: list[Item] = []
    missing: list[Missing] = []
    progress.begin("jobs looked up:", len(jobs))
    for job in progress.over(jobs):
        try:
            left = _chosen_or_shown(store, job, attempt)
        except NothingMatched as error:
            line = f"{error.message} ({error.hint})" if error.hint else error.message
            missing.append(Missing(job.number, line, _why(job, attempt)))
            continue
        known = {made.name: made for made in store.artifacts(job.id, left.attempt)}
        for name in (*known, RESULT_JSON) if ALL in names else names:
            item = _item(job, name, left, known)
            if isinstance(item, Item):
                items.append(item)
            else:
                missing.append(item)
    return items, missing


def _why(job: Job, attempt: int | None) -> str:
    """Describe why a job has no artifacts, in words that fit several jobs."""
    if attempt is not None:
        return f"left nothing of an attempt {attempt}"
    return "left nothing" if job.state.is_final else "have not ended yet"


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


def _item(job: Job, name: str, left: Left, known: dict[str, Artifact]) -> Item | Missing:
    """Find one artifact, or the reason why there is none."""
    if name == RESULT_JSON:
        return Item(job, name, None, left)
    made = known.get(name)
    if made is None:
        there = f" (there is {' '.join(known)})" if known else ""
        return Missing(job.number, f"job {job.number} left no {name}{there}", f"left no {name}")
    if is_within_reach(made):
        return Item(job, name, made, left)
    if name == OPT_XYZ:
        return Item(job, name, None, left)
    if made.dropped:
        line = f"{name} of attempt {left.attempt} of job {job.number} was too large to be kept"
        return Missing(job.number, line, f"left a {name} that was too large to be kept")
    group = f"left {name} on {made.host}, which cannot be read here"
    return Missing(job.number, _out_of_reach(job, made), group)


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
        raise ArtifactNotFound(missing[0].line)
    (item,) = items
    if item.made is not None:
        return Content(item.made.size, item.made.sha256, content_of_item(store, item))
    content = b"".join(content_of_item(store, item))
    return Content(len(content), hashlib.sha256(content).hexdigest(), iter([content]))


def content_of_item(store: Store, item: Item) -> Iterator[bytes]:
    """Read the content of an item's file.

    Raises:
        ArtifactNotFound: there is none, or as `content_of`.
        StoreDamaged, StoreError: it is not what was stored, or the store cannot be read.
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
