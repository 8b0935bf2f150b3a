"""Scratch space: private, removed at the end, and by the next worker if its own was killed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from workers.runtime.scratch import Scratch, left_behind, remove, scratch_base

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, signal, sys
from pathlib import Path
from workers.runtime.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]), "host-1-dead")
scratch.open()
(scratch.attempt() / "file").touch()
os.kill(os.getpid(), signal.SIGKILL)
"""


def opened(base: Path, worker: str) -> Scratch:
    """Open a worker's scratch space."""
    scratch = Scratch(base, worker)
    scratch.open()
    return scratch


def test_scratch_each_attempt_has_a_private_folder(tmp_path: Path) -> None:
    """
    Folders of attempts are empty, distinct, and 0700.
    """
    scratch = opened(tmp_path / "base", "host-1-a")

    first, second = scratch.attempt(), scratch.attempt()

    assert first != second
    assert [0o700, 0o700] == [stat.S_IMODE(path.stat().st_mode) for path in (first, scratch.path)]


def test_a_folder_that_was_left_empty_serves_again(tmp_path: Path) -> None:
    """
    What an attempt left as it was made is handed out once more; it is handed to one attempt at a time.
    """
    scratch = opened(tmp_path / "base", "host-1-a")
    first = scratch.attempt()

    scratch.take_back(first)

    assert first == scratch.attempt()
    assert first != scratch.attempt()


@pytest.mark.parametrize("change", ["file", "link", "mode", "gone"])
@pytest.mark.parametrize("late", [False, True])
def test_a_folder_that_was_changed_serves_no_more(tmp_path: Path, change: str, late: bool) -> None:
    """
    A folder with something in it, another in its place, or one that others may enter is removed, whether
    that came to be before the attempt ended or after; what a link leads to is not touched.
    """
    scratch = opened(tmp_path / "base", "host-1-a")
    folder, other = scratch.attempt(), tmp_path / "other"
    other.mkdir(mode=0o700)
    if late:
        scratch.take_back(folder)
    match change:
        case "file":
            (folder / "file").touch()
        case "mode":
            folder.chmod(0o755)
        case _:
            folder.rmdir()
    if change == "link":
        folder.symlink_to(other)
    if not late:
        scratch.take_back(folder)
    next_one = scratch.attempt()

    assert next_one.resolve() == next_one
    assert ([], 0o700) == (list(next_one.iterdir()), stat.S_IMODE(next_one.stat().st_mode))
    assert other.is_dir()


def test_a_folder_with_files_is_not_reclaimed(tmp_path: Path) -> None:
    """
    The folder of an attempt is kept for another one if nothing is in it; else it stays until its files are
    kept.
    """
    scratch = opened(tmp_path / "base", "host-1-a")
    full, empty = scratch.attempt(), scratch.attempt()
    (full / "opt.xyz").touch()

    assert [False, True] == [scratch.reclaim(full), scratch.reclaim(empty)]
    assert (full / "opt.xyz").exists()
    assert empty == scratch.attempt()


@pytest.mark.parametrize("what", ["lock", "folder", "base"])
def test_what_was_tidied_away_is_made_again(tmp_path: Path, what: str) -> None:
    """
    Though an empty folder is left for it, the next attempt notices that the lock or a folder is gone.
    """
    base = tmp_path / "base"
    scratch = opened(base, "host-1-a")
    scratch.take_back(scratch.attempt())
    match what:
        case "lock":
            (base / "host-1-a.lock").unlink()
        case "folder":
            shutil.rmtree(scratch.path)
        case _:
            base.rename(tmp_path / "moved")

    assert scratch.attempt().is_dir()
    assert ["host-1-a", "host-1-a.lock"] == sorted(path.name for path in base.iterdir())
    scratch.close()
    assert [] == list(base.iterdir())


def test_scratch_nothing_is_left_after_closing(tmp_path: Path) -> None:
    """
    Closing removes the folder, what is in it, and the lock; twice is harmless.
    """
    scratch = opened(tmp_path, "host-1-a")
    (scratch.attempt() / "file").touch()

    scratch.close()
    scratch.close()

    assert [] == list(tmp_path.iterdir())


def test_scratch_what_a_killed_worker_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """
    A worker that starts clears what dead workers of its machine left.
    """
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=30)
    left = sorted(path.name for path in tmp_path.iterdir())

    scratch = opened(tmp_path, "host-2-b")

    assert ["host-1-dead", "host-1-dead.lock"] == left
    assert ["host-2-b", "host-2-b.lock"] == sorted(path.name for path in tmp_path.iterdir())
    scratch.close()


def test_scratch_what_lives_or_is_elsewhere_stays(tmp_path: Path) -> None:
    """
    The folder of a living worker is left alone, and so is one of another machine.
    """
    living = opened(tmp_path, "host-1-a")
    (tmp_path / "other-1-a").mkdir()
    (tmp_path / "other-1-a.lock").touch()

    opened(tmp_path, "host-2-b").close()

    assert living.path.is_dir()
    assert (tmp_path / "other-1-a").is_dir()
    living.close()


def test_removing_follows_no_link(tmp_path: Path) -> None:
    """
    A link in a scratch folder is removed, not what it points to.
    """
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to(tmp_path / "precious")

    remove(tmp_path / "folder")

    assert ["precious"] == [path.name for path in tmp_path.iterdir()]
    assert (tmp_path / "precious/file").exists()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_scratch_lies_in_a_directory_of_our_own(temporary: Path) -> None:
    """
    The temporary directory gets one private directory a user.
    """
    base = scratch_base(temporary / "fallback")

    assert temporary / f"nox-{os.getuid()}" == base
    assert 0o700 == stat.S_IMODE(base.stat().st_mode)


@pytest.mark.parametrize("planted", ["link", "file", "open directory"])
def test_scratch_what_somebody_planted_there_is_not_used(temporary: Path, planted: str) -> None:
    """
    A link, a file, or a directory others may enter under that name: the fallback is used.
    """
    name = temporary / f"nox-{os.getuid()}"
    if planted == "link":
        (temporary / "elsewhere").mkdir(mode=0o700)
        name.symlink_to(temporary / "elsewhere")
    elif planted == "file":
        name.touch()
    else:
        name.mkdir()
        name.chmod(0o755)

    assert temporary / "fallback" == scratch_base(temporary / "fallback")


def test_scratch_what_dead_workers_left_is_told_apart_from_what_is_in_use(tmp_path: Path) -> None:
    """
    The folder of a killed worker is listed and left; those of living ones and of other machines are not.
    """
    living = opened(tmp_path, "host-1-living")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    (tmp_path / "other-1-dead.lock").touch()

    assert [tmp_path / "host-1-dead"] == left_behind(tmp_path, "host")
    assert (tmp_path / "host-1-dead").is_dir()
    assert [] == left_behind(tmp_path / "nowhere", "host")
    living.close()
