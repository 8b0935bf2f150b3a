"""The clock of Redis is put forward or back, under workers whose own clocks go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import ShiftedRedis
from tests.support.lingering import submit_lingering, wait_running
from tests.support.nox import Nox
from tests.support.waiting import wait_until
from workers.store.base import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.values import WorkerSeen

HOUR_S = 3_600
# Long enough on a busy machine, and nothing beside an hour.
TAKEN_OVER_S = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShiftedRedis]:
    """A Redis of this test's own."""
    folder = tmp_path / "redis"
    folder.mkdir()
    started = ShiftedRedis(folder)
    yield started
    started.close()


@pytest.fixture
def nox(home: Path, server: ShiftedRedis) -> Iterator[Nox]:
    """Real nox processes over that Redis."""
    driven = Nox(home, server.url)
    yield driven
    driven.close()


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_a_living_worker_keeps_its_lease(nox: Nox, server: ShiftedRedis, tmp_path: Path, by_s: int) -> None:
    """
    Whichever way the clock jumps, the job is not taken from its worker, and no age is less than nothing.
    """
    go = tmp_path / "go"
    (job_id,) = submit_lingering(nox, go)
    workers = [nox.worker("--slots", "1", standin=True) for _ in range(2)]
    wait_running(nox, [job_id], workers)
    server.shift(by_s)
    with nox.store() as store, server.client() as client:
        shifted_ms = client.time()[0] * 1_000

        def have_ticked_for_long() -> bool:
            seen: list[WorkerSeen] = store.workers()
            return all(0 < worker.last_seen_ms - shifted_ms - 1_200 * LEASE_S < HOUR_S for worker in seen)

        wait_until(have_ticked_for_long, 60, lambda: workers[0].log + workers[1].log)
    for words in (("status", job_id), ("list",), ("worker", "list")):
        assert not re.search(r"(^|\s)-\d", nox(*words, check=True).stdout)
    go.touch()

    nox.wait(job_id, "completed")
    assert (1, 0) == (nox.job(job_id).attempt, nox.job(job_id).losses)


def test_a_lease_is_not_prolonged_by_a_clock_put_back(nox: Nox, server: ShiftedRedis, tmp_path: Path) -> None:
    """
    A job whose worker dies as the clock goes back an hour is taken up in seconds, not in an hour.
    """
    go = tmp_path / "go"
    (job_id,) = submit_lingering(nox, go)
    lost = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [job_id], [lost])
    lost.freeze()
    server.shift(-HOUR_S)
    lost.kill()
    other = nox.worker("--slots", "1", standin=True)

    wait_until(lambda: nox.job(job_id).attempt == 2, TAKEN_OVER_S, lambda: other.log)
    go.touch()
    nox.wait(job_id, "completed")
    with nox.store() as store:
        wait_until(
            lambda: sum(seen.alive for seen in store.workers()) == 1, TAKEN_OVER_S, "one living worker"
        )
