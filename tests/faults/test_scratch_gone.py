"""A worker lives for weeks, its scratch folder in a directory that others tidy or fill meanwhile."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.standin.engine import GO, HELD, HELD_AT
from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker

WATER = str(EXAMPLES / "water.xyz")
LIMIT_S = 60.0


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The directory for temporary files of this test's workers."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


def start(nox: Nox, temporary: Path) -> tuple[Worker, Path]:
    """Start a worker; it, and the base of its scratch folder."""
    worker = nox.worker("--slots", "1", env={"TMPDIR": str(temporary)})
    worker.wait_log("1 slot")
    wait_until(lambda: list(temporary.glob("nox-*/*.lock")), LIMIT_S, "a scratch folder")
    (base,) = temporary.glob("nox-*")
    return worker, base


@pytest.mark.parametrize("what", ["*", "*.lock", "*[!k]"])
def test_a_scratch_folder_that_was_tidied_away_is_made_again(nox: Nox, temporary: Path, what: str) -> None:
    """
    Without the folder, the lock file beside it, or all there was, the next job is run as ever, and the
    worker leaves nothing when it ends.
    """
    worker, base = start(nox, temporary)
    for path in base.glob(what):
        path.unlink() if path.is_file() else path.rmdir()
    if what == "*":
        base.rmdir()
    (job_id,) = nox.submit(WATER, "--no-start")
    nox.wait(job_id, "completed")
    assert 1 == len(list(base.glob("*.lock")))
    worker.kill(signal.SIGTERM)

    assert 0 == worker.wait()
    assert not list(base.iterdir())


@pytest.mark.parametrize("what", ["*/*", "*"])
def test_a_job_whose_scratch_folder_is_removed_begins_again(
    nox: Nox, temporary: Path, tmp_path: Path, what: str
) -> None:
    """
    What tidies temporary files while a job runs does not make it fail: it is computed again, once.
    """
    file = tmp_path / f"{HELD}-aspirin.xyz"
    shutil.copy(EXAMPLES / "aspirin.xyz", file)
    (job_id,) = nox.submit(str(file), "--opt", "--no-start")
    worker = nox.worker("--slots", "1", env={"TMPDIR": str(temporary)}, standin=True)
    wait_until(lambda: nox.job(job_id).progress.step == HELD_AT, LIMIT_S, lambda: worker.log)
    (base,) = temporary.glob("nox-*")
    for path in list(base.glob(what)):
        shutil.rmtree(path, ignore_errors=True)
    (tmp_path / GO).touch()
    nox.wait(job_id, "completed")

    assert 1 == worker.log.count("the engine's scratch folder was removed, starting again")
    assert (1, 0) == (nox.job(job_id).attempt, nox.job(job_id).losses)


def test_jobs_wait_for_a_scratch_folder(nox: Nox, temporary: Path) -> None:
    """
    While there can be none, a job neither fails nor takes the next along: it waits, hears of a cancel, and is
    run as soon as there is room.
    """
    worker, base = start(nox, temporary)
    shutil.rmtree(base)
    base.touch()
    first, second = nox.submit(WATER, WATER, "--no-start")
    worker.wait_log("the job waits for that")
    nox("cancel", first, "--yes", check=True)
    nox.wait(first, "cancelled")
    wait_until(lambda: worker.log.count("the job waits for that") == 2, LIMIT_S, lambda: worker.log)
    base.unlink()
    nox.wait(second, "completed")

    assert 1 == nox.job(second).attempt


def test_a_worker_that_ends_gives_back_what_waits_for_a_scratch_folder(nox: Nox, temporary: Path) -> None:
    """
    The job is queued again, uncounted, as when it had begun.
    """
    worker, base = start(nox, temporary)
    shutil.rmtree(base)
    base.touch()
    (job_id,) = nox.submit(WATER, "--no-start")
    worker.wait_log("the job waits for that")
    worker.kill(signal.SIGTERM)

    assert 0 == worker.wait()
    assert ("queued", 0) == (nox.job(job_id).state, nox.job(job_id).losses)
