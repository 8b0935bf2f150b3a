"""A file system that offers no locks, as of some networks and layers: the path and the way out are named."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from tests.support.disk import compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.nox import Nox

    Without = Callable[[str, int], dict[str, str]]

ECHO = ("submit", "--kind", "echo", "--no-start")
NUMBERS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
WAY_OUT = "hint: its file system offers no locks: set NOX_HOME to a directory on a disk of this machine"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What refuses locks."""
    return compiled(tmp_path_factory.mktemp("shim"), "locks")


@pytest.fixture
def without(shim: Path) -> Without:
    """Make the environment of a process that gets no locks of some kind."""

    def environ(kind: str, number: int) -> dict[str, str]:
        return {"LD_PRELOAD": str(shim), "LOCKS_REFUSED": kind, "LOCKS_ERRNO": str(number)}

    return environ


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_store_is_not_made_where_nothing_can_be_locked(nox: Nox, without: Without, number: int) -> None:
    """
    The first submit names the directory and says what to do; with locks it works.
    """
    refused = nox(*ECHO, env=without("flock", number))

    assert (4, "") == (refused.returncode, refused.stdout)
    assert "None" not in refused.stderr
    assert f"error: {nox.home}/nox.sqlite3 cannot be locked: " in refused.stderr
    assert WAY_OUT in refused.stderr
    assert 0 == nox(*ECHO).returncode


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_worker_names_what_it_cannot_lock(nox: Nox, without: Without, number: int) -> None:
    """
    Over a store that is there already it does not start, and jobs can be submitted and listed all the same.
    """
    nox(*ECHO, check=True)
    refused = nox("worker", "--burst", env=without("flock", number))

    assert 4 == refused.returncode
    assert "None" not in refused.stderr
    assert f"error: {nox.home} cannot be locked: " in refused.stderr
    assert "; no worker was started" in refused.stderr
    assert WAY_OUT in refused.stderr
    assert 0 == nox(*ECHO, env=without("flock", number)).returncode
    assert 2 == len(nox("list", "-q", env=without("flock", number), check=True).stdout.split())


def test_a_submit_says_why_it_starts_no_worker(nox: Nox, without: Without) -> None:
    """
    The job is stored, and the note names the lock that was refused.
    """
    nox(*ECHO, check=True)
    ended = nox("submit", "--kind", "echo", env=without("flock", errno.ENOLCK) | {"NOX_AUTOSTART": "always"})

    assert 0 == ended.returncode
    assert f"cannot lock {nox.home}/worker.lock: No locks available (set NOX_HOME" in ended.stderr


@pytest.mark.parametrize(
    ("words", "number"),
    [
        *((("list",), number) for number in NUMBERS),
        (ECHO, errno.ENOLCK),
        (("worker", "--burst"), errno.ENOLCK),
    ],
)
def test_a_store_that_sqlite_cannot_lock_is_not_busy(
    nox: Nox, without: Without, words: tuple[str, ...], number: int
) -> None:
    """
    What SQLite takes for a lock of others, or for a failing disk, is told as what it is.
    """
    nox(*ECHO, check=True)
    refused = nox(*words, env=without("fcntl", number))

    assert (4, "") == (refused.returncode, refused.stdout)
    assert f"error: {nox.home}/nox.sqlite3 cannot be locked: " in refused.stderr
    assert WAY_OUT in refused.stderr
    assert "busy" not in refused.stderr
    assert [] == [path.name for path in nox.home.iterdir() if path.name.startswith("lock-")]
