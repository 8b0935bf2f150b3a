"""README and docs name every command, option, exit code and error code there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from msgspec import Struct

from nox_cli.commandline.registry import COMMANDS
from nox_cli.completion.words import EVERYWHERE, all_words
from nox_cli.config.settings import KEYS, VARIABLES
from nox_cli.exits import ExitCode, exit_code
from tests.contract.test_help import paths
from workers.engine.levels import LEVELS
from workers.errors import NoxError
from workers.result import ChemistryResult

ROOT = Path(__file__).parents[2]
ERROR_COLUMNS = ["code", "exit", "what happened", "what to do"]
OTHER_ERRORS = {("internal", 70), ("interrupted", 130), ("terminated", 143)}
PAGES = [ROOT / "README.md", ROOT / "tests/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def words() -> set[str]:
    """Collect every word of the pages, as code is written in them."""
    return set(re.findall(r"[-\w@]+", "\n".join(page.read_text() for page in PAGES)))


def kinds(of: type[NoxError]) -> list[type[NoxError]]:
    """List every class of error."""
    return [kind for below in of.__subclasses__() for kind in (below, *kinds(below))]


def tables(page: Path) -> list[list[list[str]]]:
    """Split the tables of a page into rows of cells; lines that follow one another are one table."""
    found: list[list[list[str]]] = [[]]
    for line in re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE).splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found[-1].append([cell.strip() for cell in cells])
        elif found[-1]:
            found.append([])
    return [rows for rows in found if rows]


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


def test_every_error_code_is_in_one_table() -> None:
    """
    One table of docs/troubleshooting.md has every code that JSON output may hold once, with its exit code.
    """
    (table,) = [rows for rows in tables(ROOT / "docs/troubleshooting.md") if rows[0] == ERROR_COLUMNS]
    found = [
        (code.strip("` "), int(number))
        for codes, numbers, *_ in table[2:]
        for code, number in zip(codes.split(", "), numbers.split(", "), strict=True)
    ]
    of_classes = {(kind.code, int(exit_code(kind.__new__(kind)))) for kind in kinds(NoxError)}

    assert sorted(of_classes | OTHER_ERRORS) == sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_is_well_formed(page: Path) -> None:
    """
    Each table has a header, a line of dashes, and as many cells in every row as its header.
    """
    for rows in tables(page):
        assert {"---"} == {cell.strip(":") for cell in rows[1]}, rows[0]
        assert {len(rows[0])} == {len(row) for row in rows}, rows[0]


def test_every_command_has_its_section() -> None:
    """
    docs/commands.md has a section for each command, in the order of the app's own list.
    """
    sections = re.findall(r"^##+ nox (.+)$", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)

    assert [" ".join(path) for path, _ in paths(all_words())] == sections
    assert list(COMMANDS) == [section for section in sections if " " not in section]


def test_options_of_submit_and_run_are_listed_once() -> None:
    """
    docs/commands.md describes each option that submit and run share once; only their output options twice.
    """
    text = (ROOT / "docs/commands.md").read_text()
    page = text[text.index("## nox submit") : text.index("## nox watch")]
    options = {option for path, one in paths(all_words()) if path[0] == "submit" for option in one.options}
    described = [option.names[0] for option in options - set(EVERYWHERE) if option.help]
    lines = re.findall(r"^  (?:-\w, )?(--[-\w]+)", page, re.MULTILINE)

    assert {"--quiet", "--json", "--help"} == {name for name in described if lines.count(name) > 1}
    assert [] == [name for name in described if name not in lines]


def test_every_variable_is_in_the_docs() -> None:
    """
    README or docs name each environment variable.
    """
    variables = {key.variable for key in KEYS} | {name for names in VARIABLES for name in names.split(", ")}

    assert set() == variables - words() - {""}


def test_the_levels_are_those_of_the_engines() -> None:
    """
    docs/methods.md has each level of optimisation with its thresholds.
    """
    text = (ROOT / "docs" / "methods.md").read_text()

    assert [] == [
        row
        for level in LEVELS.values()
        if (row := f"| {level.name} | {level.energy_change:.0e} | {level.gradient_norm:.0e} |") not in text
    ]


def test_the_table_of_faults_is_true() -> None:
    """
    tests/README.md names every file of tests/faults, and no test that is not there.
    """
    table = [line for line in (ROOT / "tests/README.md").read_text().splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`((?:tests/(?:\w+/)+)?test_\w+)`", "\n".join(table)))
    faults = {path.stem for path in (ROOT / "tests/faults").glob("test_*.py")}
    elsewhere = {name for name in named if "/" in name}

    assert faults == named - elsewhere
    assert [] == [name for name in elsewhere if not (ROOT / f"{name}.py").is_file()]


def test_every_command_line_of_the_docs_is_possible() -> None:
    """
    Each `nox COMMAND --option` that a page shows is a command with that option.
    """
    options: dict[str, set[str]] = {}
    for path, command in paths(all_words()):
        names = {name for option in (*command.options, *EVERYWHERE) for name in option.names}
        options.setdefault(path[0], {"--help"}).update(names)
    shown = re.findall(
        rf"\bnox ({'|'.join(COMMANDS)})\b((?: [^`|;&\n]+)?)", "\n".join(page.read_text() for page in PAGES)
    )
    used = [(name, option) for name, rest in shown for option in re.findall(r" (--[a-z][-a-z]+)", rest)]

    assert len(used) > 50
    assert [] == [(name, option) for name, option in used if option not in options[name]]


def properties(record: type[Struct], prefix: str = "") -> list[str]:
    """List the fields of a result with those of the records in it, as docs/properties.md names them."""
    found = []
    for name, hint in get_type_hints(record).items():
        found.append(prefix + name)
        for part in (hint, *get_args(hint)):
            if name != "beta_orbitals" and isinstance(part, type) and issubclass(part, Struct):
                found += properties(part, f"{prefix}{name}.")
    return found


def test_every_property_of_a_result_is_in_the_docs() -> None:
    """
    docs/properties.md names each property of a result once, and a unit for each name that ends with one.
    """
    rows = [row for table in tables(ROOT / "docs/properties.md") for row in table[2:]]
    names = [(name, row[2]) for row in rows for name in re.findall(r"`([\w.]+)`", row[0])]
    with_unit = re.compile(r"_(hartree|ev|debye|e|angstrom2?|cm1|k|pa|bohr|u|s|bytes|mol)$")

    assert sorted(properties(ChemistryResult)) == sorted(name for name, _ in names)
    assert [] == [name for name, unit in names if with_unit.search(name) and not unit]


def described() -> set[str]:
    """List the files and folders that CONTRIBUTING.md describes, by their paths."""
    found, root = set(), ""
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        if entry := re.fullmatch(r"    (  )?([\w./]+?/?)(?:  +.*)?", line):
            root = root if entry[1] else entry[2]
            found.add(root + entry[2] if entry[1] else root)
    return found


def test_contributing_describes_every_folder() -> None:
    """
    CONTRIBUTING.md has a line for each folder of modules, and for none that is not there.
    """
    folders = {
        f"{path.parent.relative_to(ROOT)}/"
        for top in ("nox_cli", "workers")
        for path in (ROOT / top).rglob("*.py")
    }
    folders |= {f"tests/{path.name}/" for path in (ROOT / "tests").iterdir() if path.is_dir()}
    folders -= {folder for folder in folders if "__" in folder}

    assert set() == folders - described()
    assert [] == [name for name in described() if not (ROOT / name).exists()]
