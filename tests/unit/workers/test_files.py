"""`workers.files`: no link is followed, a lock is held once and ends with its holder, a write is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from workers.files import (
    is_full,
    last_lines,
    lock_file,
    made_below,
    open_file,
    opened,
    unlocked,
    write_whole,
)

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, pathlib
from workers.files import lock_file
assert lock_file(pathlib.Path(sys.argv[1])) is not None
print("held", flush=True)
sys.stdin.read()
"""


def test_open_file_follows_no_link(tmp_path: Path) -> None:
    """
    A link in the place of a file or of a directory is refused, and what it leads to is not touched.
    """
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")

    for call in (
        lambda: open_file(tmp_path / "link", os.O_CREAT | os.O_RDWR),
        lambda: lock_file(tmp_path / "link"),
        opened(tmp_path / "folder").__enter__,
        made_below(tmp_path, "folder").__enter__,
    ):
        with pytest.raises(OSError, match=r"link|Not a directory"):
            call()
    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_lock_ends_with_its_process(tmp_path: Path) -> None:
    """
    While another process holds it the file counts as locked; once that is killed, as unlocked.
    """
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        with unlocked(path) as is_free:
            assert not is_free
        assert lock_file(path) is None
        holder.kill()
    with unlocked(path) as is_free:
        assert is_free
        assert lock_file(path) is None
    with unlocked(tmp_path / "missing") as is_free:
        assert not is_free


def test_lock_of_a_file_that_was_replaced_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A lock on a file that lost its name meanwhile protects nothing.
    """
    path = tmp_path / "lock"
    real = os.fstat

    def replaced(descriptor: int) -> os.stat_result:
        path.unlink()
        path.touch()
        return real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", replaced)
        assert lock_file(path) is None
    assert lock_file(path) is not None


def test_write_whole_replaces_or_leaves(tmp_path: Path) -> None:
    """
    After a write the new content is there; after one that failed the old, and no part of the new.
    """
    path = tmp_path / "file"
    write_whole(path, "old")
    write_whole(path, "new")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()

    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "folder", "newer")
    assert ("new", ["file", "folder"]) == (path.read_text(), sorted(os.listdir(tmp_path)))  # noqa: PTH208


def test_a_disk_with_room_is_not_full(tmp_path: Path) -> None:
    """
    Room for a molecule's few files is enough; a folder that is missing is not full either.
    """
    assert not is_full(tmp_path)
    assert not is_full(tmp_path / "missing")


def test_last_lines_are_those_of_a_file_only(tmp_path: Path) -> None:
    """
    Empty lines are left out; a link is not followed, and a pipe is not waited for.
    """
    log = tmp_path / "log"
    log.write_bytes(b"first\n" * 5_000 + b"\nlast \xff \n\n")
    (tmp_path / "link").symlink_to(log)
    os.mkfifo(tmp_path / "pipe")

    assert last_lines(log, 2) == ["first", "last \ufffd"]
    assert [last_lines(tmp_path / name, 2) for name in ("link", "pipe", "missing")] == [[], [], []]
