"""Processor time of a worker and of the processes below it."""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# How often a running tree is read: a read takes 0.5 ms.
LOOK_EVERY_S = 0.2
# By depth: the worker starts a keeper for each slot, which starts its engine process.
ROLES = ("worker", "keeper", "child")


@dataclass(frozen=True, slots=True)
class Run:
    """A worker that has ended: seconds from its start to its end, and processor seconds by role."""

    seconds: float
    cpu_s: dict[str, float]


def cpu_seconds(pid: int, *, with_ended: bool = True) -> float:
    """Read the processor time of a process; `with_ended`: and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def family(pid: int, depth: int = 0) -> dict[int, int]:
    """Find a process and its living descendants, with their depths, whichever threads started them."""
    found = {pid: depth}
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread or the process has ended meanwhile
            for child in children.read_text().split():
                found |= family(int(child), depth + 1)
    return found


def by_role(worker: int) -> dict[str, float]:
    """Read the processor seconds of a worker and of the processes below it, ended ones included."""
    used = dict.fromkeys(ROLES, 0.0)
    for pid, depth in family(worker).items():
        used[ROLES[min(depth, len(ROLES) - 1)]] += cpu_seconds(pid)
    return used


def run_to_end(argv: Sequence[str], environ: dict[str, str], log: Path) -> Run:
    """Run a worker until it ends.

    Raises:
        RuntimeError: it failed.
    """
    used: dict[tuple[int, int], float] = {}
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = select.poll()
        end.register(descriptor := os.pidfd_open(process.pid), select.POLLIN)
        while not end.poll(1e3 * LOOK_EVERY_S):
            _read(process.pid, used)
        seconds = time.perf_counter() - start
        _read(process.pid, used)  # the worker itself, which is not yet waited for
        os.close(descriptor)
    if process.wait():
        raise RuntimeError(log.read_text()[-2_000:])
    cpu_s = dict.fromkeys(ROLES, 0.0)
    for (_, depth), taken in used.items():
        cpu_s[ROLES[min(depth, len(ROLES) - 1)]] += taken
    return Run(seconds, cpu_s)


def _read(pid: int, used: dict[tuple[int, int], float]) -> None:
    for member in family(pid).items():
        with suppress(OSError):
            used[member] = cpu_seconds(member[0], with_ended=False)
