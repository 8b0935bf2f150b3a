"""Programs of Slurm that misbehave on demand, in front of those of a real cluster."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tests.support.programs import replace_text, write_program

if TYPE_CHECKING:
    from collections.abc import Mapping

Program = Literal["sbatch", "squeue", "scancel", "sacct"]
Act = Literal[
    "refuse",  # writes the text as an error and ends with code 1
    "hang",  # never ends, and does nothing
    "lose",  # prints the text, which is to be a number, and does nothing
    "garbage",  # the same, for a text that is no answer
    "swallow",  # does it, and never ends
    "mute",  # does it, and prints nothing
    "twice",  # does it twice, and prints both answers
    "kill_before",  # kills its caller with SIGKILL, and does nothing
    "kill_after",  # does it, and kills its caller with SIGKILL
]
_PROGRAM = Path(__file__).parents[1] / "standin" / "batch.py"


class BatchStandIn:
    """Stands before the programs of a cluster: passes each call on, until an act is ordered."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Make the programs.

        Args:
            folder: for them and their orders.
            environ: the environment of the real cluster, as `Slurm.environ`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        for name in get_args(Program):
            real = shutil.which(name, path=environ["PATH"])
            words = (sys.executable, "-I", "-S", str(_PROGRAM), name, str(folder), str(real))
            write_program(folder / name, f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        # For a process that uses it: in place of `environ`.
        self.environ = {**environ, "PATH": f"{folder}{os.pathsep}{environ['PATH']}"}

    def order(self, program: Program, act: Act, text: str = "", *, times: int | None = None) -> None:
        """Let a program act; `times`: for this number of calls, None: until `obey`."""
        order = {"act": act, "text": text, "times": times}
        replace_text(self._folder / f"{program}.json", json.dumps(order))

    def obey(self) -> None:
        """Let all programs pass on each call."""
        for name in get_args(Program):
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def calls(self, program: Program) -> list[list[str]]:
        """Return the words of all calls of a program so far."""
        path = self._folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [words for name, *words in map(json.loads, lines) if name == program]
