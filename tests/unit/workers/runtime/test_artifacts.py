"""What an attempt leaves: small files in the store, larger ones published whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import random
import stat
import zlib
from typing import TYPE_CHECKING

import pytest

from workers.runtime.artifacts import (
    ENGINE_LOG,
    STORE_LIMIT_BYTES,
    ArtifactStore,
    Parts,
    attempt_directory,
    forget_attempts,
)
from workers.store.base import KEPT_ATTEMPTS

if TYPE_CHECKING:
    from pathlib import Path

JOB = "0123456789abcdef" * 2


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """An attempt's scratch folder."""
    path = tmp_path / "scratch"
    path.mkdir()
    return path


@pytest.fixture
def artifact_store(tmp_path: Path) -> ArtifactStore:
    """A artifact_store whose directory is not made yet."""
    artifact_store = ArtifactStore(tmp_path / "artifacts", "node07")
    artifact_store.prepare()
    return artifact_store


def test_small_files_go_into_the_store(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    What fits into the store's share is kept there, compressed, and nothing is written elsewhere.
    """
    (scratch / "opt.xyz").write_bytes(b"3\nwater\n")

    kept = artifact_store.keep(JOB, 1, scratch, b"done\n")

    assert ["opt.xyz", ENGINE_LOG] == [artifact.name for artifact in kept.artifacts]
    assert [b"3\nwater\n", b"done\n"] == [zlib.decompress(a.content or b"") for a in kept.artifacts]
    assert [8, 5] == [artifact.size for artifact in kept.artifacts]
    assert hashlib.sha256(b"3\nwater\n").hexdigest() == kept.artifacts[0].sha256
    assert [] == list(artifact_store.root.iterdir())


def test_larger_files_are_published(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    What does not fit lies in the attempt's directory, with host, path, size and checksum in the record.
    """
    content = noise(2 * STORE_LIMIT_BYTES)
    (scratch / "trajectory.xyz").write_bytes(content)

    (artifact,) = artifact_store.keep(JOB, 3, scratch, b"").artifacts

    path = attempt_directory(artifact_store.root, JOB, 3) / "trajectory.xyz"
    assert content == path.read_bytes()
    assert ("node07", str(path), None) == (artifact.host, artifact.path, artifact.content)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (artifact.size, artifact.sha256)


def test_the_smallest_are_first_in_the_store(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    The store's share goes to the smallest files; the one that no longer fits is published.
    """
    (scratch / "trajectory.xyz").write_bytes(noise(40 * 1024, 1))
    (scratch / "opt.xyz").write_bytes(noise(30 * 1024, 2))

    kept = artifact_store.keep(JOB, 1, scratch, noise(20 * 1024, 3))

    in_store = [artifact.name for artifact in kept.artifacts if artifact.content is not None]
    published = [artifact.name for artifact in kept.artifacts if artifact.path]
    assert (["opt.xyz", ENGINE_LOG], ["trajectory.xyz"]) == (in_store, published)


def test_published_files_are_private_from_the_start(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    Whatever the umask, directories are 0700 and files 0600.
    """
    (scratch / "trajectory.xyz").write_bytes(noise(2 * STORE_LIMIT_BYTES))
    before = os.umask(0)
    try:
        artifact_store.keep(JOB, 1, scratch, b"")
    finally:
        os.umask(before)

    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in artifact_store.root.rglob("*")}
    assert {JOB: 0o700, "attempt-1": 0o700, "trajectory.xyz": 0o600} == found


def test_artifacts_what_a_killed_writer_left_half_written_is_removed_at_the_next_start(
    artifact_store: ArtifactStore,
) -> None:
    """
    A part nobody holds goes; one that is being written stays, and so does one of another machine.
    """
    parts = Parts(artifact_store.root, artifact_store.host)
    place = artifact_store.root / ".parts"
    place.mkdir()
    (place / "node07-4711-dead").write_bytes(b"half")
    (place / "node08-4711-dead").write_bytes(b"of another machine")
    with parts.writing() as part:
        os.write(part.descriptor, b"half")
        artifact_store.prepare()
        during = sorted(path.name.split("-")[0] for path in place.iterdir())

    assert ["node07", "node08"] == during
    assert ["node08-4711-dead"] == [path.name for path in place.iterdir()]


def test_a_part_swept_before_it_was_locked_is_begun_again(
    artifact_store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Another worker starts between the making of a part and its lock: the file is written all the same.
    """
    real = fcntl.flock
    swept: list[int] = []

    def flock(descriptor: int, how: int) -> None:
        if not swept:
            swept.append(descriptor)
            Parts(artifact_store.root, artifact_store.host).sweep()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with Parts(artifact_store.root, artifact_store.host).writing() as part:
        assert 1 == os.fstat(part.descriptor).st_nlink
    assert 1 == len(swept)


def test_links_are_refused(artifact_store: ArtifactStore, scratch: Path, tmp_path: Path) -> None:
    """
    A link planted by an engine publishes nothing, and the result carries a warning.
    """
    secret = tmp_path / "secret"
    secret.write_bytes(b"key")
    (scratch / "opt.xyz").symlink_to(secret)

    kept = artifact_store.keep(JOB, 1, scratch, b"")

    assert () == kept.artifacts
    assert [True] == [warning.startswith("opt.xyz was refused") for warning in kept.warnings]


def test_artifacts_what_is_no_file_is_refused(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    A pipe or a directory under a known name neither blocks nor is published.
    """
    os.mkfifo(scratch / "opt.xyz")
    (scratch / "trajectory.xyz").mkdir()

    kept = artifact_store.keep(JOB, 1, scratch, b"")

    assert ((), 2) == (kept.artifacts, len(kept.warnings))


def test_artifacts_other_names_are_left_alone(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    What an engine leaves beside the known names is its own matter.
    """
    (scratch / "wbo").write_bytes(b"1 2 0.9\n")

    assert ((), ()) == (
        artifact_store.keep(JOB, 1, scratch, b"").artifacts,
        artifact_store.keep(JOB, 1, scratch, b"").warnings,
    )


def test_a_file_that_cannot_be_kept_costs_a_warning(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    If the directory cannot be written, the small files and the result are kept all the same.
    """
    (artifact_store.root / JOB).write_bytes(b"in the way")
    (scratch / "trajectory.xyz").write_bytes(noise(2 * STORE_LIMIT_BYTES))

    kept = artifact_store.keep(JOB, 1, scratch, b"log\n")

    assert [ENGINE_LOG] == [artifact.name for artifact in kept.artifacts]
    assert ("trajectory.xyz could not be kept: Not a directory",) == kept.warnings


def test_a_file_that_cannot_be_read_costs_a_warning(
    artifact_store: ArtifactStore, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where the disk fails under one file of the engine's, the others are kept, and no empty folder is left.
    """
    (scratch / "opt.xyz").write_bytes(b"3\nwater\n")
    (scratch / "trajectory.xyz").write_bytes(b"3\nwater\n")
    bad = (scratch / "trajectory.xyz").stat()
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        if os.path.samestat(os.fstat(descriptor), bad):
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    kept = artifact_store.keep(JOB, 1, scratch, b"done\n")

    assert ["opt.xyz", ENGINE_LOG] == [artifact.name for artifact in kept.artifacts]
    assert ("trajectory.xyz could not be kept: Input/output error",) == kept.warnings
    assert not list(artifact_store.root.iterdir())


def test_discarding_takes_one_attempt_only(artifact_store: ArtifactStore, scratch: Path) -> None:
    """
    What another attempt published stays.
    """
    (scratch / "trajectory.xyz").write_bytes(noise(2 * STORE_LIMIT_BYTES))
    for attempt in (1, 2):
        artifact_store.keep(JOB, attempt, scratch, b"")

    artifact_store.discard(JOB, 1, set)
    left = [path.name for path in (artifact_store.root / JOB).iterdir()]
    artifact_store.discard(JOB, 2, set)

    assert (["attempt-2"], []) == (left, list(artifact_store.root.iterdir()))


def test_artifacts_what_lost_attempts_published_is_cleared(
    artifact_store: ArtifactStore, scratch: Path
) -> None:
    """
    The next attempt removes it, but for their logs; what a later attempt made is left alone.
    """
    (scratch / "trajectory.xyz").write_bytes(noise(2 * STORE_LIMIT_BYTES))
    for attempt in (1, 2, 3):
        artifact_store.keep(JOB, attempt, scratch, noise(2 * STORE_LIMIT_BYTES))

    artifact_store.clear_earlier(JOB, 3, set)
    left = {
        n: sorted(p.name for p in attempt_directory(artifact_store.root, JOB, n).iterdir()) for n in (1, 2, 3)
    }

    assert {1: [ENGINE_LOG], 2: [ENGINE_LOG], 3: [ENGINE_LOG, "trajectory.xyz"]} == left


def test_logs_of_very_old_attempts_are_cleared(artifact_store: ArtifactStore) -> None:
    """
    But for those that the store has: a job that runs again and again does not fill the disk.
    """
    for attempt in (1, 2, 3):
        folder = attempt_directory(artifact_store.root, JOB, attempt)
        folder.mkdir(parents=True)
        (folder / ENGINE_LOG).write_bytes(b"printed")
    shown = attempt_directory(artifact_store.root, JOB, 1) / ENGINE_LOG
    artifact_store.clear_earlier(JOB, KEPT_ATTEMPTS + 3, lambda: {str(shown)})

    assert ["attempt-1", "attempt-3"] == sorted(path.name for path in (artifact_store.root / JOB).iterdir())


def test_earlier_attempts_are_forgotten(artifact_store: ArtifactStore) -> None:
    """
    Their logs too, but not the one that is shown, nor the newest.
    """
    for attempt in (1, 2, 3, 10):
        folder = attempt_directory(artifact_store.root, JOB, attempt)
        folder.mkdir(parents=True)
        (folder / ENGINE_LOG).write_bytes(b"printed")
    (artifact_store.root / JOB / "attempt-x").mkdir()

    assert 2 == forget_attempts(artifact_store.root, JOB, before=10, spared=2)
    left = sorted(path.name for path in (artifact_store.root / JOB).iterdir())
    assert ["attempt-10", "attempt-2", "attempt-x"] == left


def test_artifacts_no_empty_folder_stays_of_a_lost_attempt(
    artifact_store: ArtifactStore, scratch: Path
) -> None:
    """
    Where an attempt was killed before its folder held a log, or had only files, the folder goes too.
    """
    (scratch / "trajectory.xyz").write_bytes(noise(2 * STORE_LIMIT_BYTES))
    attempt_directory(artifact_store.root, JOB, 1).mkdir(parents=True)
    artifact_store.keep(JOB, 2, scratch, b"")

    artifact_store.clear_earlier(JOB, 4, set)

    assert not (artifact_store.root / JOB).exists()


def test_an_empty_folder_of_a_job_goes_before_its_next_attempt(artifact_store: ArtifactStore) -> None:
    """
    A worker that was killed as it made folders may have made the first one only.
    """
    (artifact_store.root / JOB).mkdir()
    artifact_store.clear_earlier(JOB, 2, set)

    assert not (artifact_store.root / JOB).exists()


@pytest.mark.parametrize("job_id", ["../../etc", "", JOB.upper(), f"{JOB}/.."])
def test_artifacts_only_ids_become_directories(tmp_path: Path, job_id: str) -> None:
    """
    A record that was tampered with names no place outside the directory.
    """
    with pytest.raises(ValueError, match="not a job id"):
        attempt_directory(tmp_path, job_id, 1)
