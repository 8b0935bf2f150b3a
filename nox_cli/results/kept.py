"""The bytes of artifacts: unpacked from the store or read from their file, and checked against their sums."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import ArtifactNotFound, StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.job import Job
    from workers.store.values import Artifact

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
        ArtifactNotFound: its file is on another machine, or gone, or it was not kept after a retry.
        StoreDamaged: the bytes are not those that were kept.
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


def _unpacked(job: Job, made: Artifact) -> Iterator[bytes]:
    try:
        # One byte more than there should be is enough to see that something is wrong.
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
            f"{made.name} of job {job.number} lies at {where(made)}, which cannot be read here "
            f"({(error.strerror or 'unreadable').lower()})",
            hint=f"copy it from there: scp {where(made)} .",
        ) from None
