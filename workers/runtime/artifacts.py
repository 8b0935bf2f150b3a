"""Artifacts of attempts: small files are kept in the store, larger ones in the artifacts directory.

    ARTIFACTS/<job id>/attempt-<n>/<name>

Directories are 0700, files 0600.  A published file appears whole or not at all: it is written in
`ARTIFACTS/.parts`, synced and moved.  Its writer locks it there, so a file that a killed worker left
half-written is known by its free lock, and the next worker to start on that machine removes it.  While an
attempt runs, `engine.log` grows in its directory (live_log.py), for `nox logs` on this machine.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.files import lock_if_possible, made_below, open_file, opened, unlocked
from workers.job import worker_host
from workers.names import OPT_XYZ, TRAJECTORY_XYZ
from workers.runtime.scratch import remove
from workers.store.base import KEPT_ATTEMPTS
from workers.store.values import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

STORE_LIMIT_BYTES = 64 * 1024  # of one job's artifacts, compressed
ARTIFACT_LIMIT_BYTES = 1024**3  # of one file
ENGINE_LOG = "engine.log"
OUTCOME = "outcome.json"  # written next to the files of a job that the store has lost
MIME = {OPT_XYZ: "chemical/x-xyz", TRAJECTORY_XYZ: "chemical/x-xyz", ENGINE_LOG: "text/plain"}

# A larger file would not fit into the store even compressed, so it is not tried.
_WORTH_PACKING_BYTES = 1024**2
_PIECE_BYTES = 1024**2
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY
_JOB_ID = re.compile(r"[0-9a-f]{32}")


def attempt_directory(root: Path, job_id: str, attempt: int) -> Path:
    """Return the directory of the published files of one attempt.

    Raises:
        ValueError: it is not a job id.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise ValueError(f"not a job id: {job_id!r}")
    return root / job_id / f"attempt-{attempt}"


def live_log(root: Path, job_id: str, attempt: int) -> Path:
    """Return the file, on the worker's machine, into which the engine of a running attempt prints."""
    return attempt_directory(root, job_id, attempt) / ENGINE_LOG


def forget(root: Path, job_id: str) -> int:
    """Remove the published files of a job below a directory, following no link; return their number.

    Raises:
        ValueError: it is not a job id.
    """
    folder = attempt_directory(root, job_id, 0).parent
    if folder.is_symlink():
        return 0
    count = sum(len(names) for _, _, names in os.walk(folder))
    remove(folder)
    return count


def forget_attempts(root: Path, job_id: str, before: int, spared: int | None) -> int:
    """Remove the files of earlier attempts of a job below a directory, logs too; return their number.

    Args:
        root: the artifacts directory.
        job_id: the job.
        before: the number of the first attempt whose files stay.
        spared: the number of an earlier one whose files stay.

    Raises:
        ValueError: it is not a job id.
    """
    count = 0
    for folder in _attempt_directories(root, job_id, before=before):
        if folder.name != f"attempt-{spared}":
            count += sum(len(names) for _, _, names in os.walk(folder))
            remove(folder)
            remove_empty(folder)
    return count


def _attempt_directories(root: Path, job_id: str, *, before: int) -> list[Path]:
    """Find the directories of the attempts before a given one, following no link."""
    folder = attempt_directory(root, job_id, before).parent
    if folder.is_symlink():
        return []
    numbers = (path.name.removeprefix("attempt-") for path in folder.glob("attempt-*"))
    found = [
        folder / f"attempt-{number}" for number in numbers if number.isdecimal() and int(number) < before
    ]
    return [path for path in found if path.is_dir() and not path.is_symlink()]


class Parts:
    """The half-written files of one artifacts directory."""

    def __init__(self, root: Path, host: str) -> None:
        self._root = root
        self._directory = root / ".parts"
        self._host = host

    def sweep(self) -> None:
        """Remove the files of writers of this machine that are gone.

        Raises:
            OSError: it cannot be removed.
        """
        for path in self._directory.glob("*"):
            if worker_host(path.name) != self._host:
                continue
            with unlocked(path, os.O_WRONLY) as is_left:
                if is_left:
                    path.unlink(missing_ok=True)
        self._tidy()

    @contextmanager
    def writing(self) -> Iterator[Part]:
        """Begin a file, which is removed at the end unless it was placed.

        Raises:
            OSError: it cannot be made.
        """
        part = self._begin()
        try:
            yield part
        finally:
            part.end()
            self._tidy()

    def _begin(self) -> Part:
        while True:
            path = self._directory / f"{self._host}-{os.getpid()}-{secrets.token_hex(4)}"
            try:
                with made_below(self._root, self._directory.name) as folders:
                    part = Part(path, open_file(path.name, _NEW, folder=folders[-1]))
            except FileNotFoundError:
                if not self._root.is_dir():
                    raise
                continue  # another process removed the empty directory
            if part.is_ours():
                return part
            part.end()  # another process swept before it was locked

    def _tidy(self) -> None:
        with contextlib.suppress(OSError):  # other files are being written
            self._directory.rmdir()


class Part:
    """One file that is written through `descriptor`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.descriptor = descriptor
        self._path: Path | None = path

    def is_ours(self) -> bool:
        """Lock the file; False: a sweep removed it before it was locked."""
        lock_if_possible(self.descriptor)
        return os.fstat(self.descriptor).st_nlink > 0

    def place(self, name: str, folder: int) -> None:
        """Move the file, which was synced, to its name in an open directory.

        Raises:
            OSError: it cannot be moved.
        """
        assert self._path is not None
        os.rename(self._path, name, dst_dir_fd=folder)
        self._path = None

    def end(self) -> None:
        """Close the file, and remove it unless it was placed."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Kept:
    """The kept files of an attempt, and warnings of those that were not."""

    artifacts: tuple[Artifact, ...]
    warnings: tuple[str, ...]  # files that were refused, or could not be kept


@dataclass(slots=True)
class _File:
    """A file of an attempt that is to be kept; `source` is an open descriptor or the bytes themselves."""

    name: str
    size: int
    source: int | bytes

    def pieces(self) -> Iterator[bytes]:
        """Read the file, in order."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        os.lseek(self.source, 0, os.SEEK_SET)
        while piece := os.read(self.source, _PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Close the descriptor."""
        if isinstance(self.source, int):
            os.close(self.source)


class ArtifactStore:
    """Stores the artifacts of a worker's attempts."""

    def __init__(self, root: Path, host: str) -> None:
        self.root = root
        self.host = host
        self._parts = Parts(root, host)

    def prepare(self) -> None:
        """Check that files can be published, and remove the half-written files of killed workers.

        Raises:
            OSError: they cannot.
        """
        for missing in reversed([path for path in (self.root, *self.root.parents) if not path.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        self._parts.sweep()
        probe = self.root / f".probe-{os.getpid()}"
        os.close(open_file(probe, _NEW))
        probe.unlink()

    def keep(self, job_id: str, attempt: int, scratch: Path | None, log: bytes) -> Kept:
        """Keep the files of an attempt: the smallest in the store, up to its limit, the others published.

        A file that cannot be kept costs a warning, never the result.
        """
        warnings: list[str] = []
        files = _found(scratch, warnings) if scratch else []
        if log:
            files.append(_File(ENGINE_LOG, len(log), log))
        try:
            artifacts = _packed(files)
            for file in files:
                if file.name in artifacts:
                    continue
                try:
                    artifacts[file.name] = self._publish(file, job_id, attempt)
                except OSError as error:
                    warnings.append(f"{file.name} could not be kept: {error.strerror}")
                    remove_empty(attempt_directory(self.root, job_id, attempt))
        finally:
            for file in files:
                file.close()
        return Kept(tuple(artifacts[name] for name in MIME if name in artifacts), tuple(warnings))

    def put_aside(self, job_id: str, attempt: int, scratch: Path | None, more: dict[str, bytes]) -> Path:
        """Publish all files of an attempt whose job the store has lost; return their directory.

        Raises:
            OSError: it cannot be written.
        """
        files = [_File(name, len(data), data) for name, data in more.items() if data]
        files += _found(scratch, []) if scratch else []
        try:
            for file in files:
                self._publish(file, job_id, attempt)
        finally:
            for file in files:
                file.close()
        return attempt_directory(self.root, job_id, attempt)

    def discard(self, job_id: str, attempt: int, recorded: Callable[[], Collection[str]]) -> None:
        """Remove the published files of an attempt, except those in the store, which may have its end.

        Args:
            job_id: the job.
            attempt: the number of the attempt.
            recorded: as in `clear_earlier`.
        """
        directory = attempt_directory(self.root, job_id, attempt)
        found = [] if directory.is_symlink() else list(directory.glob("*"))
        _unlink(found, recorded)
        remove_empty(directory)

    def clear_earlier(self, job_id: str, attempt: int, recorded: Callable[[], Collection[str]]) -> None:
        """Remove files that earlier attempts published before they were lost; the newest logs stay readable.

        Args:
            job_id: the job.
            attempt: the number of the first attempt whose files stay.
            recorded: returns the paths of the files that the store has, which stay; it is only called if
                there are files, and may raise: nothing is removed then.
        """
        earlier = _attempt_directories(self.root, job_id, before=attempt)
        old = _attempt_directories(self.root, job_id, before=attempt - KEPT_ATTEMPTS)
        found = [path for folder in earlier for path in folder.glob("*")]
        _unlink([path for path in found if path.name != ENGINE_LOG or path.parent in old], recorded)
        for folder in earlier:
            remove_empty(folder)
        remove_empty(attempt_directory(self.root, job_id, attempt))

    def _publish(self, file: _File, job_id: str, attempt: int) -> Artifact:
        """Write a file whole, sync it, then rename it into the directory of its attempt."""
        directory = attempt_directory(self.root, job_id, attempt)
        with made_below(self.root, job_id, directory.name) as folders:
            with self._parts.writing() as part:
                digest = _write_whole(file, part.descriptor)
                part.place(file.name, folders[-1])
            for changed in reversed(folders):
                os.fsync(changed)
        path = str(directory / file.name)
        kind = MIME.get(file.name, "application/json")
        return Artifact(file.name, file.size, digest, kind, host=self.host, path=path)


def _unlink(paths: list[Path], recorded: Callable[[], Collection[str]]) -> None:
    """Remove files except those that are recorded; `recorded` is only called if there are files."""
    kept = recorded() if paths else ()
    for path in paths:
        if str(path) not in kept:
            with contextlib.suppress(OSError):
                path.unlink()


def remove_empty(directory: Path) -> None:
    """Remove the directory of an attempt if it is empty, then that of its job."""
    for folder in (directory, directory.parent):
        with contextlib.suppress(OSError):  # it has files, or was never made
            folder.rmdir()


def _found(scratch: Path, warnings: list[str]) -> list[_File]:
    """Open the files of known names in a folder, unless the engine replaced the folder by something else."""
    try:
        with opened(scratch) as folder:
            files = [_regular(name, folder, warnings) for name in MIME if name != ENGINE_LOG]
    except OSError as error:
        warnings.append(f"the engine's folder was refused: {error.strerror}")
        return []
    return [file for file in files if file is not None]


def _regular(name: str, folder: int, warnings: list[str]) -> _File | None:
    """Open a file if it exists, is regular and not too large."""
    try:
        source = open_file(name, os.O_RDONLY | os.O_NONBLOCK, folder=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else error.strerror
        warnings.append(f"{name} was refused: {why}")
        return None
    found = os.fstat(source)
    if stat.S_ISREG(found.st_mode) and found.st_size <= ARTIFACT_LIMIT_BYTES:
        return _File(name, found.st_size, source)
    os.close(source)
    warnings.append(f"{name} was refused: not a regular file of at most {ARTIFACT_LIMIT_BYTES} bytes")
    return None


def _packed(files: list[_File]) -> dict[str, Artifact]:
    """Compress the small files, and keep the smallest up to the limit of a job in the store."""
    packed = []
    for file in files:
        if file.size <= _WORTH_PACKING_BYTES:
            with contextlib.suppress(OSError):  # a disk fails: publishing it fails again, and reports that
                raw = b"".join(file.pieces())
                packed.append((zlib.compress(raw), raw, file.name))
    room, kept = STORE_LIMIT_BYTES, {}
    for content, raw, name in sorted(packed, key=lambda item: len(item[0])):
        room -= len(content)
        if room < 0:
            break
        digest = hashlib.sha256(raw).hexdigest()
        kept[name] = Artifact(name, len(raw), digest, MIME[name], content=content)
    return kept


def _write_whole(file: _File, target: int) -> str:
    """Write and sync a file; return its sha256."""
    digest = hashlib.sha256()
    with open(target, "wb", closefd=False) as out:
        for piece in file.pieces():
            digest.update(piece)
            out.write(piece)
    os.fsync(target)
    return digest.hexdigest()
