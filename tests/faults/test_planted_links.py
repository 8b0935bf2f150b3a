"""Somebody plants links where scratch and artifacts go, again and again: none is followed."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until
from workers.runtime.artifacts import ArtifactStore
from workers.runtime.live_log import LiveLog
from workers.runtime.scratch import Scratch, scratch_base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox

WORKER = "node07-4711-a1b2c3"
JOB = "0123456789abcdef" * 2
SECONDS = pytest.mark.parametrize("seconds", [1.0, pytest.param(10.0, marks=pytest.mark.long)])
# Plants a link wherever nothing is, and takes its own away again, as one may in a directory like /tmp.
PLANTER = """
import os, pathlib, sys
victim, *places = map(pathlib.Path, sys.argv[1:])
while True:
    for place in places:
        try:
            place.symlink_to(victim)
            place.unlink()
        except OSError:
            pass
"""


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A private directory of the same person's, with one file in it."""
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    (folder / "file").write_text("untouched")
    return folder


@contextmanager
def planted(victim: Path, *places: Path) -> Iterator[None]:
    """Have links to the victim come and go at these places, as fast as another process can."""
    planter = subprocess.Popen([sys.executable, "-I", "-S", "-c", PLANTER, victim, *places])
    try:
        wait_until(lambda: any(map(os.path.islink, places)), 20, "the first link")
        yield
        assert planter.poll() is None
    finally:
        planter.kill()
        planter.wait()


def untouched(victim: Path) -> bool:
    """Whether nothing came to the victim, and nothing was ever written there."""
    born = (victim / "file").stat().st_mtime_ns
    return ["file"] == [path.name for path in victim.iterdir()] and victim.stat().st_mtime_ns <= born


@SECONDS
def test_scratch_is_made_in_no_directory_that_was_planted(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """
    While links to another directory come and go under the name of our own, scratch folders lie in a real
    directory of that name or in the fallback, and nothing is ever made behind the link.
    """
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    own, fallback = temporary / f"nox-{os.getuid()}", tmp_path / "fallback"
    used: set[Path] = set()
    until = time.monotonic() + seconds
    with planted(victim, own):
        while time.monotonic() < until or len(used) < 2:
            base = scratch_base(fallback)
            scratch = Scratch(base, WORKER)
            scratch.open()
            folder = scratch.attempt()
            (folder / "opt.xyz").write_text("ours")
            scratch.close()
            used.add(base)
            if base == own:
                own.rmdir()

    assert {own, fallback} == used
    assert untouched(victim)


@SECONDS
def test_artifacts_are_published_through_no_link(tmp_path: Path, victim: Path, seconds: float) -> None:
    """
    Where others may write to the artifacts directory: files and growing logs come to lie in real directories
    or are refused with a warning, and never behind a link that stands where one of them is to be made.
    """
    artifact_store = ArtifactStore(tmp_path / "artifacts", "node07")
    artifact_store.prepare()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "trajectory.xyz").write_bytes(random.Random(77).randbytes(100_000))
    job = artifact_store.root / JOB
    until, kept, refused = time.monotonic() + seconds, 0, 0
    with planted(victim, artifact_store.root / ".parts", job, job / "attempt-1"):
        while time.monotonic() < until or not (kept and refused):
            log = LiveLog(artifact_store.root, JOB, 1, 100)
            log.add(b"a line\n")
            with contextlib.suppress(OSError):
                log.save()
            told = artifact_store.keep(JOB, 1, scratch, b"")
            kept, refused = kept + len(told.artifacts), refused + len(told.warnings)
            artifact_store.discard(JOB, 1, set)

    assert untouched(victim)


def test_a_worker_whose_temporary_directory_is_planted_works(nox: Nox, victim: Path) -> None:
    """
    With a link in the place of its scratch directory a worker computes as ever, elsewhere.
    """
    temporary = nox.cwd / "tmp"
    temporary.mkdir(mode=0o1777)
    (temporary / f"nox-{os.getuid()}").symlink_to(victim)
    (job_id,) = nox.submit(str(EXAMPLES / "water.xyz"), "--opt", "--no-start")
    worker = nox.worker("--slots", "1", "--idle-timeout", "0.5", env={"TMPDIR": str(temporary)})

    assert 0 == worker.wait(60)
    assert "completed" == nox.status(job_id)["state"]
    assert untouched(victim)


def test_artifacts_may_lie_behind_a_link_of_ones_own(tmp_path: Path) -> None:
    """
    An artifacts directory that is itself a link, as to a large disk, is used.
    """
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "artifacts").symlink_to(tmp_path / "disk")
    artifact_store = ArtifactStore(tmp_path / "artifacts", "node07")
    artifact_store.prepare()
    kept = artifact_store.keep(JOB, 1, None, random.Random(1).randbytes(100_000))

    assert ((), 1) == (kept.warnings, len(kept.artifacts))
    assert (tmp_path / "disk" / JOB / "attempt-1" / "engine.log").is_file()
