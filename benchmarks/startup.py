"""The processor time of short commands, compared with that of importing Typer.

Commands take turns, so that other load meets all alike.  The minimum and the median of each are shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, median
from benchmarks.ground import NOX, ROOT, earlier, local_ground, redis_ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROUNDS = 15
TYPER = "import typer"
# Command, as `nox` takes it -> the bound of its ratio to `import typer`; None: it has none.
BOUNDS: dict[str, float | None] = {
    "--version": 0.5,
    "status ID": 1.5,
    "list": 1.5,
    "wait ID": 1.5,
    "submit FILE": 2.0,
    "results ID": None,
    "submit --kind echo": None,  # pydantic checks the payload
}
# Completion runs in the shell: its script has all words, and starts no nox.
COMPLETE = """
source completions/nox.bash
COMP_LINE='nox status --' COMP_POINT=13
_nox
[[ ${#COMPREPLY[@]} -gt 3 ]]
"""
COMPLETION_BOUND = 0.7
# By the time of the same command of an earlier nox: what two medians differ by when nothing has changed.
EARLIER_BOUND = 1.05
_WATER = ROOT / "examples" / "water.xyz"


def measure() -> list[Figure]:
    """Time each command on both stores, in turn with those of an earlier nox if `EARLIER` names one."""
    trees = {"nox": None} | ({"earlier nox": tree} if (tree := earlier()) else {})
    with ExitStack() as stack:
        commands: dict[str, tuple[list[str], dict[str, str]]] = {}
        bounds: dict[str, float | None] = {"completion of an option, bash": COMPLETION_BOUND}
        for program, place in trees.items():
            for kind, ground_of in (("redis", redis_ground), ("local", local_ground)):
                ground = stack.enter_context(ground_of(tree=place))
                reply = ground.nox("submit", str(_WATER), "--json")
                number = json.loads(reply.stdout)["jobs"][0]["job_id"]
                commands |= {
                    "python -c pass": ([sys.executable, "-c", "pass"], ground.environ),
                    TYPER: ([sys.executable, "-c", TYPER], ground.environ),
                    "completion of an option, bash": (["bash", "--norc", "-c", COMPLETE], ground.environ),
                }
                for words, bound in BOUNDS.items():
                    if words == "--version" and kind == "local":
                        continue
                    name = f"{program} {words}" + ("" if words == "--version" else f" ({kind})")
                    commands[name] = ([*NOX, *_argv(words, number)], ground.environ)
                    bounds[name] = bound if place is None else None
        return list(_figures(_taken_ms(commands), bounds))


def _taken_ms(commands: Mapping[str, tuple[list[str], dict[str, str]]]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, (argv, environ) in commands.items():
            taken[name].append(cpu_ms(argv, environ))
    return taken


def _figures(taken: Mapping[str, list[float]], bounds: Mapping[str, float | None]) -> Iterator[Figure]:
    for name, times in taken.items():
        yield Figure(f"{name}, median", median(times), "ms")
        yield Figure(f"{name}, minimum", min(times), "ms")
        if (bound := bounds.get(name)) is not None:
            for kind, of in (("medians", median), ("minima", min)):
                yield Figure(f"{name} / {TYPER}, {kind}", of(times) / of(taken[TYPER]), "x", bound)
        if before := taken.get(f"earlier {name}"):
            yield Figure(f"{name} / earlier nox", median(times) / median(before), "x", EARLIER_BOUND)


def _argv(words: str, number: str) -> list[str]:
    """Fill in the job and the file."""
    values = {"ID": [number], "FILE": [str(_WATER)], "echo": ["echo", "--payload", "1"]}
    argv = [part for word in words.split() for part in values.get(word, [word])]
    return [*argv, "--timeout", "0"] if words.startswith("wait") else argv


def cpu_ms(argv: list[str], environ: dict[str, str]) -> float:
    """Run a process to its end; return its processor time, user and system.

    Raises:
        RuntimeError: it failed.
    """
    process = subprocess.Popen(
        argv,
        env=environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and "wait" not in argv:  # a job that waits: exit 8
        raise RuntimeError(f"{argv} ended with {process.returncode}")
    return 1e3 * (used.ru_utime + used.ru_stime)
