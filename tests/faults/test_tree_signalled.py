"""Batch systems and service managers signal each process of a worker, in any order: no progress is lost."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.standin.engine import GO, HELD, HELD_AT
from tests.support.big import write_ice
from tests.support.examples import EXAMPLES
from tests.support.processes import arguments, descendants, end, is_alive, masked
from tests.support.waiting import wait_until
from workers.engine.checkpoint_file import stored
from workers.job import JobState, Reason
from workers.signals import HEEDED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.nox import Nox, Worker
    from workers.job import Job

LIMIT_S = 60.0
END_S = 60.0
MOLECULES = {"hess": "ethanol", "opt": "aspirin"}
TERM, KILL, USR1, XCPU = signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGXCPU
ORDERS = list(itertools.permutations(("worker", "keeper", "engine")))

Blow = tuple[str, signal.Signals]


@dataclass
class Tree:
    """A worker, its keeper and its engine, at work on a job."""

    nox: Nox
    worker: Worker
    job_id: str
    pids: dict[str, int]
    step: int = 0

    @property
    def job(self) -> Job:
        """The job's record."""
        return self.nox.job(self.job_id)

    def strike(self, *blows: Blow) -> None:
        """Send signals, one right after the other."""
        self.step = self.job.progress.step or 0
        self.worker.may_end = True
        for who, number in blows:
            end(self.pids[who], number)

    def reached(self) -> int:
        """How many gradients the next attempt will not have to compute again."""
        with self.nox.store() as store:
            content = store.checkpoint(self.job_id)
        assert content is not None, self.worker.log
        return stored(content).progress

    def assert_kept(self, *codes: int) -> None:
        """Wait for the worker's end; the job waits again, uncounted, and all that was reached is there."""
        assert self.worker.wait(END_S) in codes, self.worker.log
        job = self.job
        assert (JobState.QUEUED, 1, 0, 0) == (job.state, job.attempt, job.losses, job.releases), (
            self.worker.log
        )
        assert (HELD_AT, HELD_AT) == (self.step, job.progress.step)
        assert HELD_AT == self.reached() - (job.kind == "hess")  # whose geometry took one gradient
        wait_until(lambda: not any(map(is_alive, self.worker.family)), 30, "the end of its processes")


def grow(nox: Nox, tmp_path: Path, kind: str, count: int) -> list[Tree]:
    """Start workers with a job each, which stays at a step, and wait until each is there."""
    file = tmp_path / f"{HELD}-{MOLECULES[kind]}.xyz"
    shutil.copy(EXAMPLES / f"{MOLECULES[kind]}.xyz", file)
    job_ids = nox.submit(*[str(file)] * count, f"--{kind}", "--no-start")
    options = ("--slots", "1", "--drain-timeout", "30")
    workers = {one.pid: one for one in [nox.worker(*options, standin=True) for _ in range(count)]}

    def are_far() -> bool:
        with nox.store() as store:
            return all(job.progress.step == HELD_AT for job in store.get_many(job_ids))

    wait_until(are_far, LIMIT_S, lambda: "\n".join(one.log for one in workers.values()))
    trees = []
    for job_id in job_ids:
        worker = workers[int(nox.job(job_id).worker.split("-")[-2])]
        trees.append(Tree(nox, worker, job_id, pids_of(worker)))
    return trees


def pids_of(worker: Worker) -> dict[str, int]:
    """Find the processes of a worker by what they are."""
    (keeper,) = [
        pid for pid in worker.look() if "workers.keeper.process" in arguments(pid) and descendants(pid)
    ]
    (engine,) = [pid for pid in descendants(keeper) if "workers.keeper.process" in arguments(pid)]
    return {"worker": worker.pid, "keeper": keeper, "engine": engine}


def finish(nox: Nox, tmp_path: Path, trees: Sequence[Tree]) -> None:
    """Let another worker end the jobs: each goes on from what was reached."""
    (tmp_path / GO).touch()
    reached = [tree.reached() for tree in trees]
    many = str(len(trees))
    worker = nox.worker("--slots", many, "--cores", many, "--burst", standin=True)
    assert 0 == worker.wait(LIMIT_S)
    with nox.store() as store:
        outcomes = store.outcomes([tree.job_id for tree in trees])
    for tree, progress in zip(trees, reached, strict=True):
        result = json.loads(outcomes[tree.job_id])["result"]
        assert progress == result["provenance"]["continued"]["gradients"]


@pytest.fixture(params=[("hess", "nox"), ("opt", "redis_nox")], ids=["hess-local", "opt-redis"])
def calculation(request: pytest.FixtureRequest) -> tuple[str, Nox]:
    """A kind of calculation, and nox over one of the stores."""
    kind, store = request.param
    return kind, request.getfixturevalue(store)


def test_tree_signalled_all_orders_of_signalling_a_tree(calculation: tuple[str, Nox], tmp_path: Path) -> None:
    """
    In whichever order worker, keeper and engine are sent SIGTERM: the job waits with all that was reached,
    and the next attempt goes on from there.
    """
    kind, nox = calculation
    trees = grow(nox, tmp_path, kind, len(ORDERS))
    for tree, order in zip(trees, ORDERS, strict=True):
        tree.strike(*((who, TERM) for who in order))
    for tree in trees:
        tree.assert_kept(0)
    finish(nox, tmp_path, trees)


def test_tree_signalled_all_signals_that_ask_for_the_end(nox: Nox, tmp_path: Path) -> None:
    """
    Each is as good as another, sent to the process groups of a tree, the engine's first.
    """
    trees = grow(nox, tmp_path, "hess", len(HEEDED))
    for tree, number in zip(trees, HEEDED, strict=True):
        tree.strike()
        for who in ("engine", "keeper", "worker"):
            os.killpg(os.getpgid(tree.pids[who]), number)
    for tree in trees:
        tree.assert_kept(0)


BLOWS: dict[str, list[Blow]] = {
    "all twice": [(who, TERM) for who in ("engine", "keeper", "worker") * 2],
    "a warning, then TERM": [(who, how) for how in (USR1, TERM) for who in ("worker", "engine")],
    "the engine killed as it drains": [("worker", TERM), ("engine", KILL)],
    "the keeper killed as it drains": [("worker", TERM), ("keeper", KILL)],
    "the engine killed before": [("engine", KILL), ("worker", TERM)],
    "the keeper killed before": [("keeper", KILL), ("worker", TERM)],
    "both killed as it drains": [("worker", XCPU), ("keeper", KILL), ("engine", KILL)],
    "a crash as it drains": [("worker", TERM), ("engine", signal.SIGABRT)],
}


def test_tree_signalled_several_signals(nox: Nox, tmp_path: Path) -> None:
    """
    Nor do a second signal, or a kill of keeper or engine just before or during the drain, cost progress.
    """
    trees = grow(nox, tmp_path, "hess", len(BLOWS))
    for tree, blows in zip(trees, BLOWS.values(), strict=True):
        tree.strike(*blows)
    for tree in trees:
        tree.assert_kept(0, 143)  # of two equal signals the second may be one with the first


def test_an_engine_that_is_signalled_alone_has_failed(nox: Nox, tmp_path: Path) -> None:
    """
    Where the worker is not asked to end as well, the job has crashed, and names the signal; the worker lives.
    """
    numbers = (TERM, signal.SIGINT, XCPU)
    trees = grow(nox, tmp_path, "hess", len(numbers))
    for tree, number in zip(trees, numbers, strict=True):
        tree.strike(("engine", number))
    for tree, number in zip(trees, numbers, strict=True):
        nox.wait(tree.job_id, "failed")
        with nox.store() as store:
            failure = json.loads(store.outcomes([tree.job_id])[tree.job_id])["failure"]
        assert (Reason.CRASHED, f"engine crashed: {number.name}") == (failure["reason"], failure["message"])
        assert tree.worker.process.poll() is None


def test_a_keeper_heeds_no_signal_and_its_engine_all(nox: Nox, tmp_path: Path) -> None:
    """
    A signal to the keeper alone changes nothing, and none of them is kept from the engine.
    """
    (tree,) = grow(nox, tmp_path, "hess", 1)
    tree.strike(*(("keeper", number) for number in HEEDED))

    assert set(HEEDED) <= masked(tree.pids["keeper"], "SigIgn")
    assert set() == set(HEEDED) & (
        masked(tree.pids["engine"], "SigIgn") | masked(tree.pids["engine"], "SigBlk")
    )
    (tmp_path / GO).touch()
    nox.wait(tree.job_id, "completed")
    assert "starting again" not in tree.worker.log


def test_a_keeper_that_is_signalled_as_it_starts(nox: Nox) -> None:
    """
    However early the signal comes, the job runs as ever.
    """
    (job_id,) = nox.submit("--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")
    worker = nox.worker("--slots", "1", standin=True)

    def strike() -> bool:
        for pid in descendants(worker.pid):
            with suppress(ProcessLookupError):
                if os.getsid(pid) == pid:
                    for number in HEEDED:
                        os.kill(pid, number)
        return nox.job(job_id).state is JobState.DONE

    wait_until(strike, LIMIT_S, lambda: worker.log)
    assert "starting again" not in worker.log


def test_a_job_whose_keeper_is_killed_goes_on_from_its_checkpoint(
    calculation: tuple[str, Nox], tmp_path: Path
) -> None:
    """
    It does not begin anew, nor does its record: what is computed twice is next to nothing.
    """
    kind, nox = calculation
    (tree,) = grow(nox, tmp_path, kind, 1)
    tree.strike(("keeper", KILL))
    tree.worker.wait_log("the keeper of the engine was killed, starting again")
    (tmp_path / GO).touch()

    def is_done() -> bool:
        job = tree.job
        assert HELD_AT <= (job.progress.step or 0) or job.state is JobState.DONE
        return job.state is JobState.DONE

    wait_until(is_done, LIMIT_S, lambda: tree.worker.log)
    with nox.store() as store:
        result = json.loads(store.outcomes([tree.job_id])[tree.job_id])["result"]
    assert (1, 0) == (tree.job.attempt, tree.job.losses)
    assert HELD_AT <= result["provenance"]["continued"]["gradients"]


@pytest.mark.parametrize("number", [TERM, signal.SIGINT, signal.SIGHUP])
def test_a_program_that_is_signalled_before_the_worker(
    nox: Nox, tmp_path: Path, number: signal.Signals
) -> None:
    """
    A program that catches signals, as xtb does, and ends in its own way, was killed as well.
    """
    (job_id,) = nox.submit(write_ice(tmp_path / "ice.xyz", 3), "--opt", "--engine", "xtb-cli", "--no-start")
    worker = nox.worker("--slots", "1")

    def programs() -> set[int]:
        return {pid for pid in descendants(worker.pid) if "--opt" in arguments(pid)}

    wait_until(programs, LIMIT_S, lambda: worker.log)
    wait_until(lambda: nox.job(job_id).progress.step, LIMIT_S, lambda: worker.log)
    worker.may_end = True
    for pid in (*programs(), worker.pid):
        end(pid, number)

    assert 0 == worker.wait(END_S)
    assert (JobState.QUEUED, 0) == (nox.job(job_id).state, nox.job(job_id).losses), worker.log
