"""Single points of small molecules, compared with the library alone, GNU parallel and the xtb program.

The molecules are shaken copies of a set of 200, so that each energy differs; every program has one thread
for each of the two cores.  `MOLECULES_JOBS` is their number, 2,000 unless set.

- **waiting**: a worker whose engine processes have computed before is stopped (SIGSTOP), the jobs are
  submitted, and the time begins when it continues; it ends with the last job's end in the store.
- **submitted**: such a worker waits, and the time begins with the start of `nox submit` with all files.
- **few**: as submitted, with 200 files, and the library's time begins with the start of its processes.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import bare
from benchmarks.figures import Figure, median, ratio
from benchmarks.ground import LOOK_EVERY_S, WAITED_S, Ground, has, local_ground, redis_ground, until
from nox_cli.selectors.reader import pages
from workers.job import FINAL, JobState
from workers.store.sqlite.store import FILE
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.store.base import Store

FRAMES = Path(__file__).parent / "molecules" / "small200.xyz"
JOBS = int(os.environ.get("MOLECULES_JOBS", "2000"))
FEW = min(200, JOBS)
SHAKEN_ANGSTROM = 0.02
THREADS_UNSAID = min(40, FEW)
# One after the other and again, so that what else the machine does meanwhile meets all alike.
ROUNDS = 3
# The least rate of nox by that of the library alone: waiting, submitted, few.
BOUNDS = {"redis": (0.85, 0.78, 0.75), "local": (0.85, 0.75, 0.75)}
# The last jobs are watched closely: a late look would cost nox a percent of a second's run.
_CLOSELY_S = 0.005
_PATIENCE_S = 900.0


class Timed(NamedTuple):
    """Molecules that nox has computed: seconds since the start of the clock, processor seconds by role."""

    seconds: float
    first_s: float  # to the start of the first job
    submit_s: float  # to the end of the submit
    cpu_s: dict[str, float]


def measure() -> list[Figure]:
    """Measure both stores and the peers in turn; the medians."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        files = shaken(Path(folder), JOBS)
        few = files[:FEW]
        runs: dict[str, list[Timed]] = defaultdict(list)
        alone: dict[str, list[bare.Bare]] = defaultdict(list)
        rates: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            alone["many"].append(bare.run(files, is_warm=True))
            alone["few"].append(bare.run(few, is_warm=False))
            for kind, ground_of in (("redis", redis_ground), ("local", local_ground)):
                for what, measured, inputs in (
                    ("waiting", waiting, files),
                    ("submitted", submitted, files),
                    ("few", submitted, few),
                ):
                    with ground_of() as ground:
                        runs[f"{what}, {kind}"].append(measured(ground, inputs))
            if has("parallel") and has("xtb"):
                rates["parallel -j2 xtb"].append(parallel_rate(few, "--gfn 2"))
                unsaid = parallel_rate(few[:THREADS_UNSAID], "--gfn 2", threads="")
                rates["parallel -j2 xtb, threads not set"].append(unsaid)
    rates["the library, 2 processes"] = [JOBS / run.seconds for run in alone["many"]]
    rates["the library, 2 processes, imports included"] = [FEW / run.seconds for run in alone["few"]]
    figures = [Figure(f"singlepoints, {name}", median(found), "molecules/s") for name, found in rates.items()]
    bare_ms = [1e3 * run.cpu_s / JOBS for run in alone["many"]]
    figures.append(Figure("singlepoints, the library, CPU", median(bare_ms), "ms a job"))
    for kind in ("redis", "local"):
        figures += _of_store(kind, runs, rates)
        figures += _processor(kind, runs[f"waiting, {kind}"], bare_ms)
    return figures


def _of_store(kind: str, runs: dict[str, list[Timed]], rates: dict[str, list[float]]) -> Iterator[Figure]:
    many, few = "the library, 2 processes", "the library, 2 processes, imports included"
    for (what, count, peer), bound in zip(
        (("waiting", JOBS, many), ("submitted", JOBS, many), ("few", FEW, few)), BOUNDS[kind], strict=True
    ):
        name = f"singlepoints, {count:,} {what}, {kind}" if what != "few" else f"singlepoints, {FEW}, {kind}"
        speed = [count / run.seconds for run in runs[f"{what}, {kind}"]]
        yield Figure(name, median(speed), "molecules/s")
        yield Figure(f"{name} / {peer}", ratio(speed, rates[peer]), "x", bound, at_least=True)
        if what == "few" and rates["parallel -j2 xtb"]:
            yield Figure(f"{name} / parallel -j2 xtb", ratio(speed, rates["parallel -j2 xtb"]), "x")
    found = runs[f"submitted, {kind}"]
    name = f"submit of {JOBS:,} files, {kind}"
    yield Figure(f"{name}, to the first job's start", median([run.first_s for run in found]), "s")
    yield Figure(f"{name}, to its end", median([run.submit_s for run in found]), "s")


def _processor(kind: str, runs: list[Timed], bare_ms: list[float]) -> Iterator[Figure]:
    name = f"singlepoints, {kind}"
    for role in runs[0].cpu_s:
        used_ms = median([1e3 * run.cpu_s[role] / JOBS for run in runs])
        yield Figure(f"{name}, CPU of {role}", used_ms, "ms a job")
    all_ms = [1e3 * sum(run.cpu_s.values()) / JOBS for run in runs]
    yield Figure(f"{name}, CPU of all", median(all_ms), "ms a job")
    yield Figure(f"{name}, CPU of the library / CPU of all", ratio(bare_ms, all_ms), "x")


def frames(folder: Path, most: int) -> list[Path]:
    """Write the first frames of the set as files, unchanged."""
    return [_written(folder, number, frame) for number, frame in enumerate(_frames()[:most])]


def shaken(folder: Path, count: int) -> list[Path]:
    """Write copies of the set as files, each coordinate moved by a normal deviate of 0.02 angstrom."""
    deviate = random.Random(17).gauss
    files, set_ = [], _frames()
    for number in range(count):
        lines = set_[number % len(set_)]
        moved = lines[:2]
        for line in lines[2:]:
            symbol, *place = line.split()[:4]
            shown = (f"{float(word) + deviate(0, SHAKEN_ANGSTROM):.8f}" for word in place)
            moved.append(" ".join((symbol, *shown)))
        files.append(_written(folder, number, moved))
    return files


def _frames() -> list[list[str]]:
    lines, found = FRAMES.read_text().splitlines(), []
    while lines:
        size = int(lines[0]) + 2
        found.append(lines[:size])
        lines = lines[size:]
    return found


def _written(folder: Path, number: int, lines: Sequence[str]) -> Path:
    path = folder / f"mol{number:05}.xyz"
    path.write_text("\n".join(lines) + "\n")
    return path


def waiting(ground: Ground, files: Sequence[Path]) -> Timed:
    """Time jobs that wait for a warm worker."""
    with _warm(ground, files) as (worker, store):
        with _stopped(ground, worker):
            ground.nox("submit", "--quiet", *map(str, files))
            clock = _clock(ground, worker)
        return _timed(ground, store, worker, clock, len(files))


def submitted(ground: Ground, files: Sequence[Path], *options: str) -> Timed:
    """Time files from the start of their submit to a warm worker."""
    with _warm(ground, files) as (worker, store):
        clock = _clock(ground, worker)
        ground.nox("submit", "--quiet", *map(str, files), *options)
        submit_s = time.perf_counter() - clock.start
        return _timed(ground, store, worker, clock, len(files))._replace(submit_s=submit_s)


def parallel_rate(files: Sequence[Path], option: str, threads: str = "OMP_NUM_THREADS=1") -> float:
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


class _Clock(NamedTuple):
    """The start: by two clocks, and in processor seconds by role."""

    start: float
    began_ms: float
    cpu_s: dict[str, float]


def _clock(ground: Ground, worker: int) -> _Clock:
    cpu_s = ground.cpu_seconds(worker)
    return _Clock(time.perf_counter(), 1e3 * time.time(), cpu_s)


def _timed(ground: Ground, store: Store, worker: int, clock: _Clock, count: int) -> Timed:
    """Wait for the last job's end.

    Raises:
        RuntimeError: not all are done.
    """

    def left() -> int:
        return count + bare.WARM - sum(n for state, n in store.counts().items() if state in FINAL)

    until(lambda: left() <= count // 10, "most molecules", LOOK_EVERY_S, _PATIENCE_S)
    until(lambda: left() == 0, "the last molecule", _CLOSELY_S, _PATIENCE_S)
    seconds = time.perf_counter() - clock.start
    after = ground.cpu_seconds(worker)
    if failed := sum(store.counts().values()) - store.counts()[JobState.DONE]:
        raise RuntimeError(f"{failed:,} of {count:,} molecules failed")
    started = (job.started_ms or 0 for jobs in pages(store, Query(limit=1_000)) for job in jobs)
    first_ms = min(at for at in started if at >= clock.began_ms - 1)
    cpu_s = {role: after[role] - before for role, before in clock.cpu_s.items()}
    return Timed(seconds, (first_ms - clock.began_ms) / 1e3, 0.0, cpu_s)


@contextmanager
def _warm(ground: Ground, files: Sequence[Path]) -> Iterator[tuple[int, Store]]:
    """Run a worker that has computed the first files; yield its process id, and its store."""
    with ground.worker(2) as worker, closing(ground.store()) as store:
        time.sleep(WAITED_S)
        ground.nox("submit", "--quiet", *map(str, files[: bare.WARM]))
        until(lambda: store.counts().get(JobState.DONE, 0) == bare.WARM, "the first molecules")
        yield worker, store


@contextmanager
def _stopped(ground: Ground, worker: int) -> Iterator[None]:
    """Stop a worker meanwhile, at a moment at which it does not write to the local store."""
    os.kill(worker, signal.SIGSTOP)
    try:
        while ground.redis_url is None and _is_locked(ground.home / FILE):
            os.kill(worker, signal.SIGCONT)
            time.sleep(_CLOSELY_S)
            os.kill(worker, signal.SIGSTOP)
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def _is_locked(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False
