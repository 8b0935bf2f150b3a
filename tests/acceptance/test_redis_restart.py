"""A Redis that goes away and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES
from tests.support.nox import Nox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis of this test's own, with an append-only file."""
    return fresh_redis(appendonly="yes")


@pytest.fixture
def nox(home: Path, server: RedisServer) -> Iterator[Nox]:
    """Real nox processes over that Redis."""
    driven = Nox(home, server.url)
    yield driven
    driven.close()


def test_jobs_survive_a_restart(nox: Nox, server: RedisServer) -> None:
    """
    With an append-only file an ended job and a waiting one are there after a restart, and the latter runs.
    """
    (ended,) = nox.submit(str(EXAMPLES / "water.xyz"), "--no-start")
    assert 0 == nox.worker("--idle-timeout", "1").wait(60)
    (waiting,) = nox.submit(str(EXAMPLES / "methanol.xyz"), "--no-start")
    before = [nox.job(ended), nox.job(waiting)]
    server.stop()
    assert 4 == nox("status", ended).returncode
    server.start()

    assert before == [nox.job(ended), nox.job(waiting)]
    assert 0 == nox.worker("--idle-timeout", "1").wait(60)
    assert "completed" == nox.status(waiting)["state"]


def test_a_worker_outlives_a_restart(nox: Nox, server: RedisServer) -> None:
    """
    A worker that lost its Redis goes on by itself once it is back.
    """
    nox.worker("--slots", "1")
    (first,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    nox.wait(first, "completed")
    server.kill()
    server.start()
    (second,) = nox.submit("--kind", "echo", "--payload", "2", "--no-start")

    nox.wait(second, "completed")
