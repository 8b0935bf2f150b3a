"""Workers are killed while their slots hold several short jobs; every job's history is checked afterwards."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from benchmarks.soak.gather import kept_events
from tests.support.signed import LIMIT_S, signatures
from tests.support.waiting import wait_until
from workers.job import MAX_BUNDLED, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.support.nox import Nox, Worker
    from workers.job import Attempt, Job

SEED = 1
SLOTS = 2
# More of them by a variable: each takes a second, and the last loss is known after six.
KILLS = int(os.environ.get("BUNDLE_KILLS", "3"))
# A worker is killed once it has done this many jobs: at least so many that its slots hold several.
DONE = (30, 150)
WAITING = 250
STAGE = DONE[1] + WAITING
JOBS = KILLS * STAGE
# Of those that wait, as many as the slots may hold do not end before the worker is killed, however late.
GATE = range(DONE[1] + 50, DONE[1] + 50 + SLOTS * MAX_BUNDLED)
LOST = "worker_lost"
RELEASED = "given_back"


def submit(nox: Nox, books: Path) -> dict[str, Path]:
    """Hand over short jobs, each of which signs a book of its own; return the books by id."""
    books.mkdir()
    paths = [books / f"{number}" for number in range(JOBS)]
    untils = [
        gate(books, number // STAGE) if number % STAGE in GATE else path for number, path in enumerate(paths)
    ]
    deeds = [
        {"do": "sign", "book": str(path), "until": str(until)}
        for path, until in zip(paths, untils, strict=True)
    ]
    lines = "\n".join(json.dumps({"kind": "echo", "payload": deed}) for deed in deeds)
    return dict(zip(nox.submit("-", "--no-start", input=lines), paths, strict=True))


def gate(books: Path, kill: int) -> Path:
    """Return the file that is there once a worker was killed, the first being number 0."""
    return books / f"after-{kill}"


def kill_worker(start: Callable[[], Worker], nox: Nox, jobs: int) -> int:
    """Kill a worker once it has done so many jobs, while others wait; return its process."""
    with nox.store() as store:
        wanted = store.counts().get(JobState.DONE, 0) + jobs
        worker = start()
        wait_until(
            lambda: store.counts().get(JobState.DONE, 0) >= wanted, LIMIT_S, lambda: worker.log[-5_000:]
        )
        worker.kill()
        assert store.counts().get(JobState.QUEUED, 0) > 0
    return worker.pid


def run_the_rest(start: Callable[[], Worker], nox: Nox) -> None:
    """Let one more worker do what is left, and end in good order."""
    worker = start()
    with nox.store() as store:
        wait_until(lambda: store.counts() == {JobState.DONE: JOBS}, LIMIT_S, lambda: worker.log[-5_000:])
    worker.process.terminate()
    assert 0 == worker.wait()


def broken_rules(nox: Nox, books: dict[str, Path], killed: set[int]) -> Iterator[str]:
    """Compare every job's record, attempts, events and runs with one another."""
    events = defaultdict(list)
    with nox.store() as store:
        for event in kept_events(store):
            events[event.job_id].append(event.state)
        outcomes, lost = store.outcomes(list(books)), Counter[str]()
        for job_id, book in books.items():
            job, earlier = store.get(job_id), store.attempts(job_id)
            lost.update(one.worker for one in earlier if one.ended_as == LOST)
            outcome = json.loads(outcomes[job_id])
            for what in _of_job(job, earlier, events[job_id], signatures(book), outcome, killed):
                yield f"{job_id}: {what}"
        yield from (f"{worker} cost {times} jobs a loss" for worker, times in lost.items() if times > SLOTS)
        yield from store.audit()


def _of_job(
    job: Job,
    earlier: Sequence[Attempt],
    states: Sequence[JobState],
    runs: Sequence[int],
    outcome: dict[str, object],
    killed: set[int],
) -> Iterator[str]:
    rounds = [JobState.RUNNING, JobState.QUEUED] * len(earlier)
    if states != [JobState.QUEUED, *rounds, JobState.RUNNING, JobState.DONE]:
        yield f"its states were {states}"
    if [one.number for one in earlier] != list(range(1, job.attempt)):
        yield f"attempt {job.attempt} ended it, after {earlier}"
    if any(one.ended_as not in {LOST, RELEASED} or _pid(one) not in killed for one in earlier):
        yield f"no worker was killed for one of {earlier}"
    if job.losses != sum(one.ended_as == LOST for one in earlier):
        yield f"{job.losses} losses are counted, of {earlier}"
    if not 1 <= len(runs) <= job.attempt:
        yield f"it ran {len(runs)} times in {job.attempt} attempts"
    if (outcome["attempt"], outcome["result"]) != (job.attempt, {"kind": "echo", "payload": runs[-1]}):
        yield f"its last run was {runs[-1]}, and its outcome is {outcome}"


def spared(nox: Nox, books: dict[str, Path]) -> int:
    """Count the attempts that were released before they had begun."""
    with nox.store() as store:
        return sum(not one.ran for job_id in books for one in store.attempts(job_id))


def _pid(attempt: Attempt) -> int:
    return int(attempt.worker.rsplit("-", 2)[1])


@pytest.mark.timeout(60 + 30 * KILLS)
@pytest.mark.parametrize("bundle", [32, pytest.param(1, marks=pytest.mark.long)])
def test_workers_killed_inside_bundles_cost_at_most_one_loss_a_slot(
    any_nox: Nox, tmp_path: Path, bundle: int
) -> None:
    """
    Each job is done once and recorded once; only jobs that had begun count a loss, and nothing is left.
    """
    nox, rng, scratch = any_nox, Random(SEED), tmp_path / "tmp"
    scratch.mkdir()
    words, environ = ("--slots", f"{SLOTS}", "--bundle", f"{bundle}"), {"TMPDIR": str(scratch)}
    start = partial(nox.worker, *words, standin=True, env=environ)
    books = submit(nox, tmp_path / "books")
    killed = set()
    for kill in range(KILLS):
        killed.add(kill_worker(start, nox, rng.randint(*DONE)))
        gate(tmp_path / "books", kill).touch()
    run_the_rest(start, nox)

    assert [] == list(broken_rules(nox, books, killed))
    assert [] == list(scratch.glob("*/*"))
    wait_until(lambda: not nox.processes(), 30, "the end of all processes")
    assert (bundle > 1) == (spared(nox, books) > 0)
