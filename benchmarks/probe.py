"""A client in another process: submits a lone job for each line it reads, and writes how long that took.

It runs with the nox that PYTHONPATH names, which may be an earlier one: it uses what all have had.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from benchmarks import handing
from benchmarks.ground import Ground
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store

# The fields of a job that hand_over does not know, which make a job like a stored one.
_ALIKE = ("kind", "engine", "formula", "atoms", "memory_bytes")


def lone_s(store: Store, ground: Ground, number: int) -> float:
    """Time a job in seconds, from before its submit to the event that it is done."""
    cursor = store.events(None).cursor
    start = time.perf_counter()
    handing.hand_over(store, ground, {"n": number})
    while True:
        events = store.events(cursor, wait_s=1.0)
        if any(event.state is JobState.DONE for event in events.items):
            return time.perf_counter() - start
        cursor = events.cursor


def main() -> None:
    """Run one job for each line: echo, or like the stored job whose id is in the line."""
    ground = Ground(dict(os.environ), Path(os.environ["NOX_HOME"]), os.environ.get("REDIS_URL"))
    store = ground.store()
    new_job: Callable[..., object] = vars(handing)["NewJob"]
    for number, line in enumerate(sys.stdin):
        make = new_job
        if job_id := line.strip():
            stored = store.get(job_id)
            alike = {name: getattr(stored, name) for name in _ALIKE} | {"spec_json": store.spec(job_id)}
            make = partial(_alike, new_job, alike)
        with mock.patch.object(handing, "NewJob", make):
            print(lone_s(store, ground, number), flush=True)


def _alike(make: Callable[..., object], alike: dict[str, object], **fields: object) -> object:
    return make(**fields | alike)


if __name__ == "__main__":
    main()
