"""The manual page: what it has, and that roff reads it; `make check` compares it with the help."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from nox_cli.commandline.registry import COMMANDS
from nox_cli.completion.words import all_words
from tests.contract.test_help import paths

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "man/nox.1"


def shown() -> str:
    """Read the page as plain text; a warning of groff is an error."""
    ended = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=200n", str(PAGE)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "" == ended.stderr
    return ended.stdout


def test_manual_has_every_command_and_option() -> None:
    """
    The page has a heading for each command, and each of its options; groff has no warning.
    """
    text = shown()

    assert [] == [name for name in COMMANDS if f"\n   nox {name}\n" not in text]
    assert [] == [
        (path, name)
        for path, words in paths(all_words())
        for option in words.options
        for name in option.names
        if name not in text
    ]


def test_manual_shows_quotes_and_dashes_as_they_are() -> None:
    """
    A command line of the page can be copied: roff has changed none of its characters.
    """
    assert 'eval "$(nox completion bash)"' in shown()
    assert "nox list @failed --since 2d" in shown()
    lines = (line for line in PAGE.read_text().splitlines() if not line.startswith(".TH"))
    assert [] == [line for line in lines if re.search(r"(?<!\\)-", line)], (
        "some man pages show it as a hyphen"
    )


def test_manual_is_in_the_wheel() -> None:
    """
    An installation has it where man looks for the pages of a program on the PATH.
    """
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = build["targets"]["wheel"]["shared-data"]

    assert {str(PAGE.relative_to(ROOT)): "share/man/man1/nox.1"} == shared
