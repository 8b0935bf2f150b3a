"""The file of a pool: written whole, read only if no other user could have written it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from nox_cli.alloc import pool_file
from nox_cli.alloc.pool_file import PoolFile
from workers.errors import SettingsInvalid
from workers.store.pools import Budget, PoolDefinition

if TYPE_CHECKING:
    from pathlib import Path

FILE = PoolFile(
    pool="small",
    owner="ada",
    store="0123abcd",
    where="head:6379/0",
    cores=8,
    memory_bytes=2**34,
    time_s=14_400,
    max=10,
    pending=2,
    budget_core_seconds=3_600,
    budget_days=7,
    idle_s=120,
    engines=("echo", "xtb"),
    words=("-p", "main"),
    before="module load xtb",
    nox=("/opt/nox/bin/python", "-P", "-m", "nox_cli"),
    srun="/usr/bin/srun",
    environment={"REDIS_URL": "redis://head:6379/0"},
    folder="/home/ada/.local/state/nox/pools/small",
)


def test_a_pool_file_is_the_users_alone(tmp_path: Path) -> None:
    """
    It has mode 0600 in a folder of 0700, and reads as it was written, with the hash of its bytes.
    """
    digest = pool_file.write(tmp_path, FILE)
    path = pool_file.path_of(tmp_path, "small")
    stored = pool_file.read(tmp_path, "small")

    assert (FILE, digest) == stored
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)
    assert ["small.json", "small"] == sorted(
        (one.name for one in path.parent.iterdir()), key=len, reverse=True
    )
    assert ["small"] == pool_file.names(tmp_path)


def test_a_pool_file_has_the_whole_definition() -> None:
    """
    Every number that the store keeps comes from it.
    """
    assert (
        PoolDefinition(8, 2**34, 14_400, 10, 2, Budget(3_600, 7), 120, frozenset({"echo", "xtb"}))
        == FILE.definition
    )


def test_a_pool_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    """
    Neither without a folder nor in one.
    """
    assert pool_file.read(tmp_path, "small") is None
    pool_file.write(tmp_path, FILE)
    assert pool_file.read(tmp_path, "other") is None
    assert pool_file.remove(tmp_path, "small")
    assert not pool_file.remove(tmp_path, "small")
    assert [] == pool_file.names(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_pool_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """
    One bit of another user is enough, for reading as for writing.
    """
    pool_file.write(tmp_path, FILE)
    pool_file.path_of(tmp_path, "small").chmod(mode)

    with pytest.raises(SettingsInvalid, match="others can use it"):
        pool_file.read(tmp_path, "small")


def test_a_pool_file_in_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    """
    Who can write the folder can replace the file.
    """
    pool_file.write(tmp_path, FILE)
    pool_file.path_of(tmp_path, "small").parent.chmod(0o770)

    with pytest.raises(SettingsInvalid, match="others can use it"):
        pool_file.read(tmp_path, "small")


def test_a_pool_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """
    Also one to a good file.
    """
    pool_file.write(tmp_path, FILE)
    path = pool_file.path_of(tmp_path, "small")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SettingsInvalid, match="cannot be used"):
        pool_file.read(tmp_path, "small")


@pytest.mark.parametrize(
    "change",
    [
        {"cores": 0},
        {"cores": True},
        {"memory_bytes": 0},
        {"time_s": 60},
        {"max": 0},
        {"pending": 1_000_000},
        {"budget_core_seconds": 0},
        {"budget_days": 2},
        {"format": 2},
        {"words": "-p main"},
        {"words": [1]},
        {"words": ["--array=1-9"]},
        {"words": ["-p", "main", ":"]},
        {"nox": None},
        {"more": 1},
        {"pool": "big"},
        {"pool": "../small"},
    ],
    ids=str,
)
def test_a_pool_file_with_values_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """
    Whoever edits it gets one line, and no number beyond its limits reaches a request.
    """
    pool_file.write(tmp_path, FILE)
    path = pool_file.path_of(tmp_path, "small")
    path.write_bytes(msgspec.json.encode(msgspec.to_builtins(FILE) | change))

    with pytest.raises(SettingsInvalid) as refused:
        pool_file.read(tmp_path, "small")
    assert "\n" not in refused.value.message
    assert "nox alloc set small writes it anew" == refused.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"], ids=len)
def test_a_pool_file_without_sense_is_refused(tmp_path: Path, content: bytes) -> None:
    """
    An empty or damaged one is an error of one line.
    """
    pool_file.write(tmp_path, FILE)
    pool_file.path_of(tmp_path, "small").write_bytes(content)

    with pytest.raises(SettingsInvalid, match="it is damaged"):
        pool_file.read(tmp_path, "small")


def test_a_pool_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    """
    Nothing is read from what is no regular file, and a pipe does not block.
    """
    pool_file.write(tmp_path, FILE)
    path = pool_file.path_of(tmp_path, "small")
    path.unlink()
    os.mkfifo(path, 0o600)

    with pytest.raises(SettingsInvalid, match="no regular file"):
        pool_file.read(tmp_path, "small")


def test_logs_of_a_pool_are_removed_when_they_are_old(tmp_path: Path) -> None:
    """
    Other files and newer logs stay; a pool that was removed leaves no empty folder.
    """
    pool_file.write(tmp_path, FILE)
    folder = pool_file.folder_of(tmp_path, "small")
    for name in ("old.log", "new.log", "old.txt"):
        (folder / name).touch()
    for name in ("old.log", "old.txt"):
        os.utime(folder / name, (1_000, 1_000))

    pool_file.clean_logs(tmp_path, 2_000)
    assert ["new.log", "old.txt"] == sorted(path.name for path in folder.iterdir())

    pool_file.remove(tmp_path, "small")
    pool_file.clean_logs(tmp_path, 2_000)
    assert folder.exists()
    (folder / "old.txt").unlink()
    (folder / "new.log").unlink()
    pool_file.clean_logs(tmp_path, 2_000)
    assert not folder.exists()


@pytest.mark.parametrize("linked", ["pools", "pools/small"])
def test_logs_behind_a_link_are_not_removed(tmp_path: Path, linked: str) -> None:
    """
    Where others can write to the state directory, it may lead to any folder of the user.
    """
    theirs = tmp_path / "work" / "small"
    theirs.mkdir(parents=True, mode=0o700)
    (theirs / "old.log").touch()
    os.utime(theirs / "old.log", (1_000, 1_000))
    link = tmp_path / linked
    link.parent.mkdir(exist_ok=True, mode=0o700)
    link.symlink_to(theirs.parent if linked == "pools" else theirs)

    pool_file.clean_logs(tmp_path, 2_000)
    assert (theirs / "old.log").exists()
