"""The time from the start of a command to its answer, compared with Python and with its usual imports."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.figures import Figure, median
from benchmarks.ground import local_ground, redis_ground

REPEATS = 15
NAIVE = "import typer, redis, pydantic"


def seconds(argv: list[str], environ: dict[str, str]) -> float:
    """Time one process."""
    start = time.perf_counter()
    subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure() -> list[Figure]:
    """Time each command in turn, so that noise meets all alike."""
    with redis_ground() as redis, local_ground() as local:
        number = {}
        for ground in (redis, local):
            reply = ground.nox("submit", "--kind", "echo", "--payload", "1", "--json")
            number[ground.home] = json.loads(reply.stdout)["jobs"][0]["job_id"]
        nox = [sys.executable, "-m", "nox_cli"]
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], redis),
            f"python -c '{NAIVE}'": ([sys.executable, "-c", NAIVE], redis),
            "python -c 'import typer, redis'": ([sys.executable, "-c", "import typer, redis"], redis),
            "nox --version": ([*nox, "--version"], redis),
            "nox --help": ([*nox, "--help"], redis),
            "nox status ID --json (redis)": ([*nox, "status", number[redis.home], "--json"], redis),
            "nox status ID --json (local)": ([*nox, "status", number[local.home], "--json"], local),
            "nox list (redis)": ([*nox, "list"], redis),
            "nox submit echo (redis)": ([*nox, "submit", "--kind", "echo", "--payload", "1"], redis),
            "nox submit echo (local)": ([*nox, "submit", "--kind", "echo", "--payload", "1"], local),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPEATS):
            for name, (argv, ground) in commands.items():
                times[name].append(seconds(argv, ground.environ))
    middle = {name: median(values) for name, values in times.items()}
    bare, naive = middle["python -c pass"], middle[f"python -c '{NAIVE}'"]
    light = middle["python -c 'import typer, redis'"]
    status = middle["nox status ID --json (redis)"]
    return [
        *(Figure(name, value * 1e3, "ms") for name, value in middle.items()),
        Figure(f"status / '{NAIVE}'", status / naive, "x", 1.1),
        Figure("status / 'import typer, redis'", status / light, "x"),
        Figure("version / pass", middle["nox --version"] / bare, "x", 5),
    ]
