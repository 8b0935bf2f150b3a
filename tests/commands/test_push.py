"""`nox push`: what waits here goes to Redis, and what is printed of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import free_port
from tests.support.stores import claim, new_job, submit, submit_named
from workers.job import Parent
from workers.store.opening import open_local
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox
    from workers.store.base import Store


@pytest.fixture
def local(redis_nox: Nox) -> Iterator[Store]:
    """The local store beside the Redis of `redis_nox`."""
    found = open_local(StoreSettings(None, "nox:", redis_nox.home))
    yield found
    found.close()


@pytest.fixture
def ada(redis_nox: Nox) -> Nox:
    """Whose jobs these are."""
    redis_nox.environ["NOX_USER"] = "ada"
    return redis_nox


def test_numbers_are_mapped(ada: Nox, local: Store) -> None:
    """
    A line a job names its number here, its number there and its id; a repetition has nothing to do.
    """
    ada("submit", "--kind", "echo", check=True)
    ids = submit_named(local, "x y")
    pushed = ada("push", check=True).stdout.splitlines()

    assert [["1", "->", "2", ids[0], "x"], ["2", "->", "3", ids[1], "y"]] == [s.split() for s in pushed[:2]]
    assert pushed[2].startswith("handed 2 jobs to 127.0.0.1:")
    again = ada("push", check=True)
    assert again.stdout.startswith("handed nothing over (local: ")
    explained = ada("explain", "1", "--local", check=True).stdout
    assert "was handed to redis" in explained
    assert f"nox status {ids[0]}" in explained


def test_json_and_ids(ada: Nox, local: Store) -> None:
    """
    JSON holds both stores, both numbers, and what stays and why; -q prints ids.
    """
    first, second = submit_named(local, "first second")
    claim(local)
    submit(local, new_job("child", parents=(Parent(first),)))
    document = json.loads(ada("push", "--json", check=True).stdout)

    (job,) = document["jobs"]
    assert {"job_id": second, "number": 2, "name": "second", "job_id_there": second, "number_there": 1} == job
    (left,) = document["left"]
    assert (3, "job 1 runs here: push again once it has ended") == (left["number"], left["why"])
    assert ("local", "redis") == (document["store"]["kind"], document["to"]["kind"])
    (third,) = submit_named(local, "third")
    ended = ada("push", "-q", check=True)
    assert f"{third}\n" == ended.stdout
    assert "warning: 1 job stays here: job 1 runs here" in ended.stderr


def test_push_some_are_named(ada: Nox, local: Store) -> None:
    """
    Selectors name jobs of the local store; those that name none are an error.
    """
    submit_named(local, "x y z")
    ada("push", "2", check=True)

    assert ["queued", "cancelled", "queued"] == [
        job.state for job in local.get_many(local.with_numbers(1, 3))
    ]
    assert 3 == ada("push", "7").returncode


def test_push_there_must_be_a_redis(nox: Nox) -> None:
    """
    Without REDIS_URL, or with --local, nothing is handed over, and it is said why.
    """
    ended = nox("push")
    assert 4 == ended.returncode
    assert "REDIS_URL is not set" in ended.stderr
    forced = nox("push", "--local")
    assert 4 == forced.returncode
    assert "--local chooses the local store" in forced.stderr


def test_recalling_is_asked_about(ada: Nox, local: Store) -> None:
    """
    Recalling needs --yes where nobody can be asked, and no redis.
    """
    submit_named(local, "x")
    gone: dict[str, str | None] = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    refused = ada("push", "--recall", env=gone)

    assert 2 == refused.returncode
    assert "would run twice" in refused.stderr
    assert ada("push", "--recall", "--yes", env=gone, check=True).stdout.startswith("0 jobs held here again")
    assert {"recalled": 0}.items() <= json.loads(ada("push", "--recall", "--yes", "--json").stdout).items()
