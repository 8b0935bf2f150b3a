"""Jobs that run until a file appears, for workers with the stand-in engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.processes import arguments, descendants
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker

START_S = 60.0


def submit_lingering(nox: Nox, until: Path, count: int = 1) -> list[str]:
    """Hand over jobs that run until the file is there; return their ids."""
    # Very many do not report so often that nothing else is done.
    deed = {"do": "linger", "until": str(until), "every_s": max(0.05, count / 100)}
    job = json.dumps({"kind": "echo", "payload": deed})
    return nox("submit", "-", "--no-start", input=f"{job}\n" * count, check=True).stdout.split()


def engines(worker: Worker) -> set[int]:
    """Find the processes that compute a worker's jobs: below its keepers."""
    keepers = [pid for pid in worker.look() if "workers.keeper.process" in arguments(pid)]
    return set[int]().union(*map(descendants, keepers))


def wait_running(nox: Nox, job_ids: list[str], workers: list[Worker]) -> None:
    """Wait until all of these jobs compute."""

    def logs() -> str:
        return "\n".join(worker.log for worker in workers)

    limit_s = START_S + 2 * len(job_ids)
    with nox.store() as store:
        wait_until(lambda: all(job.progress.step for job in store.get_many(job_ids)), limit_s, logs)
