"""Molecules a second, end to end, compared with GNU parallel and the xtb program.

End to end means: from the start of `nox submit` with files to the last job's end, results and artifacts
stored.  The peer is what a chemist types today; each runs on both cores of this machine.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, median
from benchmarks.ground import LOOK_EVERY_S, WAITED_S, Ground, has, local_ground, redis_ground, until
from workers.job import FINAL, JobState

FRAMES = Path(__file__).parent / "molecules" / "small200.xyz"
OPTIMISED = 40
THREADS_UNSAID = 40
# One after the other and again, so that what else the machine does meanwhile meets all alike.
ROUNDS = 3


def split(folder: Path, most: int) -> list[Path]:
    """Write the first `most` frames of the set as files of their own."""
    lines = FRAMES.read_text().splitlines()
    files: list[Path] = []
    at = 0
    while at < len(lines) and len(files) < most:
        size = int(lines[at]) + 2
        files.append(folder / f"mol{len(files):03d}.xyz")
        files[-1].write_text("\n".join(lines[at : at + size]) + "\n")
        at += size
    return files


def nox_rate(ground: Ground, files: list[Path], *options: str) -> float:
    """Molecules a second through a waiting worker."""
    with ground.worker(2):
        time.sleep(WAITED_S)
        store = ground.store()
        start = time.perf_counter()
        ground.nox("submit", *map(str, files), *options, "-u", "auto")

        def ended() -> bool:
            return sum(n for state, n in store.counts().items() if state in FINAL) == len(files)

        until(ended, "the last molecule", every_s=LOOK_EVERY_S)
        elapsed = time.perf_counter() - start
        done = store.counts().get(JobState.DONE, 0)
        store.close()
    if done != len(files):
        raise RuntimeError(f"{len(files) - done} of {len(files)} molecules failed")
    return len(files) / elapsed


def parallel_rate(files: list[Path], option: str, threads: str = "OMP_NUM_THREADS=1") -> float:
    """Molecules a second through `parallel -j2 xtb`, each in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        command = f"mkdir {{/.}} && cd {{/.}} && {threads} xtb {{}} {option} > out 2>&1"
        start = time.perf_counter()
        subprocess.run(
            ["parallel", "--will-cite", "-j2", command],
            input="\n".join(map(str, files)),
            text=True,
            check=False,
            cwd=folder,
        )
        return len(files) / (time.perf_counter() - start)


def measure() -> list[Figure]:
    """Measure singlepoints and optimisations on both stores and the peer in turn; the medians."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        files = split(Path(folder), 200)
        return [
            *_measured("singlepoints", files, (), "--gfn 2", 4.0),
            *_threads_unsaid(files[:THREADS_UNSAID]),
            *_measured("optimisations", files[:OPTIMISED], ("--opt",), "--opt", 1.0),
        ]


def _threads_unsaid(files: list[Path]) -> list[Figure]:
    """Measure GNU parallel without a limit of threads: each xtb then uses all cores."""
    if not has("parallel") or not has("xtb"):
        return []
    rate = parallel_rate(files, "--gfn 2", threads="")
    return [Figure("singlepoints, parallel -j2 xtb, threads not set", rate, "molecules/s")]


def _measured(
    what: str, files: list[Path], options: tuple[str, ...], peer: str, floor: float
) -> list[Figure]:
    rates: dict[str, list[float]] = {"redis": [], "local": [], "parallel -j2 xtb": []}
    for _ in range(ROUNDS):
        with redis_ground() as ground:
            rates["redis"].append(nox_rate(ground, files, *options))
        with local_ground() as ground:
            rates["local"].append(nox_rate(ground, files, *options))
        if has("parallel") and has("xtb"):
            rates["parallel -j2 xtb"].append(parallel_rate(files, peer))
    usual = {name: median(found) for name, found in rates.items() if found}
    figures = [Figure(f"{what}, {name}", rate, "molecules/s") for name, rate in usual.items()]
    if len(usual) == len(rates):
        figures += [
            Figure(
                f"{what}, {name} / parallel",
                usual[name] / usual["parallel -j2 xtb"],
                "x",
                floor,
                at_least=True,
            )
            for name in ("redis", "local")
        ]
    return figures
