"""Workers and batch files in a real Slurm of one node: `python -m benchmarks.slurm`, as root.

It needs slurmctld, slurmd and munged (Debian: slurm-wlm and munge) and redis-server.
What happened is printed as the page benchmarks/slurm.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ground import redis_ground, until
from tests.support.slurm import Slurm
from workers import machine
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ground import Ground
    from workers.job import Job

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = ("water", "methanol", "ethanol", "benzene")
MOST_ALLOCATIONS = 12
# The gradient from which on a job is preempted.
PREEMPTED_AT = 40
UNDER_WAY = frozenset({"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "PREEMPTED", "REQUEUED"})
# The shortest that Slurm knows.
MINUTE = "--time=1"
_WATER = (("O", 0.0, 0.0), ("H", 0.76, 0.59), ("H", -0.76, 0.59))
_APART = 3.1  # Å


class OneNode(Slurm):
    """A cluster of one node, as large as this machine."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        mebibytes = machine.usable_memory_bytes({}) >> 20
        cores = os.cpu_count() or 1
        super().__init__(folder, nodes=1, cores=cores, memory_mb=mebibytes, MinJobAge="300", KillWait="30")
        self.environ = environ | self.environ

    def start(self) -> None:
        """Start the cluster; what is preempted has 10 s."""
        super().start()
        self.run("scontrol", "update", "partitionname=main", "gracetime=10")

    @property
    def version(self) -> str:
        """The version of Slurm."""
        return self.run("sinfo", "--version").split()[-1]

    def batch(self, cwd: Path, *words: str) -> dict[str, str]:
        """Submit a batch file, wait for its end, and return what Slurm reports on the allocation."""
        return self.at_end(self.run("sbatch", "--parsable", f"--chdir={cwd}", *words).strip())

    def shown(self, number: str) -> dict[str, str]:
        """Read what Slurm reports on an allocation."""
        said = self.run("scontrol", "--oneliner", "show", "job", number)
        return dict(word.split("=", 1) for word in said.split() if "=" in word)

    def runs(self, number: str) -> bool:
        """Whether an allocation has begun and not ended."""
        return self.shown(number)["JobState"] == "RUNNING"

    def at_end(self, number: str) -> dict[str, str]:
        """Wait for the end of an allocation, and return what Slurm reports on it."""
        until(lambda: self.shown(number)["JobState"] not in UNDER_WAY, f"the end of allocation {number}", 0.5)
        return self.shown(number)


def write_ice(path: Path, layers: tuple[int, int, int]) -> None:
    """Write a block of water molecules: its Hessian outlasts an allocation of a minute."""
    places = [(i, j, k) for i in range(layers[0]) for j in range(layers[1]) for k in range(layers[2])]
    atoms = [
        f"{symbol} {i * _APART + x:.3f} {j * _APART + y:.3f} {k * _APART:.3f}"
        for i, j, k in places
        for symbol, x, y in _WATER
    ]
    path.write_text("\n".join([str(len(atoms)), "ice", *atoms, ""]))


def record(ground: Ground, job_id: str) -> Job:
    """Read all that nox knows of a job."""
    store = ground.store()
    job = store.get(job_id)
    store.close()
    return job


def submitted(ground: Ground, *words: str) -> list[str]:
    """Hand jobs over; their ids."""
    ended = ground.nox("submit", *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def row(allocation: dict[str, str], after: str) -> str:
    """Write a line of the table."""
    cells = (
        allocation["JobState"].lower(),
        allocation["ExitCode"].split(":")[0],
        allocation["RunTime"],
        after,
    )
    return f"| {' | '.join(cells)} |"


HEAD = "| Slurm reports | code | ran for | then |\n|---|---|---|---|"


def shared_redis(cluster: OneNode, ground: Ground, folder: Path) -> Iterator[str]:
    """Run workers for a shared Redis until the long job is done."""
    write_ice(folder / "ice.xyz", (2, 4, 4))
    small = submitted(ground, *(str(EXAMPLES / f"{name}.xyz") for name in SMALL), "--opt", "--priority", "1")
    (long,) = submitted(ground, str(folder / "ice.xyz"), "--hess", "--name", "ice")
    (night,) = submitted(ground, "--kind", "echo", "--payload", "1", "--time", "8h", "--priority", "2")
    yield "\n## slurm-redis.sbatch\n"
    yield (
        f"{len(small)} optimisations, the Hessian of 96 atoms of ice, and a job with `--time 8h`;\n"
        "allocations of one minute, one after the other, until the Hessian was done.\n"
    )
    yield HEAD
    losses = []
    for _ in range(MOST_ALLOCATIONS):
        told = cluster.batch(
            folder, MINUTE, "--cpus-per-task=1", str(EXAMPLES / "slurm-redis.sbatch"), "--idle-timeout", "3s"
        )
        seen = record(ground, long)
        done = sum(record(ground, job_id).state is JobState.DONE for job_id in small)
        reached = f", gradient {seen.progress.step}" if seen.progress.step else ""
        how = f"Hessian {seen.state} after attempt {seen.attempt}{reached}"
        yield row(told, f"{done} of {len(small)} optimisations done; {how}")
        losses.append(seen.losses)
        assert told["JobState"] == "COMPLETED", told
        if seen.state.is_final:
            break
    ended = record(ground, long)
    assert ended.state is JobState.DONE, ended
    assert ended.attempt > 1, "the Hessian fitted into one allocation"
    assert not any(losses), losses
    assert record(ground, night).state is JobState.QUEUED
    result = outcome(ground, long)
    before = result["provenance"]["continued"]["gradients"]
    yield (
        "\nEach worker drained by itself, before Slurm had to end it, and lost nothing. The attempts before "
        f"the\nlast had computed {before} gradients; the displacements take "
        f"{result['vibrations']['gradients']}, and the geometry itself one.\n"
        "The job with `--time 8h` was passed over and still waits."
    )


def granted(cluster: OneNode, folder: Path) -> Iterator[str]:
    """Let a worker say how much of the node it may use, in allocations of several shapes."""
    yield "\n## What an allocation may use\n"
    yield "There are no control groups: only the environment names the limits.\n"
    yield "| sbatch | the worker |\n|---|---|"
    step = ("-n2", "--mem=1000", "--wrap", "srun -n2 nox worker --burst")
    script = ("--wrap", "exec nox worker --burst")
    for words in (
        ("-c1", *script),
        ("-c1", "--mem=600M", *script),
        ("-n2", "--mem-per-cpu=300", *script),
        ("--mem=0", *script),
        step,
    ):
        log = folder / "granted.log"
        log.unlink(missing_ok=True)
        told = cluster.batch(folder, MINUTE, f"--output={log}", *words)
        assert told["JobState"] == "COMPLETED", told
        said = {line.partition("may use ")[2].partition(" worker=")[0] for line in log.open()} - {""}
        assert len(said) == 1, said
        yield f"| `{' '.join(words[:-2])}`{', each of two tasks' if words is step else ''} | {said.pop()} |"


def moved(cluster: OneNode, folder: Path) -> Iterator[str]:
    """Change the time limit of an allocation while a worker runs in it."""
    yield "\n## A time limit that is changed\n"
    yield "By `scontrol update` after 10 s: the worker ends with the new limit, or after 100 idle seconds.\n"
    yield "| from | to | Slurm reports | code | ran for |\n|---|---|---|---|---|"
    worker = "exec nox worker --time-limit auto"
    for before, after, script in (("60", "2", worker), ("1", "60", f"{worker} --idle-timeout 100s")):
        words = (f"--time={before}", f"--chdir={folder}", "--wrap", script)
        number = cluster.run("sbatch", "--parsable", *words).strip()
        until(partial(cluster.runs, number), "a worker", 0.5)
        time.sleep(10)
        cluster.run("scontrol", "update", f"jobid={number}", f"timelimit={after}")
        told = cluster.at_end(number)
        assert told["JobState"] == "COMPLETED", told
        yield f"| {before} min | {after} min {row(told, '')[:-3]}"


def preempted(cluster: OneNode, ground: Ground, folder: Path) -> Iterator[str]:
    """Preempt the worker of a long job: its progress is kept, and it continues once requeued."""
    write_ice(folder / "ice.xyz", (2, 4, 4))
    (long,) = submitted(ground, str(folder / "ice.xyz"), "--hess", "--no-start")
    everything = f"--cpus-per-task={os.cpu_count()}"
    worker = "exec nox worker --slots 1 --time-limit auto --idle-timeout 3s"
    placed = f"--chdir={folder}"
    number = cluster.run("sbatch", "--parsable", "--requeue", placed, everything, "--wrap", worker).strip()
    until(lambda: (record(ground, long).progress.step or 0) >= PREEMPTED_AT, "the first gradients", 0.2)
    cluster.run("sbatch", "--partition=urgent", placed, everything, "--wrap", "sleep 5")
    until(lambda: record(ground, long).state is JobState.QUEUED, "its release", 0.1)
    given_back = record(ground, long)
    until(lambda: cluster.shown(number)["JobState"] == "PENDING", "its place in the queue", 0.5)
    cluster.run("scontrol", "update", f"jobid={number}", "starttime=now")  # two minutes later otherwise
    until(lambda: record(ground, long).attempt > given_back.attempt, "its second attempt", 0.5)
    until(lambda: record(ground, long).state is JobState.DONE, "its end", 0.5)
    cluster.run("scancel", number)  # Slurm requeues it once more at its end, whatever ran in it
    last = record(ground, long)
    assert (last.state, last.losses, last.attempt) == (JobState.DONE, 0, 2), last
    yield "\n## Preemption\n"
    found = outcome(ground, long)["provenance"]["continued"]["gradients"]
    yield (
        "A partition of higher priority took the node, with 10 s of grace, and Slurm requeued the\n"
        f"allocation. The Hessian was released at gradient {given_back.progress.step}; attempt 2 continued "
        f"from {found} gradients\nand ended it. No loss was counted."
    )


def outcome(ground: Ground, job_id: str) -> dict[str, Any]:
    """Read the result of a job that is done."""
    store = ground.store()
    found: dict[str, Any] = json.loads(store.outcomes([job_id])[job_id])["result"]
    store.close()
    return found


def alone(cluster: OneNode, folder: Path) -> Iterator[str]:
    """Run without a server until all results are there."""
    write_ice(folder / "ice.xyz", (2, 4, 4))
    for name in SMALL:
        shutil.copy(EXAMPLES / f"{name}.xyz", folder)
    files = sorted(path.name for path in folder.glob("*.xyz"))
    yield "\n## slurm-alone.sbatch\n"
    yield f"`sbatch slurm-alone.sbatch --hess {' '.join(files)}`, the same again\nuntil its code was 0.\n"
    yield HEAD
    for _ in range(MOST_ALLOCATIONS):
        told = cluster.batch(
            folder,
            MINUTE,
            "--cpus-per-task=1",
            str(EXAMPLES / "slurm-alone.sbatch"),
            "--hess",
            "--slots",
            "1",
            *files,
        )
        written = len(list((folder / "results").glob("*-result.json")))
        yield row(told, f"{written} of {len(files)} results written")
        if told["ExitCode"].startswith("0"):
            break
        assert told["ExitCode"].startswith("8:"), told
    assert written == len(files)
    found = json.loads((folder / "results" / "ice-result.json").read_text())
    continued = found["result"]["provenance"]["continued"]
    assert continued, "the ice fitted into one allocation"
    yield f"\nBefore the last allocation {continued['gradients']} gradients of the ice had been computed."


def cron(folder: Path) -> Iterator[str]:
    """Run what cron would, with cron's environment: without a file, with one, again, and with another."""
    inbox, home = folder / "inbox", folder / "home"
    programs = home / ".local" / "bin"
    programs.mkdir(parents=True)
    inbox.mkdir()
    (programs / "nox").symlink_to(Path(sys.executable).with_name("nox"))
    environ = {"HOME": str(home), "LOGNAME": "me", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    yield "\n## cron.sh\n"
    yield "With nothing in its environment but what cron sets.\n"
    yield "| run | files | code | jobs in the store |\n|---|---|---|---|"
    counts = []
    for number, name in enumerate(("", "water", "", "methanol"), start=1):
        if name:
            shutil.copy(EXAMPLES / f"{name}.xyz", inbox)
        ran = subprocess.run([EXAMPLES / "cron.sh", inbox], env=environ, capture_output=True, check=False)
        listed = subprocess.run(
            [programs / "nox", "list", "-q"], env=environ, capture_output=True, check=False
        )
        counts.append(len(listed.stdout.split()))
        yield f"| {number} | {len(list(inbox.iterdir()))} | {ran.returncode} | {counts[-1]} |"
        assert ran.returncode == 0, ran.stderr
    assert counts == [0, 1, 1, 2], counts


def main() -> None:
    """Run all of it, and print the page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nox-slurm-")))
        ground = stack.enter_context(redis_ground())
        cluster = stack.enter_context(OneNode(folder / "slurm", ground.environ))
        began = time.strftime("%Y-%m-%d")
        say(
            "# Workers and batch files in a real Slurm\n\n"
            f"Measured on {began} by `python -m benchmarks.slurm`: Slurm {cluster.version}, one node,\n"
            f"{os.cpu_count()} cores."
        )
        for name, lines in (
            ("granted", lambda place: granted(cluster, place)),
            ("moved", lambda place: moved(cluster, place)),
            ("preempted", lambda place: preempted(cluster, ground, place)),
            ("redis", lambda place: shared_redis(cluster, ground, place)),
            ("alone", lambda place: alone(in_the_local_store(cluster, place), place)),
            ("cron", cron),
        ):
            place = folder / name
            place.mkdir()
            for line in lines(place):
                say(line)


def in_the_local_store(cluster: OneNode, place: Path) -> OneNode:
    """Let batch jobs use a local store of their own."""
    cluster.environ = {name: value for name, value in cluster.environ.items() if name != "REDIS_URL"}
    cluster.environ["NOX_HOME"] = str(place / "home")
    return cluster


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
