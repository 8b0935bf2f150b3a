"""`nox alloc` on a real Slurm of three nodes: the times and numbers of its requests, next to HyperQueue's.

Jobs are naps, so that the nodes may have more cores than this machine.  It needs slurmctld, slurmd, munged
and redis-server; `hq` is compared if it is on PATH.  Run by name only: it takes ten minutes.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from benchmarks import look
from benchmarks.figures import Figure
from benchmarks.ground import NOX, ROOT, has, redis_ground, until
from benchmarks.hyperqueue import PROGRAM, hyperqueue
from tests.support.programs import write_program
from tests.support.slurm import Slurm
from workers.job import JobState, NewJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.ground import Ground
    from workers.job import Job

NODES, CORES, MEMORY_MB = 3, 4, 4_000
POOL = "naps"
# The jobs that are compared: number, cores, and seconds of a nap.
SHAPES, NAP_S = ((48, 1), (12, 2)), 10.0
# What nox expects of jobs of which nothing is known, and the time that it fills with jobs.
ASSUMED_S, WINDOW_S = 60, 600
IDLE_S, TIME = 20, "30m"
REPEATS = 3
# In place of the five minutes of a cron line.
CRON_S = 20.0
STANDSTILL_S = 60.0
PATIENCE_S = 300.0
_ENDED = re.compile(
    r"^JobId=(\d+) .*? Name=(\S+) JobState=(\S+) .*? StartTime=(\S+) EndTime=(\S+)", re.MULTILINE
)
_STAND_IN = """
import sys
if "worker" in sys.orig_argv:
    import functools
    from workers.runtime import slot
    slot.Keeper = functools.partial(slot.Keeper, entry="tests.standin.engine")
"""


class Ended(NamedTuple):
    """An allocation that has run and ended, by Slurm's own record."""

    name: str
    started_s: float
    ended_s: float


class Site:
    """A cluster, a Redis, and one pool."""

    def __init__(self, slurm: Slurm, ground: Ground, folder: Path) -> None:
        self.slurm, self.ground = slurm, ground
        self.environ = ground.environ | slurm.environ
        self._stand_in = folder / "standin"
        self._stand_in.mkdir()
        (self._stand_in / "sitecustomize.py").write_text(_STAND_IN)

    def nox(self, *words: str) -> str:
        """Run one nox command to its end."""
        done = subprocess.run(
            [*NOX, *words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"nox {' '.join(words)}: {done.stderr}")
        return done.stdout

    def set_pool(self, *words: str) -> None:
        """Define the pool."""
        size = (f"--cores={CORES}", f"--memory={MEMORY_MB}M", f"--time={TIME}", f"--idle={IDLE_S}s")
        before = f"--before=export PYTHONPATH={self._stand_in}:{ROOT}"
        self.nox("alloc", "set", POOL, *size, before, "--allow-loopback", *words, "--", "--partition=main")

    @contextmanager
    def loop(self) -> Iterator[None]:
        """Keep `nox alloc run` running."""
        process = subprocess.Popen(
            [*NOX, "alloc", "run"],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    def submit(self, count: int, cores: int, nap_s: float = NAP_S, time_limit_s: int = 0) -> list[str]:
        """Store naps, and return their ids."""
        spec = f'{{"kind":"echo","payload":{{"do":"nap","s":{nap_s:g}}}}}'
        jobs = [
            NewJob(
                uuid4().hex, self.owner, "echo", spec, spec, "echo", f"nap{number}", "naps",
                cores=cores, memory_bytes=1 << 26, time_limit_s=time_limit_s,
            )
            for number in range(count)
        ]  # fmt: skip
        with closing(self.ground.store()) as store:
            store.submit(jobs, submission=uuid4().hex)
        return [job.id for job in jobs]

    @property
    def owner(self) -> str:
        """The owner of jobs and pool."""
        return self.environ["NOX_USER"]

    def jobs(self, ids: list[str]) -> list[Job]:
        """Read jobs."""
        with closing(self.ground.store()) as store:
            return store.get_many(ids)

    def wait_done(self, ids: list[str]) -> None:
        """Wait until jobs are done."""
        until(lambda: all(job.state is JobState.DONE for job in self.jobs(ids)), "jobs", 0.5, PATIENCE_S)

    def requests(self) -> int:
        """Count the allocations that were ever requested."""
        return len(self.slurm.jobs("nox."))

    def wait_requested(self, count: int, since_s: float) -> float:
        """Wait until there are `count` requests in all; return the seconds since a time."""
        until(lambda: self.requests() >= count, "a request", 0.1, PATIENCE_S)
        return time.time() - since_s

    def wait_none(self) -> None:
        """Wait until no allocation is pending or runs."""
        queue = ("squeue", "--noheader", "--format=%i")
        until(lambda: not self.slurm.run(*queue).strip(), "the end of all allocations", 0.5, PATIENCE_S)

    def ended(self, prefix: str) -> list[Ended]:
        """List the allocations that have run and ended."""
        found = _ENDED.findall((self.slurm.folder / "completed.txt").read_text())
        times = [
            Ended(name, _seconds(start), _seconds(end))
            for _, name, _, start, end in found
            if name.startswith(prefix)
        ]
        return [one for one in times if one.ended_s > one.started_s]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def measure() -> list[Figure]:
    """Measure all of it: a look alone, then the parts at the same time, each on a cluster of its own."""
    figures = look.measure()
    parts = (requests, calls, work, peer)
    with ThreadPoolExecutor(len(parts)) as pool:
        return [*figures, *(figure for found in pool.map(_measured, parts) for figure in found)]


def _measured(part: Callable[[Site], Iterator[Figure]]) -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nox-alloc-")))
        ground = stack.enter_context(redis_ground())
        ground.environ["NOX_USER"] = "ada"
        slurm = Slurm(folder / "slurm", nodes=NODES, cores=CORES, memory_mb=MEMORY_MB)
        stack.enter_context(slurm)
        return list(part(Site(slurm, ground, folder)))


def requests(site: Site) -> Iterator[Figure]:
    """Measure the time from a submit to the request, with the loop and with looks as cron starts them."""
    site.set_pool("--max=1", "--pending=1")
    looped = []
    with site.loop():
        for _ in range(REPEATS):
            before, since_s = site.requests(), time.time()
            ids = site.submit(1, 1, 1.0)
            looped.append(site.wait_requested(before + 1, since_s))
            site.wait_done(ids)
            site.wait_none()
    yield Figure("submit until its request, with the loop, longest of 3", max(looped), "s", 60)
    by_cron = []
    for _ in range(REPEATS):
        site.nox("alloc", "run", "--once")
        before, since_s, looks = site.requests(), time.time(), 0
        ids = site.submit(1, 1, 1.0)
        while site.requests() == before:
            time.sleep(max(0.0, since_s + CRON_S * (looks + 1) - time.time()))
            site.nox("alloc", "run", "--once")
            looks += 1
        by_cron.append(float(looks))
        site.wait_done(ids)
        site.wait_none()
    yield Figure(f"submit until its request, `--once` every {CRON_S:g} s", max(by_cron), "intervals", 2)


def work(site: Site) -> Iterator[Figure]:
    """Run the jobs that are compared twice: first nothing is known of them, then their time is."""
    site.set_pool(f"--max={NODES}", "--pending=2")
    before = 0
    with site.loop():
        for known, each_s in (("nothing known", ASSUMED_S), ("times known", NAP_S)):
            since_s = time.time()
            ids = [one for count, cores in SHAPES for one in site.submit(count, cores)]
            site.wait_done(ids)
            took_s = time.time() - since_s
            site.wait_none()
            ended = site.ended("nox.")[before:]
            before += len(ended)
            yield from _work_figures(f"nox, {known}", ended, took_s)
            predicted = math.ceil(sum(count * cores for count, cores in SHAPES) * each_s / (CORES * WINDOW_S))
            yield Figure(f"nox, {known}, allocations / predicted", len(ended) / predicted, "x", 1)
            yield Figure(f"nox, {known}, longest idle time", _idle_s(site, ids, ended), "s", IDLE_S + 60)
    yield from _unneeded(site)


def _work_figures(name: str, ended: list[Ended], took_s: float) -> Iterator[Figure]:
    yield Figure(f"{name}, allocations that ran", len(ended), "")
    yield Figure(f"{name}, node time", sum(one.ended_s - one.started_s for one in ended), "s")
    yield Figure(f"{name}, submit to the last end", took_s, "s")


def _idle_s(site: Site, ids: list[str], ended: list[Ended]) -> float:
    """Return the longest time from the last end of a job to the end of its allocation."""
    last_s: dict[str, float] = {}
    for job in site.jobs(ids):
        last_s[job.worker] = max(last_s.get(job.worker, 0.0), (job.ended_ms or 0) / 1_000)
    with closing(site.ground.store()) as store:
        assert store.pools is not None
        workers = {one.name: one.worker for one in store.pools.allocations(site.owner, ended=True)}
    return max(one.ended_s - last_s[workers[one.name]] for one in ended)


def _unneeded(site: Site) -> Iterator[Figure]:
    """Count requests for jobs that no allocation can run, and for jobs that a worker has room for."""
    site.set_pool(f"--max={NODES}", "--pending=2")
    with site.loop():
        before = site.requests()
        site.submit(3, 1, time_limit_s=3_600)
        time.sleep(STANDSTILL_S)
        yield Figure("nox, requests for jobs that are too long", site.requests() - before, "", 0)
        (first,) = site.submit(1, 1, STANDSTILL_S)
        until(lambda: site.jobs([first])[0].state is JobState.RUNNING, "a worker", 0.5, PATIENCE_S)
        before = site.requests()
        ids = site.submit(3, 1)
        time.sleep(STANDSTILL_S)
        yield Figure("nox, requests for jobs that a worker has room for", site.requests() - before, "", 0)
        site.wait_done([first, *ids])


def peer(site: Site) -> Iterator[Figure]:
    """Run the jobs that are compared with HyperQueue, if it is installed."""
    if not has(PROGRAM):
        print(f"{PROGRAM} is not on PATH: HyperQueue is left out", file=sys.stderr)
        return
    slurm = site.slurm
    slurm.environ["PATH"] += os.pathsep + str(Path(shutil.which(PROGRAM) or "").parent)
    limits = (
        f"--time-limit={TIME}",
        f"--idle-timeout={IDLE_S}s",
        "--backlog=2",
        f"--max-worker-count={NODES}",
    )
    size = (f"--cpus={CORES}", "--", f"--cpus-per-task={CORES}", f"--mem={MEMORY_MB}M")
    with hyperqueue(slurm, slurm.folder / "hq", *limits, *size) as queue:
        since_s = time.time()
        for count, cores in SHAPES:
            queue.submit(count, cores, NAP_S)
        queue.wait()
        took_s = time.time() - since_s
        site.wait_none()
        yield from _work_figures("HyperQueue", site.ended("hq-"), took_s)

        def requested() -> int:
            return len(slurm.jobs("hq-"))

        before = requested()
        queue.submit(3, 1, NAP_S, "--time-request=1h")
        time.sleep(STANDSTILL_S)
        yield Figure("HyperQueue, requests for jobs that are too long", requested() - before, "")
        before = requested()
        queue.submit(1, 1, STANDSTILL_S)
        until(lambda: requested() > before, "a request", 0.1, PATIENCE_S)
        time.sleep(IDLE_S / 4)
        before = requested()
        queue.submit(3, 1, NAP_S)
        time.sleep(STANDSTILL_S)
        yield Figure("HyperQueue, requests for jobs that a worker has room for", requested() - before, "")


def calls(site: Site) -> Iterator[Figure]:
    """Count the programs of Slurm that the loop starts in a minute."""
    log = site.slurm.folder / "calls.txt"
    log.touch()
    for program in (site.slurm.folder / "bin").iterdir():
        real = program.resolve()
        write_program(program, f'#!/bin/sh\necho {program.name} >>{log}\nexec {real} "$@"\n')

    def started(what: str) -> Figure:
        time.sleep(CRON_S)
        before = len(log.read_text().split())
        time.sleep(STANDSTILL_S)
        after = len(log.read_text().split())
        return Figure(f"programs of Slurm that the loop starts, {what}", after - before, "a minute", 3)

    site.set_pool("--max=1", "--pending=1")
    with site.loop():
        yield started("no job waits")
        ids = site.submit(1, 1, 3 * STANDSTILL_S)
        until(lambda: site.jobs(ids)[0].state is JobState.RUNNING, "a worker", 0.5, PATIENCE_S)
        yield started("one allocation runs")
        site.wait_done(ids)
        site.wait_none()
        for _ in range(NODES):
            site.slurm.submit(f"--cpus-per-task={CORES}")
        before = site.requests()
        site.submit(1, 1, 1.0)
        site.wait_requested(before + 1, time.time())
        yield started("one allocation is pending")
