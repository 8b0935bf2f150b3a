"""README and docs name every command, option, exit code and error code there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nox_cli.config import KEYS, VARIABLES
from nox_cli.exits import ExitCode
from nox_cli.tree import COMMANDS
from nox_cli.words import EVERYWHERE, all_words
from tests.contract.test_help import paths
from workers.engine.levels import LEVELS
from workers.errors import NoxError

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def words() -> set[str]:
    """Collect every word of the pages, as code is written in them."""
    return set(re.findall(r"[-\w@]+", "\n".join(page.read_text() for page in PAGES)))


def kinds(of: type[NoxError]) -> list[type[NoxError]]:
    """List every class of error."""
    return [kind for below in of.__subclasses__() for kind in (below, *kinds(below))]


def test_every_command_is_in_the_docs() -> None:
    """
    README or docs write `nox COMMAND` for each command.
    """
    text = "\n".join(page.read_text() for page in PAGES)

    assert [] == [name for name in COMMANDS if f"nox {name}" not in text]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_docs(name: str) -> None:
    """
    README or docs name each option of each command.
    """
    known = words()
    options = [
        option.names[0]
        for path, command in paths(all_words())
        for option in (*command.options, *EVERYWHERE)
        if path[0] == name
    ]

    assert [] == [option for option in options if option not in known]


def test_every_exit_code_is_in_the_docs() -> None:
    """
    README or docs have a table of every exit code.
    """
    text = "\n".join(page.read_text() for page in PAGES)

    assert [] == [
        int(code) for code in ExitCode if not re.search(rf"^\| *`?{int(code)}\b", text, re.MULTILINE)
    ]


def test_every_error_code_is_in_the_docs() -> None:
    """
    README or docs name each code that JSON output may hold.
    """
    codes = {kind.code for kind in kinds(NoxError)} | {"internal", "interrupted", "terminated"}

    assert set() == codes - words()


def test_every_variable_is_in_the_docs() -> None:
    """
    README or docs name each environment variable.
    """
    variables = {key.variable for key in KEYS} | {name for names in VARIABLES for name in names.split(", ")}

    assert set() == variables - words() - {""}


def test_the_levels_are_those_of_the_engines() -> None:
    """
    docs/chemistry.md has each level of optimisation with the thresholds it is driven to.
    """
    text = (ROOT / "docs" / "chemistry.md").read_text()

    assert [] == [
        row
        for level in LEVELS.values()
        if (row := f"| {level.name} | {level.energy_change:.0e} | {level.gradient_norm:.0e} |") not in text
    ]


def test_the_table_of_faults_is_true() -> None:
    """
    docs/reliability.md names every file of tests/faults, and no test that is not there.
    """
    table = [
        line for line in (ROOT / "docs/reliability.md").read_text().splitlines() if line.startswith("| ")
    ]
    named = set(re.findall(r"`((?:tests/\w+/)?test_\w+)`", "\n".join(table)))
    faults = {path.stem for path in (ROOT / "tests/faults").glob("test_*.py")}
    elsewhere = {name for name in named if "/" in name}

    assert faults == named - elsewhere
    assert [] == [name for name in elsewhere if not (ROOT / f"{name}.py").is_file()]
