"""`nox doctor` on a local store that is shut, open to others, broken, or of another age."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nox_cli.doctor.machine import check_artifacts
from nox_cli.exits import ExitCode
from tests.support.doctor import examine_store, examine_without_engines
from tests.support.stores import submit_named
from workers.store.sqlite.schema import OLDEST, VERSION
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


@pytest.fixture
def stored(nox: Nox, store: Store) -> Nox:
    """A nox whose local store holds jobs, closed."""
    submit_named(store, " ".join(f"job{number}" for number in range(300)))
    store.close()
    return nox


def test_a_directory_others_can_read_is_a_problem(stored: Nox) -> None:
    """
    0755 is refused with the command that shuts it, code 4; nothing of it is changed.
    """
    stored.home.chmod(0o755)
    report = examine_store(stored)
    mode = stored.home.stat().st_mode & 0o777
    stored.home.chmod(0o700)

    assert (ExitCode.STORE, ["store"], 0o755) == (report.exit, report.problems, mode)
    assert f"others can read your jobs in {stored.home}" == report.one("store")["found"]
    assert f"chmod 700 {stored.home}" == report.one("store")["hint"]


def test_a_file_that_would_be_readable_is_a_warning(stored: Nox) -> None:
    """
    The directory shuts it, and doctor says so.
    """
    (stored.home / FILE).chmod(0o644)
    report = examine_store(stored)

    assert "warning" == report.one("permissions")["verdict"]
    assert FILE in report.one("permissions")["found"]


@pytest.mark.parametrize("kept", [0, 5_000, 40_000])
def test_a_truncated_database_is_a_problem(stored: Nox, kept: int) -> None:
    """
    However much of the file is left, it is damaged, code 4, and left as it is.
    """
    path = stored.home / FILE
    os.truncate(path, kept)
    before = path.read_bytes()
    report = examine_store(stored)

    assert ExitCode.STORE == report.exit
    assert {"store", "integrity"} & set(report.problems)
    assert [] == [name for name in report.problems if "damaged" not in report.one(name)["found"]]
    assert before == path.read_bytes()


def test_a_page_of_rubbish_is_found(stored: Nox) -> None:
    """
    Damage inside the file that no list would meet is found by reading it through.
    """
    path = stored.home / FILE
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek((pages - 2) * 4096)
        file.write(b"\xff" * 4096)
    report = examine_store(stored)

    assert ExitCode.STORE == report.exit
    assert "integrity" in report.problems
    assert "damaged" in report.one("integrity")["found"]


def test_a_log_without_its_file_is_a_problem(stored: Nox) -> None:
    """
    A store whose file is gone while its log is there is damaged, not new.
    """
    (stored.home / FILE).rename(stored.home / f"{FILE}-wal")
    report = examine_store(stored)

    assert (ExitCode.STORE, ["store"]) == (report.exit, report.problems)
    assert "the file is gone" in report.one("store")["found"]


@pytest.mark.parametrize(
    ("version", "verdict", "code"),
    [
        (OLDEST - 1, "problem", ExitCode.STORE),
        (VERSION - 1, "warning", ExitCode.DONE),
        (VERSION + 1, "problem", ExitCode.STORE),
    ],
)
def test_a_store_of_another_age_is_told_and_left_alone(
    stored: Nox, version: int, verdict: str, code: ExitCode
) -> None:
    """
    An older one is not migrated by looking at it; a newer one, or one from before 0.1.0, cannot be used.
    """
    path = stored.home / FILE
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={version}")
    report = examine_store(stored)
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("PRAGMA user_version").fetchone()[0]

    assert (verdict, code, version) == (report.one("store")["verdict"], report.exit, found)
    assert f"version {version}, not {VERSION}" in report.one("store")["found"]


def test_artifacts_that_cannot_be_kept_are_a_problem(stored: Nox) -> None:
    """
    A file where the directory should be stops every worker: code 1.
    """
    (stored.cwd / "file").touch()
    report = examine_without_engines(stored, env={"NOX_ARTIFACTS": str(stored.cwd / "file")})

    assert "artifacts" in report.problems
    assert "cannot be written" in report.one("artifacts")["found"]


def test_the_size_of_artifacts_is_told(stored: Nox) -> None:
    """
    What lies there is added up.
    """
    folder = stored.home / "artifacts/0f"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(bytes(3 * 1024**2))

    (found,) = check_artifacts(stored.home / "artifacts")

    assert ": 3 MiB in it" in found.found


def test_a_busy_database_holds_nothing_up(stored: Nox) -> None:
    """
    Another process that writes does not keep doctor from reading.
    """
    with closing(sqlite3.connect(stored.home / FILE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        report = examine_store(stored)

    assert "ok" == report.one("integrity")["verdict"]
