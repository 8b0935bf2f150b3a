"""Programs that tests write in place of xtb, Slurm and others, and the files that these read."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_program(path: Path, text: str) -> Path:
    """Make an executable file of a text, and its folder; it may replace a program that runs.

    No program can be started that any process has open for writing.  So another process writes it: from this
    one a thread could fork in between, and its child would have the file open until it starts a program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    words = ["/usr/bin/install", "--mode=755", "/dev/stdin", str(new)]
    subprocess.run(words, input=text.encode(), check=True)
    return new.replace(path)


def replace_text(path: Path, text: str) -> None:
    """Give a file another text in one step: who reads it meanwhile gets the whole of either."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)
