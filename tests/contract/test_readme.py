"""The console sessions of the README and of the first job's page are run, line by line, in a real shell."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.nox import Nox

ROOT = Path(__file__).parents[2]
# What may differ from one run to the next, by kind; all other text must be the same.
VARYING = re.compile(
    r"(?P<store>(?<=store: )/\S+/nox\.sqlite3)"
    r"|(?P<batch>(?<=examples-)[0-9a-f]{4}\b)"
    r"|(?P<slots>\b\d+ slots?(?= started here))"
    r"|(?P<engine>\b(?:xtb|tblite) \d+(?:\.\d+)+)"
    r"|(?P<duration>\b\d+(?:\.\d)? (?:ms|s)\b)"
    r"|(?P<gradient>\b\d\.\de-\d\d\b)"
    r"|(?P<steps>(?<=e-\d\d )\d{1,2}\b)"
    r"|(?P<energy>-\d+\.\d{8,10}\b)"
    r"|(?P<property>\b\d+\.\d{3}\b)"
)
# How far numbers of a kind may be from those shown: engines stop at different points of a flat minimum.
TOLERANCE = {"energy": 1e-5, "property": 0.02}
LARGEST_GRADIENT = 1e-3  # of level normal


def session(page: str) -> list[str]:
    """Collect the lines of a page's ```console blocks, which are one session."""
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return "".join(blocks).splitlines()


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


def parts(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Split a text into what must be the same and what may differ, with its kind; blanks are alike."""
    text = re.sub(r" +", " ", re.sub(r" +$", "", text, flags=re.MULTILINE))
    found = [(str(match.lastgroup), match[0]) for match in VARYING.finditer(text)]
    return VARYING.sub("\0", text).split("\0"), found


def is_near(kind: str, shown: str, printed: str) -> bool:
    """Whether a run may print one text where the README shows another of the same kind."""
    if kind == "gradient":
        return float(printed) <= LARGEST_GRADIENT
    if kind in TOLERANCE:
        decimals = [len(text.partition(".")[2]) for text in (shown, printed)]
        return decimals[0] == decimals[1] and abs(float(shown) - float(printed)) <= TOLERANCE[kind]
    return True


def differences(shown: str, printed: str) -> list[str]:
    """List where a run differs from the README by more than it may."""
    (same, varying), (printed_same, printed_varying) = parts(shown), parts(printed)
    kinds, printed_kinds = ([kind for kind, _ in each] for each in (varying, printed_varying))
    if same != printed_same or kinds != printed_kinds:
        return [*unified_diff(shown.splitlines(), printed.splitlines(), "shown", "printed", lineterm="")]
    pairs = zip(varying, printed_varying, strict=True)
    return [
        f"{kind}: {here} is shown, {there} was printed"
        for (kind, here), (_, there) in pairs
        if not is_near(kind, here, there)
    ]


def on_a_terminal(command: str, environ: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run a command line in bash on a terminal of 80 columns; its exit code and what a person reads."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 80))
    with subprocess.Popen(
        ["bash", "-c", command],
        env=environ | {"TERM": "xterm", "NO_COLOR": "1"},
        cwd=cwd,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as shell:
        os.close(terminal)
        printed = b"".join(iter(lambda: read_or_end(controller), b""))
    os.close(controller)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode()).replace("\r", "")
    return shell.returncode, text.rstrip("\n")


def read_or_end(controller: int) -> bytes:
    """Read from a terminal; nothing once its last process has closed it."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize("page", ["README.md", "docs/first-job.md"])
def test_a_session_of_the_documentation_runs_as_shown(page: str, nox: Nox, tmp_path: Path) -> None:
    """
    A newcomer who types what a page shows sees what it shows.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environ = nox.environ | {"PATH": f"{Path(sys.executable).parent}:{nox.environ['PATH']}"}
    for command, shown in steps(session(page)):
        code, printed = on_a_terminal(command, environ, tmp_path)

        assert 0 == code, printed
        assert [] == differences(shown.rstrip("\n"), printed), (command, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1 water 0 0 -5.07054445", "1 water 0 0 -5.07052445"),
        ("1 water 0 0 -5.07054445", "1 water 0 0 -5.0705444"),
        ("1 water 14.390 2.217 4.9e-06 4", "1 water 14.390 2.217 4.9e-03 4"),
        ("1 water 14.390 2.217", "1 water 14.311 2.217"),
        ("6 done after 3.3 s", "5 done after 3.3 s"),
        ("2 slots started here", "2 slots started there"),
        ("job 1, store: /a/nox.sqlite3", "job 1, store: redis://127.0.0.1"),
        ("one line", "one line\nand one more"),
    ],
)
def test_a_readme_that_shows_something_else_is_noticed(shown: str, printed: str) -> None:
    """
    A number beyond its tolerance, another count, another word or one more line is a difference.
    """
    assert [] != differences(shown, printed)
    assert [] == differences(shown, shown)
