"""The processor time of short commands, compared with that of importing Typer.

Commands take turns, so that other load meets all alike.  The minimum and the median of each are shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, median
from benchmarks.ground import local_ground, redis_ground

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
_ROOT = Path(__file__).parents[1]
_WATER = _ROOT / "examples" / "water.xyz"


def measure() -> list[Figure]:
    """Time each command on both stores."""
    with redis_ground() as redis, local_ground() as local:
        commands: dict[str, tuple[list[str], dict[str, str]]] = {
            "python -c pass": ([sys.executable, "-c", "pass"], redis.environ),
            TYPER: ([sys.executable, "-c", TYPER], redis.environ),
            "completion of an option, bash": (["bash", "--norc", "-c", COMPLETE], redis.environ),
        }
        bounds: dict[str, float | None] = {"completion of an option, bash": COMPLETION_BOUND}
        for kind, ground in (("redis", redis), ("local", local)):
            reply = ground.nox("submit", str(_WATER), "--json")
            number = json.loads(reply.stdout)["jobs"][0]["job_id"]
            for words, bound in BOUNDS.items():
                if words == "--version" and kind == "local":
                    continue
                argv = [sys.executable, "-m", "nox_cli", *_argv(words, number)]
                name = f"nox {words}" + ("" if words == "--version" else f" ({kind})")
                commands[name] = (argv, ground.environ)
                bounds[name] = bound
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, (argv, environ) in commands.items():
                taken[name].append(cpu_ms(argv, environ))
    figures = []
    for name, times in taken.items():
        figures += [
            Figure(f"{name}, median", median(times), "ms"),
            Figure(f"{name}, minimum", min(times), "ms"),
        ]
        if (bound := bounds.get(name)) is not None:
            for kind, of in (("medians", median), ("minima", min)):
                figures.append(Figure(f"{name} / {TYPER}, {kind}", of(times) / of(taken[TYPER]), "x", bound))
    return figures


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
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and "wait" not in argv:  # a job that waits: exit 8
        raise RuntimeError(f"{argv} ended with {process.returncode}")
    return 1e3 * (used.ru_utime + used.ru_stime)
