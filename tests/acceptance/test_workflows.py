"""Workflows across processes: calculations that follow each other, workers that come and die meanwhile."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.examples import EXAMPLES
from tests.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.nox import Nox

FILES = [str(EXAMPLES / f"{name}.xyz") for name in ("water", "methanol", "ethanol")]
LIMIT_S = 90.0


def test_optimise_then_frequencies_then_the_lowest_better(any_nox: Nox) -> None:
    """
    Frequencies are of the geometries that the optimisations end with, handed over before these began; the
    results of a batch choose what is computed next.
    """
    nox = any_nox
    opt = nox.submit(*FILES, "--opt", "--no-start", "--batch", "conf")
    hess = nox.submit("--from", "@last", "--hess", "--no-start")
    nox.worker("--slots", "2")
    assert 0 == nox("wait", *hess, "--timeout", "60").returncode
    with nox.store() as store:
        ends = {job_id: json.loads(text)["result"] for job_id, text in store.outcomes([*opt, *hess]).items()}
    for first, second in zip(opt, hess, strict=True):
        assert ends[first]["positions_angstrom"] == ends[second]["positions_angstrom"]
        assert math.isclose(ends[first]["energy_hartree"], ends[second]["energy_hartree"], abs_tol=1e-7)
        assert first == ends[second]["provenance"]["source_job"]
        assert ends[second]["thermochemistry"] is not None
    chosen = nox("results", "@batch:conf", "-o", "ids", "--limit", "1", check=True).stdout
    (better,) = nox("submit", "--from", "-", "--ohess", "--no-start", input=chosen, check=True).stdout.split()
    assert 0 == nox("wait", better, "--timeout", "60").returncode
    assert nox.job(chosen.strip()).name == nox.job(better).name


def test_a_workflow_survives_its_workers(any_nox: Nox) -> None:
    """
    Levels of jobs after jobs: whichever worker is killed, joins or drains, each job ends once, after all
    those that it waits for.
    """
    nox = any_nox
    workers = [nox.worker("--slots", "2") for _ in range(2)]
    levels: list[list[str]] = [nox.submit("--no-start", "-", input=requests(6))]
    for _ in range(4):
        above = ",".join(str(nox.job(job_id).number) for job_id in levels[-1])
        levels.append(nox.submit("--no-start", "--after", above, "-", input=requests(6)))
    workers[0].kill()
    workers.append(nox.worker("--slots", "2"))
    with nox.store() as store:
        wait_until(lambda: JobState.DONE in store.counts(), LIMIT_S, "the first end")
        workers[1].kill()
        workers.append(nox.worker("--slots", "1"))
        everyone = [job_id for level in levels for job_id in level]
        wait_until(
            lambda: {JobState.DONE: len(everyone)} == dict(store.counts()),
            LIMIT_S,
            lambda: str(store.counts()),
        )
        for above_, below in pairwise(levels):
            newest = max(job.ended_ms or 0 for job in store.get_many(above_))
            assert newest <= min(job.started_ms or 0 for job in store.get_many(below))
    for job_id in everyone:
        assert 1 == nox.history(job_id).count("done")


def requests(count: int) -> str:
    """Write echo requests, a line each."""
    return "".join(json.dumps({"kind": "echo", "payload": number}) + "\n" for number in range(count))
