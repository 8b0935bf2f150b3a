"""Commands that take long: a line on a terminal counts meanwhile, and nothing is left of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import complete, water
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

MANY = 300
LINE = "inputs read: "
# Run by Python at its start: the line shows at once, and at each step.
AT_ONCE = """
from nox_cli import progress
progress._FIRST_S = progress._EVERY_S = 0.0
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A list of many input files, which one file stands for."""
    water = tmp_path / "water.xyz"
    water.write_text("3\nwater\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n")
    listed = tmp_path / "list"
    listed.write_text(f"{water}\n" * MANY)
    return listed


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str | None]:
    """An environment where long work is seen however fast the machine is."""
    folder = tmp_path / "start"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(AT_ONCE)
    return {"PYTHONPATH": str(folder)}


def test_a_long_submit_counts_on_a_terminal(nox: Nox, files: Path, env: dict[str, str | None]) -> None:
    """
    Inputs are counted on a narrow terminal, too; the line is gone when the output begins.
    """
    with Terminal(nox, "submit", "--files-from", str(files), "--dry-run", columns=40, env=env) as terminal:
        assert 0 == terminal.end()

    counts = re.findall(rf"\r{LINE}(\d+) of 300", terminal.text)
    assert list(map(str, range(MANY))) == counts
    assert re.search(r"\r +\r300 jobs", terminal.text)


def test_ctrl_c_removes_the_count(nox: Nox, files: Path, env: dict[str, str | None]) -> None:
    """
    The message of an interrupt begins on an empty line.
    """
    with files.open("a") as listed:
        listed.write("-\n")  # stdin, which the command waits for
    with Terminal(nox, "submit", "--files-from", str(files), "--dry-run", env=env) as terminal:
        terminal.wait_for(f"{LINE}299 of 301")
        terminal.write("\x03")
        assert 130 == terminal.end()

    assert re.search(r"\r +\rinterrupted; nothing was submitted", terminal.text)


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_programs_see_no_count(nox: Nox, files: Path, env: dict[str, str | None], option: str) -> None:
    """
    Nothing is counted with -q and --json, on a terminal that cannot go back in a line, and in a pipe.
    """
    words = ("submit", "--files-from", str(files), "--dry-run")
    with Terminal(nox, *words, option, env=env) as terminal:
        assert 0 == terminal.end()
    with Terminal(nox, *words, env=env | {"TERM": "dumb"}) as dumb:
        assert 0 == dumb.end()
    piped = nox(*words, env=env, check=True)

    assert LINE not in terminal.text + dumb.text + piped.stderr


@pytest.mark.parametrize(
    "words", [("cancel", "1-3", "--yes"), ("clean", "1-3", "--dry-run"), ("fetch", "1-3")]
)
def test_the_search_for_named_jobs_counts(
    nox: Nox, store: Store, env: dict[str, str | None], words: tuple[str, ...]
) -> None:
    """
    Finding the jobs of a large batch takes seconds before anything is done with them.
    """
    for name in "abc":
        complete(store, water(name))
    with Terminal(nox, *words, env=env) as terminal:
        assert 0 == terminal.end()

    assert "\rjobs looked up: 2" in terminal.text
