"""The local store after a power cut, and with a file that broke."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claim, claimant, new_job, outcome, submit
from workers.errors import NoxError, StoreDamaged
from workers.job import JobState
from workers.store.sqlite.store import FILE, SqliteStore
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = 4_096
CUTS = 100
FLIPS = 200


@pytest.fixture
def filled(home: Path) -> Path:
    """The file of a store with jobs in several states, closed."""
    store = SqliteStore.open(home)
    submit(store, *(new_job(f"molecule {i}", batch="x") for i in range(60)))
    for _ in range(20):
        store.finish(claim(store).lease, outcome())
    claim(store)
    store.close()
    return home / FILE


def use(home: Path) -> None:
    """Do everything one does with a store; whatever goes wrong must be told in words of nox."""
    store = SqliteStore.open(home)
    calls: list[Callable[[], object]] = [
        lambda: store.page(Query(limit=1_000)),
        lambda: store.page(Query(states=frozenset(JobState) - {JobState.DONE}, batch="x")),
        store.counts,
        lambda: store.events("0"),
        lambda: store.get_many(store.with_numbers(1, 100)),
        lambda: store.outcomes(store.last("ada")),
        lambda: submit(store, new_job()),
        lambda: store.tick(beat()),
        store.workers,
    ]
    try:
        for call in calls:
            call()
        found = store.claim(claimant())
        if found is not None:
            store.finish(found.lease, outcome(), claimant())
    finally:
        store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:0],
        lambda content: content[:100],
        lambda content: content[: PAGE - 1],
        lambda content: content[: len(content) // 2],
        lambda content: bytes(len(content)),
        lambda content: bytes(PAGE) + content[PAGE:],
        lambda content: content[:PAGE] + bytes(len(content) - PAGE),
        lambda content: b"hello, no database" * len(content),
    ],
    ids=["empty", "header only", "part of a page", "half", "zeroed", "no header", "header alone", "a text"],
)
def test_a_broken_file_is_told_and_kept(filled: Path, spoil: Callable[[bytes], bytes]) -> None:
    """
    It is damaged, and stays as it is: never taken for an empty store, never made anew.
    """
    broken = spoil(filled.read_bytes())
    filled.write_bytes(broken)

    with pytest.raises(StoreDamaged) as caught:
        use(filled.parent)
    assert broken == filled.read_bytes()
    assert str(filled) in caught.value.what
    assert "it is kept as it is" == caught.value.did
    assert f"mv {filled.parent} {filled.parent}.damaged" in caught.value.hint


def test_flipped_bytes_never_end_in_a_traceback(filled: Path) -> None:
    """
    Wherever a byte is flipped, the store works around it or says that it is damaged.
    """
    sound = filled.read_bytes()
    told = 0
    for n in range(FLIPS):
        offset = n * len(sound) // FLIPS + n % 7
        filled.write_bytes(sound[:offset] + bytes([sound[offset] ^ 0xFF]) + sound[offset + 1 :])
        try:
            use(filled.parent)
        except NoxError:
            told += 1
        for side in filled.parent.glob(f"{FILE}-*"):
            side.unlink()

    assert 0 < told < FLIPS


@pytest.mark.parametrize("content", [b"", b"broken" * 1_000])
def test_a_log_is_kept_beside_a_broken_file(home: Path, content: bytes) -> None:
    """
    What a killed process left in the log may be all there is: nobody throws it away.
    """
    store = SqliteStore.open(home)
    submit(store, new_job())
    left = copied(home, home.with_name("left"))
    store.close()
    (left / FILE).write_bytes(content)
    log = (left / f"{FILE}-wal").read_bytes()
    with pytest.raises(StoreDamaged):
        SqliteStore.open(left)

    assert log
    assert (content, log) == ((left / FILE).read_bytes(), (left / f"{FILE}-wal").read_bytes())


def test_local_store_damage_what_was_accepted_survives_a_power_cut(home: Path, tmp_path: Path) -> None:
    """
    A copy of the files after each submit, as a disk would hold them, has every accepted job and is sound.
    """
    store = SqliteStore.open(home)
    accepted: list[str] = []
    for n in range(20):
        accepted += submit(store, *(new_job() for _ in range(1 + n % 3)))
        if n % 4 == 3:
            store.finish(claim(store).lease, outcome(), claimant())
        copy = copied(home, tmp_path / f"cut {n}")

        assert accepted == ids_in(copy)
        assert "ok" == integrity(copy)
    store.close()


def test_a_log_that_was_cut_anywhere_is_sound(home: Path, tmp_path: Path) -> None:
    """
    Wherever the log ends, what is there is a beginning of what was done: whole submits, in order.
    """
    store = SqliteStore.open(home)
    accepted = [submit(store, *(new_job() for _ in range(3))) for _ in range(15)]
    whole = copied(home, tmp_path / "whole")
    store.close()
    log = (whole / f"{FILE}-wal").read_bytes()
    beginnings = [[job_id for part in accepted[:n] for job_id in part] for n in range(len(accepted) + 1)]
    seen = set()
    for n in range(CUTS):
        cut = tmp_path / f"cut {n}"
        shutil.copytree(whole, cut)
        (cut / f"{FILE}-wal").write_bytes(log[: n * len(log) // (CUTS - 1)])
        found = ids_in(cut)

        assert "ok" == integrity(cut)
        assert found in beginnings
        seen.add(len(found))
    assert {0, 45} <= seen


def copied(home: Path, to: Path) -> Path:
    """Copy what a disk would hold if the machine lost its power now."""
    to.mkdir(mode=0o700)
    for name in (FILE, f"{FILE}-wal"):
        shutil.copy2(home / name, to / name)
    return to


def ids_in(home: Path) -> list[str]:
    """Open a copy as nox would, and list its jobs."""
    store = SqliteStore.open(home)
    found = store.with_numbers(1, 1_000)
    store.close()
    return found


def integrity(home: Path) -> str:
    """Let SQLite check the whole file."""
    with closing(sqlite3.connect(home / FILE)) as database:
        found: str = database.execute("PRAGMA integrity_check").fetchone()[0]
        return found
