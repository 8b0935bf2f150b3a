"""The disk of the scratch folders fills up while engines write there, and is relieved, or never is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES
from tests.support.programs import write_program
from tests.support.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox, Worker

WATER = str(EXAMPLES / "water.xyz")
WAITS = "starting again once there is"
# An xtb that needs more room than there is, and says that all went well.
GREEDY = """#!/bin/sh
case "$*" in *--version*) echo "* xtb version 6.7.1 (x)"; exit 0;; esac
cat /dev/zero > start.engrad 2> /dev/null
echo normal termination of xtb
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with little room."""
    with small_disk(tmp_path / "disk", "1m") as mounted:
        yield mounted


def start(nox: Nox, disk: SmallDisk, **environment: str) -> Worker:
    """Start a worker with its scratch folder on the disk."""
    worker = nox.worker("--slots", "1", env={"TMPDIR": str(disk.root)} | environment)
    worker.wait_log("1 slot")
    return worker


def test_a_job_whose_disk_was_full_starts_again(nox: Nox, disk: SmallDisk) -> None:
    """
    An engine that found no room for its files does not make its job fail, nor the next: the job waits, hears
    of a cancel, and is computed in the same attempt once there is room.
    """
    worker = start(nox, disk)
    disk.fill()
    first, second = nox.submit(WATER, WATER, "--opt", "--no-start")
    worker.wait_log(WAITS)
    nox("cancel", first, "--yes", check=True)
    nox.wait(first, "cancelled")
    worker.wait_log(f"job={second}")
    disk.free()
    nox.wait(second, "completed")

    assert 1 == nox.job(second).attempt


def test_a_job_that_never_finds_room_fails(nox: Nox, disk: SmallDisk, tmp_path: Path) -> None:
    """
    Where a program itself takes all the room there is, and leaves files cut short, it is tried three times;
    the job fails with what was the matter, and the disk is as empty as before.
    """
    program = write_program(tmp_path / "bin" / "xtb", GREEDY)
    path = f"{program.parent}:{os.environ['PATH']}"
    worker = start(nox, disk, PATH=path)
    (job_id,) = nox.submit(WATER, "--engine", "xtb-cli", "--no-start", env={"PATH": path})
    nox.wait(job_id, "failed")

    assert 2 == worker.log.count(WAITS)
    assert "no room for the engine's files" in nox("status", job_id).stdout
    assert not [path for path in disk.root.rglob("*") if path.is_file() and path.suffix != ".lock"]
