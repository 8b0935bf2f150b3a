"""Commands that take long: a line on a terminal counts meanwhile, and nothing is left of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

MANY = 3_000
LINE = "inputs read: "


@pytest.fixture
def files(tmp_path: Path) -> str:
    """A list of very many input files, which one file stands for."""
    water = tmp_path / "water.xyz"
    water.write_text("3\nwater\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n")
    listed = tmp_path / "list"
    listed.write_text(f"{water}\n" * MANY)
    return str(listed)


def test_a_long_submit_counts_on_a_terminal(nox: Nox, files: str) -> None:
    """
    Inputs are counted on a narrow terminal, too; the line is gone when the output begins.
    """
    with Terminal(nox, "submit", "--files-from", files, "--dry-run", columns=40) as terminal:
        assert 0 == terminal.end()

    counts = re.findall(rf"\r{LINE}([\d,]+) of 3,000", terminal.text)
    assert counts == sorted(counts, key=lambda count: int(count.replace(",", "")))
    assert counts
    assert re.search(r"\r +\r3,000 jobs", terminal.text)


def test_ctrl_c_removes_the_count(nox: Nox, files: str) -> None:
    """
    The message of an interrupt begins on an empty line.
    """
    with Terminal(nox, "submit", "--files-from", files, "--dry-run") as terminal:
        terminal.wait_for(LINE)
        terminal.write("\x03")
        assert 130 == terminal.end()

    assert re.search(r"\r +\rinterrupted; nothing was submitted", terminal.text)


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_programs_see_no_count(nox: Nox, files: str, option: str) -> None:
    """
    Nothing is counted with -q and --json, on a terminal that cannot go back in a line, and in a pipe.
    """
    words = ("submit", "--files-from", files, "--dry-run")
    with Terminal(nox, *words, option) as terminal:
        assert 0 == terminal.end()
    with Terminal(nox, *words, env={"TERM": "dumb"}) as dumb:
        assert 0 == dumb.end()
    piped = nox(*words, check=True)

    assert LINE not in terminal.text + dumb.text + piped.stderr
