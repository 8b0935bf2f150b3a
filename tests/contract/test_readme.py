"""The README's console session is run, line by line, in a real shell."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import termios
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
    """A regular expression for what the README shows; runs of blanks are alike, `...` is anything."""
    lines = []
    for line in shown.splitlines():
        parts = [" +".join(map(re.escape, re.split(" +", part))) for part in re.split(r" *\.\.\. *", line)]
        lines.append("(?s:.*)" if line == ELLIPSIS else ".*".join(parts))
    return "\n".join(lines)


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


@pytest.mark.parametrize("lines", list(sessions()))
def test_the_console_session_of_the_readme_runs_as_shown(lines: list[str], nox: Nox, tmp_path: Path) -> None:
    """
    A newcomer who types what the README shows sees what it shows.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environ = nox.environ | {"PATH": f"{Path(sys.executable).parent}:{nox.environ['PATH']}"}
    for command, shown in steps(lines):
        code, printed = on_a_terminal(command, environ, tmp_path)

        assert 0 == code, printed
        assert re.fullmatch(pattern(shown.rstrip("\n")), printed), (command, shown, printed)
