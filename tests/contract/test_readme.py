"""The README's console session is run, line by line, in a real shell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.nox import Nox

ROOT = Path(__file__).parents[2]
# `...` in the README stands for whatever a run prints there: times, ids, hosts.
ELLIPSIS = "..."


def sessions() -> Iterator[list[str]]:
    """Every ```console block of the README, as lines."""
    text = (ROOT / "README.md").read_text()
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield block.splitlines()


def steps(lines: list[str]) -> list[tuple[str, str]]:
    """Pair each `$ command` with what the README shows after it."""
    found: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, shown = found[-1]
            found[-1] = (command, f"{shown}{line.rstrip()}\n")
    return found


def pattern(shown: str) -> str:
    """A regular expression for what the README shows; runs of blanks are alike."""
    lines = (
        ".*".join(re.escape(part) for part in re.split(r"\s*\.\.\.\s*", line)).replace(r"\ ", " ")
        for line in shown.splitlines()
    )
    return "\n".join(re.sub(" +", " +", line) for line in lines)


@pytest.mark.parametrize("lines", sessions())
def test_the_console_session_of_the_readme_runs_as_shown(lines: list[str], nox: Nox, tmp_path: Path) -> None:
    """
    A newcomer who types what the README shows sees what it shows.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    path = f"{Path(sys.executable).parent}:{nox.environ['PATH']}"
    for command, shown in steps(lines):
        ended = subprocess.run(
            ["bash", "-c", command],
            env=nox.environ | {"PATH": path, "COLUMNS": "80"},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )

        assert 0 == ended.returncode, ended.stdout
        assert re.fullmatch(pattern(shown), ended.stdout.rstrip("\n")), (command, shown, ended.stdout)
