"""Where the xtb program is, which version, and what it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.programs import write_program
from workers.engine.program import discovery
from workers.engine.program.process import ProgramOutput

if TYPE_CHECKING:
    from pathlib import Path

BANNER = "   * xtb version {} (unknown) compiled by 'somebody' on 2025-03-30"


def script(folder: Path, *lines: str) -> Path:
    """Put a program called xtb into a folder."""
    return write_program(folder / "xtb", "\n".join(["#!/bin/sh", *lines]) + "\n")


@pytest.fixture(autouse=True)
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an empty PATH but for one folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("XTBPATH", raising=False)


def test_discovery_without_a_program_there_is_none() -> None:
    """
    An empty PATH has none.
    """
    assert discovery.find() is None


def test_a_program_tells_its_version(tmp_path: Path) -> None:
    """
    The version is in its banner; another program put in its place is asked anew.
    """
    path = script(tmp_path, f'echo "{BANNER.format("6.7.1")}"')
    first = discovery.find()
    script(tmp_path, f'echo "{BANNER.format("6.4.1-dirty")}"')
    second = discovery.find()

    assert discovery.Program(str(path), "6.7.1") == first
    assert second is not None
    assert "6.4.1" == second.version


@pytest.mark.parametrize("line", ["exit 1", "echo something else", "kill -SEGV $$"])
def test_discovery_what_does_not_tell_its_version_is_not_used(tmp_path: Path, line: str) -> None:
    """
    A program of that name that is another has no version.
    """
    script(tmp_path, line)
    found = discovery.find()

    assert found is not None
    assert "" == found.version


def test_parameters_lie_where_it_was_said_or_beside_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    `XTBPATH` comes before the share directory that belongs to the program; else there are none.
    """
    folder, named = tmp_path / "bin", tmp_path / "named"
    beside = tmp_path / "share" / "xtb"
    for one in (folder, named, beside):
        one.mkdir(parents=True)
    found = discovery.Program(str(script(folder)), "6.7.1")
    assert found.parameters() is None

    (beside / discovery.GFN0_PARAMETERS).touch()
    assert str(beside) == found.parameters()

    (named / discovery.GFN0_PARAMETERS).touch()
    monkeypatch.setenv("XTBPATH", f"/nowhere:{named}")
    assert str(named) == found.parameters()


def test_discovery_sees_no_secret_and_no_settings_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its home and where it looks for parameters is the job's folder, and no address of a store is handed on.
    """
    monkeypatch.setenv("REDIS_URL", "redis://:swordfish@localhost")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    seen = discovery.environment(tmp_path)

    assert not any("swordfish" in value or "/home/somebody" in value for value in seen.values())
    assert (str(tmp_path), str(tmp_path), "3") == (seen["HOME"], seen["XTBPATH"], seen["OMP_NUM_THREADS"])
    assert "/parameters" == discovery.environment(tmp_path, "/parameters")["XTBPATH"]


def test_discovery_what_is_said_is_told_apart() -> None:
    """
    Notes under an error, under a misunderstanding and under a mere warning are three things.
    """
    said = ProgramOutput()
    for line in (
        "########",
        "[WARNING] Please study the warnings concerning your input carefully",
        "-1- set_constr: the key 'baz' is not recognized by constrain",
        "########",
        "         :: add. restraining           0.005120546670 Eh    ::",
        "[WARNING] Runtime exception occurred",
        "-1- gfnff_setup: Could not read topology file.",
        "########",
        "[ERROR] Program stopped due to fatal error",
        "-1- scf: Self consistent charge iterator did not converge",
        "########",
        "abnormal termination of xtb",
    ):
        said.hear(line)

    assert ["set_constr: the key 'baz' is not recognized by constrain"] == said.misunderstood
    assert ["scf: Self consistent charge iterator did not converge"] == said.errors
    assert 0.00512054667 == said.restraint_hartree
    assert not said.is_terminated
