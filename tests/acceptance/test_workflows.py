"""Workflows across processes: calculations that follow each other, workers that come and die meanwhile."""

from __future__ import annotations

import json
import math
import signal
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.nox import Nox

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
    Levels of jobs after jobs: a worker is killed with jobs of the first, others join and drain; each job ends
    once, after all those that it waits for, and what a failure keeps from starting does not run.
    """
    nox, flag = any_nox, any_nox.cwd / "flag"
    first, second = (nox.worker("--slots", "2", standin=True) for _ in range(2))
    levels = [submitted(nox, *[{"do": "linger", "until": str(flag)}] * 4)]
    for _ in range(3):
        levels.append(submitted(nox, *[{"do": "tell"}] * 4, after=levels[-1]))
    (bad,) = submitted(nox, {"do": "fail", "with": "scf"}, after=levels[0])
    (never,) = submitted(nox, {"do": "tell"}, after=[bad])
    (rescue,) = submitted(nox, {"do": "tell"}, after=[bad], option="--after-fail")
    with nox.store() as store:
        wait_until(
            lambda: store.counts().get(JobState.RUNNING) == len(levels[0]), LIMIT_S, "all of them to run"
        )
        first.kill()
        nox.worker("--slots", "2", standin=True)
        flag.touch()
        wait_until(lambda: store.get(levels[1][0]).state is JobState.DONE, LIMIT_S, "the second level")
        second.kill(signal.SIGTERM)
        wait_until(
            lambda: all(state.is_final for state in store.counts()), LIMIT_S, lambda: str(store.counts())
        )
        for above, below in pairwise(levels):
            newest = max(job.ended_ms or 0 for job in store.get_many(above))
            assert newest <= min(job.started_ms or 0 for job in store.get_many(below))
        ends = [job.state for job in store.get_many([bad, never, rescue])]
        assert [JobState.FAILED, JobState.CANCELLED, JobState.DONE] == ends
        assert 2 == sum(job.losses for job in store.get_many(levels[0]))
    for job_id in (job_id for level in levels for job_id in level):
        assert 1 == nox.history(job_id).count("done")


def submitted(
    nox: Nox, *deeds: dict[str, str], after: Sequence[str] = (), option: str = "--after"
) -> list[str]:
    """Submit deeds of the stand-in engine that wait for other jobs."""
    requests = "".join(json.dumps({"kind": "echo", "payload": deed}) + "\n" for deed in deeds)
    words = [word for job_id in after for word in (option, job_id)]
    return nox.submit("--no-start", *words, "-", input=requests)
