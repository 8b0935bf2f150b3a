"""One run of the xtb program: starts it, reads its output, and judges the run by output and files.

Its exit code means nothing: an optimisation that did not converge ends with 0, and leaves `.xtboptok`.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workers.engine.program.discovery import environment
from workers.errors import EngineCrashed, EngineInput, ScfNotConverged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workers.engine.program.discovery import Program

SCF_MARK = ".sccnotconverged"
_LINE_BYTES = 64 * 1024
_TAIL = 40
_NOTE = re.compile(r"\s*-\d+- (.*)")
_RESTRAINT = re.compile(r"add\. restraining\s+(-?\d+\.\d+) Eh")
# The program catches these two, reports it in its own spelling, and ends with code 1.
_CAUGHT = re.compile(r"rec(?:ie|ei)ved (SIGTERM|SIGINT), terminating")
_PAGE_BYTES = resource.getpagesize()
# The program's words for a structure or an option that it cannot take.
_REFUSALS = ("is not parametrized", "no basis found", "too close", "could not read geometry", "not included")


@dataclass(slots=True)
class ProgramOutput:
    """Collects from the output of the xtb program what decides about its run."""

    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    errors: list[str] = field(default_factory=list)
    misunderstood: list[str] = field(default_factory=list)  # of an input file or an option
    is_terminated: bool = False  # in good order, by its own report
    has_converged: bool = False  # an optimisation
    has_failed: bool = False  # an optimisation
    killed_by: int = 0  # the signal that it reports; 0: none
    restraint_hartree: float = 0.0  # what an input file adds to the energy
    _notes: list[str] | None = None  # where the next notes belong

    def hear(self, line: str) -> None:
        """Take a line."""
        self.tail.append(line)
        note = _NOTE.fullmatch(line)
        if note and self._notes is not None and len(self._notes) < _TAIL:
            self._notes.append(note[1])
        elif "[ERROR]" in line:
            self._notes = self.errors
        elif "Please study the warnings" in line:
            self._notes = self.misunderstood
        elif line.startswith("####") or "[WARNING]" in line:
            self._notes = None
        self._judge(line)

    def _judge(self, line: str) -> None:
        if line.startswith("normal termination of xtb"):
            self.is_terminated = True
        elif "GEOMETRY OPTIMIZATION CONVERGED" in line:
            self.has_converged = True
        elif "FAILED TO CONVERGE GEOMETRY OPTIMIZATION" in line:
            self.has_failed = True
        elif found := _RESTRAINT.search(line):
            self.restraint_hartree = float(found[1])
        elif found := _CAUGHT.search(line):
            self.killed_by = signal.Signals[found[1]]


@dataclass(slots=True)
class Spent:
    """The time and memory that runs have taken."""

    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


def run(
    program: Program,
    folder: Path,
    arguments: Sequence[str],
    spent: Spent,
    *,
    parameters: str = "",
    on_line: Callable[[str], None] | None = None,
) -> ProgramOutput:
    """Run the program to its end in a folder; its output is printed as it comes.

    Args:
        program: the program.
        folder: where it runs; everything it writes goes there.
        arguments: its command line.
        spent: what it takes is added there.
        parameters: the directory of its parameter files.
        on_line: called after each line.

    Raises:
        ScfNotConverged: the self-consistent iterations did not converge.
        EngineInput: the program refuses the structure, or does not understand an option or the input file.
        EngineCrashed: it died, or did not end in good order.
    """
    said = ProgramOutput()
    process = subprocess.Popen(
        [program.path, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(folder, parameters),
        cwd=folder,
    )
    try:
        _confine(process.pid)
        assert process.stdout is not None
        while data := process.stdout.readline(_LINE_BYTES):
            line = data.decode("utf-8", "replace").rstrip("\r\n")
            sys.stdout.write(line + "\n")
            said.hear(line)
            if on_line is not None:
                on_line(line)
    except BaseException:
        process.kill()
        process.wait()
        raise
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    spent.cpu_s += usage.ru_utime + usage.ru_stime
    spent.peak_memory_bytes = max(spent.peak_memory_bytes, usage.ru_maxrss * 1024)
    _judge(said, status, usage.ru_maxrss * 1024, has_scf_mark=(folder / SCF_MARK).exists())
    return said


def _judge(said: ProgramOutput, status: int, peak_memory_bytes: int, *, has_scf_mark: bool) -> None:
    """Say what a run that did not go well died of.

    Raises:
        ScfNotConverged, EngineInput, EngineCrashed: as `run` raises them.
    """
    crash = EngineCrashed(
        "the xtb program did not end in good order",
        evidence=tuple(said.errors) + tuple(line for line in said.tail if line.strip()),
        status=said.killed_by or status,  # a process that dies of a signal has its number as its status
        peak_memory_bytes=peak_memory_bytes,
    )
    if said.killed_by:
        raise crash
    if said.misunderstood:
        raise EngineInput(
            f"the xtb program does not understand what it was given: {said.misunderstood[0]}",
            evidence=tuple(said.misunderstood),
            hint="check the input file and the options after --",
        )
    if said.is_terminated and not said.errors and not has_scf_mark:
        return
    if has_scf_mark or any("did not converge" in line for line in said.errors):
        raise ScfNotConverged(
            "the self-consistent iterations did not converge",
            evidence=tuple(said.errors or said.tail)[-_TAIL:],
            hint="check charge and spin; else try --etemp 1000 or more --iterations",
        )
    # The last error is the first that happened: those above it say where it was noticed.
    refused = [line for line in (*said.errors[::-1], *said.tail) if any(word in line for word in _REFUSALS)]
    if refused:
        raise EngineInput(
            f"the xtb program refuses the structure: {refused[0].strip()}",
            evidence=tuple(said.errors) or (refused[0],),
            hint="the method has no parameters for an element of this structure"
            if "no basis found" in refused[0]
            else "",
        )
    raise crash


def _confine(pid: int) -> None:
    """Take off the program's memory limit what this process had before the job; Linux only."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY:
        return
    with suppress(OSError, AttributeError):
        own = int(Path("/proc/self/statm").read_bytes().split()[5]) * _PAGE_BYTES
        resource.prlimit(pid, resource.RLIMIT_DATA, (max(soft - own, _PAGE_BYTES), hard))
