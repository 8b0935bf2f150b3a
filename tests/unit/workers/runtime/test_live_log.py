"""The log of an attempt that runs: there while it runs, and gone after it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from workers.runtime.artifacts import ArtifactStore, live_log
from workers.runtime.live_log import LiveLog

if TYPE_CHECKING:
    from pathlib import Path

JOB = "0123456789abcdef" * 2


@pytest.fixture
def artifact_store(tmp_path: Path) -> ArtifactStore:
    """A artifact_store whose directory is made."""
    artifact_store = ArtifactStore(tmp_path / "artifacts", "node07")
    artifact_store.prepare()
    return artifact_store


def test_a_live_log_grows_where_it_is_looked_for(artifact_store: ArtifactStore) -> None:
    """
    What was printed is on disk after each `save`, privately, and never beyond the limit.
    """
    path = live_log(artifact_store.root, JOB, 1)
    log = LiveLog(artifact_store.root, JOB, 1, 10)

    log.add(b"first ")
    unsaved = path.exists()
    log.save()
    first = path.read_bytes()
    log.add(b"second")
    log.save()

    assert (False, b"first ", b"first seco") == (unsaved, first, path.read_bytes())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_live_log_leaves_nothing(artifact_store: ArtifactStore) -> None:
    """
    At the attempt's end the live log and its directories are gone, and a late `save` brings nothing back.
    """
    log = LiveLog(artifact_store.root, JOB, 1, 10)
    log.add(b"text")
    log.save()

    log.remove()
    log.add(b"late")
    log.save()

    assert [] == list(artifact_store.root.iterdir())


def test_a_live_log_is_written_through_no_link(artifact_store: ArtifactStore, tmp_path: Path) -> None:
    """
    A link in the place of the file is refused, and what it leads to stays as it is.
    """
    (tmp_path / "precious").write_text("untouched")
    path = live_log(artifact_store.root, JOB, 1)
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "precious")
    log = LiveLog(artifact_store.root, JOB, 1, 10)
    log.add(b"a line\n")

    with pytest.raises(OSError, match="symbolic link"):
        log.save()
    assert "untouched" == (tmp_path / "precious").read_text()
