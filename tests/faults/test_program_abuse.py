"""Programs called xtb that misbehave: each ends in a clear verdict, and nothing of it is left."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.standin import molecules
from tests.standin.keepers import calculation
from tests.support.engines import PROGRAM, Engine
from tests.support.processes import is_alive
from tests.support.programs import write_program
from tests.support.waiting import wait_until
from workers.job import Reason
from workers.keeper.keeper import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 'case "$*" in *--version*) echo "* xtb version 6.7.1 (x)"; exit 0;; esac'
ENDED = "echo normal termination of xtb"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine, with a PATH that a program may be put into."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "bin").mkdir()
    for tool in ("cp", "sleep", "yes"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    engine = Engine(PROGRAM, tmp_path / "scratch")
    yield engine
    engine.driver.keeper.close()


def put(tmp_path: Path, *lines: str) -> None:
    """Put a program called xtb into the folder."""
    write_program(tmp_path / "bin" / "xtb", "\n".join(["#!/bin/sh", VERSION, *lines]) + "\n")


@pytest.mark.parametrize(
    ("lines", "reason", "says"),
    [
        (["kill -SEGV $$"], Reason.CRASHED, "engine crashed: SIGSEGV"),
        (["echo oops >&2", "exit 3"], Reason.CRASHED, "engine ended without a result (exit code 3)"),
        (["exit 0"], Reason.CRASHED, "engine ended without a result"),
        (["echo abnormal termination of xtb"], Reason.CRASHED, "engine ended without a result"),
        ([ENDED], Reason.CRASHED, "left no energy and gradient that can be read"),
        (["echo bad > start.engrad", ENDED], Reason.CRASHED, "left no energy and gradient"),
        ([": > .sccnotconverged", ENDED], Reason.SCF, "iterations did not converge"),
        (["echo Error allocating 12 bytes", "exit 1"], Reason.MEMORY, "out of memory (limit 2.0 GiB"),
        (
            ["echo ' no basis found for atom           1  Z=           92'", "exit 1"],
            Reason.INPUT,
            "refuses the structure: no basis found",
        ),
    ],
)
def test_program_abuse_each_end_has_its_verdict(
    engine: Engine, tmp_path: Path, lines: list[str], reason: Reason, says: str
) -> None:
    """
    What a program leaves and says decides, not its exit code.
    """
    put(tmp_path, *lines)
    failure = engine.run(molecules.WATER).failure

    assert failure is not None
    assert (reason, True) == (failure.reason, says in failure.message), failure


def gradient(tmp_path: Path, energy: str) -> str:
    """Write what the program leaves of water's energy and gradient, and a line that puts it there."""
    lines = ["# number of atoms", "3", "# energy", energy, "# gradient", *["0.0"] * 9]
    (tmp_path / "engrad").write_text("\n".join(lines) + "\n")
    return f'cp {tmp_path}/engrad "${{1%.xyz}}.engrad"'


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_are_no_result(engine: Engine, tmp_path: Path, number: str) -> None:
    """
    An energy that is not finite fails the job.
    """
    put(tmp_path, gradient(tmp_path, number), ENDED)
    failure = engine.run(molecules.WATER).failure

    assert failure is not None
    assert (Reason.CRASHED, "the result is not finite: the engine's energy") == (
        failure.reason,
        failure.message,
    )


def test_a_program_that_hangs_is_ended_with_all_it_started(engine: Engine, tmp_path: Path) -> None:
    """
    The time limit ends the program and what it has started.
    """
    put(tmp_path, f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    spec = calculation(*molecules.WATER, engine=PROGRAM)
    failure = engine.driver.run(spec, limits=Limits(memory_bytes=2 * 1024**3, time_s=5)).failure

    assert failure is not None
    assert Reason.TIMEOUT == failure.reason
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_alive(child), 30, "the program's child has ended")


def test_a_program_that_does_not_stop_writing_is_held_to_its_limit(engine: Engine, tmp_path: Path) -> None:
    """
    A file beyond the limit ends the program, and the job fails for it.
    """
    put(tmp_path, "yes > large")
    spec = calculation(*molecules.WATER, engine=PROGRAM)
    limits = Limits(memory_bytes=2 * 1024**3, time_s=60, file_bytes=1024**2)
    failure = engine.driver.run(spec, limits=limits).failure

    assert failure is not None
    assert Reason.CRASHED == failure.reason


def test_program_abuse_without_a_program_the_engine_is_missing(engine: Engine) -> None:
    """
    A program that went away since the job was claimed is told, and what to do.
    """
    failure = engine.run(molecules.WATER).failure

    assert failure is not None
    assert "no xtb program is on PATH here" == failure.message
    assert "install xtb" in failure.hint


def test_an_optimisation_that_says_nothing_is_no_success(engine: Engine, tmp_path: Path) -> None:
    """
    `.xtboptok` alone does not make an optimisation converged.
    """
    leave = ': > .xtboptok; echo 0 0 0 > gfnff_charges; cp "$1" xtbopt.xyz'
    put(tmp_path, gradient(tmp_path, "-1.0"), leave, ENDED)
    failure = engine.run(molecules.WATER, "opt", method="gfnff").failure

    assert failure is not None
    assert (Reason.CRASHED, "the xtb program does not say how the optimisation went") == (
        failure.reason,
        failure.message,
    )
