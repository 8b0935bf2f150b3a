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
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = Path(__file__).with_suffix(".svg")
COLUMNS = 84
COMMANDS = (
    "nox submit examples/*.xyz --ohess --alpb water --batch first",
    "nox watch @batch:first",
    "nox results @batch:first",
    "nox fetch @batch:first -d optimised",
)
# The home of this run is shown as that of a user.
SHOWN_HOME = "/home/ada"
# What a live view writes before it draws its next frame.
_NEXT_FRAME = re.compile(r"(?:\x1b\[\d*A|\x1b\[2K|\r)+(?!\n)")
# Escapes that are not colours.
_STEERING = re.compile(r"\x1b\[[?0-9;]*[A-Za-ln-z]")
# The picture names no font that a browser would fetch.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def printed(command: str, cwd: Path, environ: dict[str, str]) -> str:
    """Run a command line on a terminal.

    Returns:
        What it printed, with colours; of a live view the last frame.
    """
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, COLUMNS))
    with subprocess.Popen(
        ["bash", "-c", command], env=environ, cwd=cwd, stdin=terminal, stdout=terminal, stderr=terminal
    ) as shell:
        os.close(terminal)
        chunks = []
        while chunk := _read(controller):
            chunks.append(chunk)
    os.close(controller)
    if shell.returncode:
        raise SystemExit(f"{command} ended with {shell.returncode}: {b''.join(chunks).decode()}")
    text = b"".join(chunks).decode().replace("\r\n", "\n")
    return _STEERING.sub("", _NEXT_FRAME.split(text)[-1]).rstrip("\n")


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
            console.print(Text.from_ansi(printed(command, home, environ).replace(folder, SHOWN_HOME)))
    PICTURE.write_text(_FONTS.sub("", console.export_svg(title="nox", unique_id="nox")) + "\n")


if __name__ == "__main__":
    main()
