"""The tests' own ground: waiting, servers, environments."""

from __future__ import annotations

import os
import subprocess
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import Nox
from tests.support.processes import is_alive
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer


def test_waiting_returns_what_the_condition_found() -> None:
    """
    The first true value ends the wait.
    """
    numbers = count()

    assert 1 == wait_until(lambda: next(numbers), 1.0, "the first number that is not 0")


def test_waiting_fails_with_what_was_waited_for() -> None:
    """
    A limit that is reached is a failure that says what did not come.
    """
    with pytest.raises(AssertionError, match=r"not within 0.02 s: the moon"):
        wait_until(lambda: False, 0.02, "the moon")


def test_ground_nothing_of_the_callers_environment_is_left() -> None:
    """
    Neither a store's address nor a setting nor an allocation reaches nox from outside.
    """
    foreign = [name for name in os.environ if name.startswith(("NOX_", "XDG_", "SLURM_", "REDIS_URL"))]

    assert [] == foreign


def test_every_test_finds_the_shared_redis_empty(redis_server: RedisServer, redis_url: str) -> None:
    """
    The shared server is real, and holds nothing of an earlier test.
    """
    assert redis_url == redis_server.url
    with redis_server.client() as client:
        assert 0 == client.dbsize()
        client.set("left", "behind")


def test_a_killed_redis_comes_back_with_what_it_had_written(fresh_redis: StartRedis) -> None:
    """
    A server of one's own keeps its port and its append-only file over a crash.
    """
    server = fresh_redis(appendfsync="always")
    with server.client() as client:
        client.set("kept", "1")
    server.kill()
    server.start()

    with server.client() as client:
        assert b"1" == client.get("kept")


def test_a_process_has_this_tests_state_directory_and_no_other(nox: Nox, home: Path) -> None:
    """
    A nox process is handed an environment that was made for it.
    """
    assert str(home) == nox.environ["NOX_HOME"]
    assert "REDIS_URL" not in nox.environ


def test_a_worker_that_died_unasked_is_a_failure(home: Path) -> None:
    """
    A test cannot pass while one of its workers ended on its own.
    """
    driven = Nox(home)
    worker = driven.worker("--no-such-option")
    wait_until(lambda: worker.process.poll() is not None, 20.0, "the worker's end")

    with pytest.raises(AssertionError, match="exit 2"):
        driven.close()


def test_a_process_that_is_left_is_a_failure_and_is_ended(home: Path) -> None:
    """
    Whatever carries the test's state directory in its environment belongs to the test.
    """
    driven = Nox(home)
    with subprocess.Popen(["sleep", "60"], env=driven.environ) as stray:
        # Popen returns while the kernel still loads the program, when /proc shows no environment yet.
        wait_until(lambda: stray.pid in driven.processes(), 20.0, "the environment of the stray process")
        with pytest.raises(AssertionError, match="sleep 60"):
            driven.close()
        wait_until(lambda: not is_alive(stray.pid), 5.0, "the end of the stray process")
