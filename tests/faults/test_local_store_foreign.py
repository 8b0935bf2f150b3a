"""Something else in place of the local store's file: refused before it is opened."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.doctor import printed_without_engines
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ECHO = ("submit", "--kind", "echo", "--no-start")
NOBODY = 65534
LIMIT_S = 20.0


def fifo(path: Path) -> None:
    """Make a FIFO, which whoever opens it waits for."""
    os.mkfifo(path, 0o600)


def bound(path: Path) -> None:
    """Make a socket."""
    os.mknod(path, 0o600 | stat.S_IFSOCK)


def device(path: Path) -> None:
    """Make a device that never ends."""
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def dangling(path: Path) -> None:
    """Make a link to nothing."""
    path.symlink_to(path.parent / "nothing")


def linked(path: Path) -> None:
    """Make a link to a file."""
    (path.parent / "other").write_bytes(b"")
    path.symlink_to(path.parent / "other")


KINDS = {
    "is a FIFO, not a file": fifo,
    "is a socket, not a file": bound,
    "is a device, not a file": device,
    "is a directory, not a file": os.mkdir,
    "is a symbolic link, not a file": linked,
    "is a symbolic link, not a file ": dangling,
}


@pytest.mark.parametrize(
    ("what", "side"),
    [
        *((what, "") for what in KINDS),
        ("is a FIFO, not a file", "-wal"),
        ("is a symbolic link, not a file", "-shm"),
    ],
)
def test_local_store_foreign_what_is_no_file_is_refused_at_once(nox: Nox, what: str, side: str) -> None:
    """
    A FIFO, socket, device, directory or link in place of the file, or of one that SQLite keeps next to it.
    """
    if side:
        nox(*ECHO, check=True)
    else:
        nox.home.chmod(0o700)
    place = nox.home / f"{FILE}{side}"
    KINDS[what](place)
    for words in (ECHO, ("list",)):
        refused = nox(*words, limit_s=LIMIT_S)

        assert refused.returncode in {1, 4}, refused.stderr
        assert f"{place} {what.strip()}" in refused.stdout + refused.stderr
    began = time.monotonic()
    code, findings = printed_without_engines(nox)
    assert time.monotonic() - began < LIMIT_S
    assert code in {1, 4}
    assert f"{place} {what.strip()}" in findings
    assert not place.is_file() or place.is_symlink()


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_write_is_refused(nox: Nox, mode: int) -> None:
    """
    It is named with the command that mends it; then it is used again.
    """
    nox(*ECHO, check=True)
    (nox.home / FILE).chmod(mode)
    refused = nox("list")

    assert (4, "") == (refused.returncode, refused.stdout)
    assert (
        f"error: others can change your jobs in {nox.home}/{FILE}; nothing was read or stored"
        in refused.stderr
    )
    assert f"hint: chmod 600 {nox.home}/{FILE}" in refused.stderr
    (nox.home / FILE).chmod(0o600)
    assert 1 == len(nox("list", "-q", check=True).stdout.split())


def test_a_file_of_another_user_is_refused(nox: Nox) -> None:
    """
    Though the directory is one's own.
    """
    nox(*ECHO, check=True)
    os.chown(nox.home / FILE, NOBODY, NOBODY)
    refused = nox("list")

    assert (4, "") == (refused.returncode, refused.stdout)
    assert f"{nox.home}/{FILE} belongs to another user" in refused.stderr
