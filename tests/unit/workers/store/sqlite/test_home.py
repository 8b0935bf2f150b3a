"""`workers.store.sqlite.home`: the directory is its owner's alone, or it is refused."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, new_job, submit
from workers.errors import StoreBusy, StoreFull, StoreRefused
from workers.store.sqlite.home import locked, make_private, translated
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def _careless() -> Iterator[None]:
    """A process that lets everybody do everything with what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_careless")
def test_home_everything_is_made_private(tmp_path: Path) -> None:
    """
    Under umask 000 every directory is 0700 and every file 0600: those above the store, its log, its locks.
    """
    home = tmp_path / "a" / "b" / "state"
    store = SqliteStore.open(home)
    submit(store, new_job())
    store.tick(beat())
    made = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "a", *(tmp_path / "a").rglob("*"))}
    store.close()

    assert {home / FILE, home / f"{FILE}-wal", home / f"{FILE}-shm"} <= set(made)
    assert any(path.suffix == ".lock" for path in made)
    assert {path: 0o700 if path.is_dir() else 0o600 for path in made} == made


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o705, 0o711, 0o770, 0o777, 0o701])
def test_a_directory_others_can_enter_is_refused(home: Path, mode: int) -> None:
    """
    The message says how to close it; nothing is made in it.
    """
    home.chmod(mode)

    with pytest.raises(StoreRefused) as caught:
        SqliteStore.open(home)
    assert f"others can read your jobs in {home}; nothing was stored" == caught.value.message
    assert f"chmod 700 {home}" == caught.value.hint
    assert [] == list(home.iterdir())


def test_a_directory_that_was_closed_is_taken(home: Path) -> None:
    """
    What the hint says helps.
    """
    home.chmod(0o755)
    with pytest.raises(StoreRefused):
        make_private(home)
    home.chmod(0o700)

    make_private(home)


def test_anothers_directory_is_refused(home: Path) -> None:
    """
    Not even root works in a directory of somebody else: its files would be out of the owner's reach.
    """
    foreign = Path("/")
    if os.geteuid() == 0:
        foreign = home
        os.chown(home, NOBODY, NOBODY)

    with pytest.raises(StoreRefused, match="belongs to another user"):
        SqliteStore.open(foreign)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """
    The store is not put beside it.
    """
    (tmp_path / "state").touch()

    for place in (tmp_path / "state", tmp_path / "state" / "below"):
        with pytest.raises(StoreRefused, match="not a directory"):
            SqliteStore.open(place)


def test_home_two_processes_may_make_the_directory_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever comes second takes what the first made.
    """
    home = tmp_path / "state"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(type(home), "exists", lambda path: path != home)

    make_private(home)


@pytest.mark.parametrize(
    ("number", "kind"), [("ENOSPC", StoreFull), ("EDQUOT", StoreFull), ("EROFS", StoreRefused)]
)
def test_home_what_the_system_refuses_is_told(tmp_path: Path, number: str, kind: type[Exception]) -> None:
    """
    A full disk is told from one that cannot be written.
    """
    with pytest.raises(kind, match=str(tmp_path)), translated(tmp_path):
        raise OSError(getattr(errno, number), "refused")


def test_setting_up_has_a_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If another process never gets done with setting up the store, one is told and does not wait for ever.
    """
    monkeypatch.setattr("workers.store.sqlite.home.LOCK_WAIT_S", 0.05)
    other = os.open(home, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)

    with pytest.raises(StoreBusy, match="setting up"), locked(home):
        pass
    os.close(other)
    with locked(home):
        pass
