"""Draw a picture of a real session with nox: `python docs/pictures/session.py`.

It runs the commands below on a terminal, in a home of their own, and writes what they print, with its
colours, to session.svg next to this file.  `nox` must be on PATH.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import tempfile
import termios
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = Path(__file__).with_suffix(".svg")
COLUMNS, LINES = 84, 40
COMMANDS = (
    "nox submit examples/*.xyz --ohess --alpb water --batch first",
    "nox watch @batch:first",
    "nox results @batch:first",
    "nox fetch @batch:first -d optimised",
)
# The home of this run is shown as that of a user.
SHOWN_HOME = "/home/ada"
# Colours whose names differ.
_COLOURS = {"default": None, "brown": "yellow"}
# The picture names no font that a browser would fetch.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def printed(command: str, cwd: Path, environ: dict[str, str]) -> Text:
    """Run a command line on a terminal; return what the terminal shows at its end, with colours."""
    screen = pyte.Screen(COLUMNS, LINES)
    emulator = pyte.ByteStream(screen)
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (LINES, COLUMNS))
    with subprocess.Popen(
        ["bash", "-c", command], env=environ, cwd=cwd, stdin=terminal, stdout=terminal, stderr=terminal
    ) as shell:
        os.close(terminal)
        while chunk := _read(controller):
            emulator.feed(chunk)
    os.close(controller)
    if shell.returncode:
        raise SystemExit(f"{command} ended with {shell.returncode}: {screen.display}")
    shown = Text()
    for y in range(screen.cursor.y):
        cells = [screen.buffer[y][x] for x in range(COLUMNS)]
        for style, run in groupby(cells, lambda cell: Style(color=_colour(cell.fg), bold=cell.bold)):
            shown.append("".join(cell.data for cell in run).replace(str(cwd), SHOWN_HOME), style)
        shown.rstrip()
        shown.append("\n")
    shown.rstrip()
    return shown


def _colour(name: str) -> str | None:
    return _COLOURS.get(name, name)


def _read(controller: int) -> bytes:
    """Read from a terminal; nothing once its last process has closed it."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


def main() -> None:
    """Run the session and write the picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(ROOT / "examples", home / "examples")
        environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environ |= {"HOME": folder, "TERM": "xterm-256color", "NOX_AUTOSTART": "always"}
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(printed(command, home, environ))
    PICTURE.write_text(_FONTS.sub("", console.export_svg(title="nox", unique_id="nox")) + "\n")


if __name__ == "__main__":
    main()
