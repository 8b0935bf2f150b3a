"""Two people on one Redis: manners without a boundary, and the boundary that docs/redis.md describes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import Nox
from workers.store.pools import AutoscalerLease, PoolDefinition
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer

DOCS = Path(__file__).resolve().parents[2] / "docs" / "redis.md"


def documented(word: str) -> str:
    """Find the one line of docs/redis.md that begins with a word, as a person would copy it."""
    (line,) = (text.strip() for text in DOCS.read_text().splitlines() if text.strip().startswith(word))
    return line


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis on which ada and bob have users of their own, made by the documented line."""
    started = fresh_redis()
    with started.client() as client:
        for name in ("ada", "bob"):
            line = documented("ACL SETUSER").replace("ada", name).replace("PASSWORD", f"of-{name}")
            client.execute_command(*shlex.split(line))
        client.execute_command("ACL", "SETUSER", "default", "off")
    yielded: RedisServer = started
    return yielded


def person(tmp_path: Path, server: RedisServer, name: str) -> Nox:
    """Make the nox of a person as docs/redis.md says."""
    folder = tmp_path / name
    (folder / "state").mkdir(mode=0o700, parents=True)
    driven = Nox(folder / "state", f"redis://{name}:of-{name}@127.0.0.1:{server.port}/0")
    prefix = documented("export NOX_PREFIX=").partition("=")[2].replace("ada", name)
    driven.environ |= {"NOX_PREFIX": prefix, "NOX_USER": name}
    return driven


@pytest.fixture
def people(tmp_path: Path, server: RedisServer) -> Iterator[tuple[Nox, Nox]]:
    """Ada and bob."""
    both = person(tmp_path, server, "ada"), person(tmp_path, server, "bob")
    yield both
    for driven in both:
        driven.close()


def test_a_person_with_a_prefix_can_do_everything(people: tuple[Nox, Nox]) -> None:
    """
    With the documented user and prefix, jobs are submitted, run, watched, listed, cancelled and examined.
    """
    ada, _ = people
    worker = ada.worker("--slots", "1")
    worker.wait_log("1 slot")
    (job_id,) = ada.submit("--kind", "echo", "--payload", "1", "-q")
    said = {
        words: ada(*words.split()).returncode
        for words in (f"wait {job_id} --timeout 60", "watch @last", "list", "status", "results @all",
                      "worker list", "submit --kind echo --require-durable --no-start -q")
    }  # fmt: skip
    doctor = ada("doctor", "--json")

    assert set(said.values()) == {0}, said
    assert "NOPERM" not in doctor.stdout + doctor.stderr + worker.log


def test_a_person_with_a_prefix_has_pools(people: tuple[Nox, Nox]) -> None:
    """
    They are defined, leased, changed, joined, made whole after damage and removed; others' are not reached.
    """
    stores = [
        RedisStore.open(StoreSettings(one.redis_url, one.environ["NOX_PREFIX"], one.home)) for one in people
    ]
    ada, bob = (store.pools for store in stores)
    for pools, token in ((ada, "0123456789abcdef"), (bob, "4567456745674567")):
        pools.define("x", "cpu", PoolDefinition(1, 2**30, 3_600), "0" * 64)
        lease = pools.acquire("x", "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        new: dict[str, object] = {"state": "pending", "cores": 1, "memory_bytes": 2**30, "time_s": 3_600}
        pools.record(lease, "cpu", {"wish": 1}, [(token, new | {"intended_ms": 1})])
        assert pools.join(token, "w-1-a")
        pools.part(token, "w-1-a", 1)
        pools.release(lease)
        assert () == pools.demand("x").shapes
    ada._client.execute("SET", "ada:pools", "of another program")

    assert ["cpu"] == [pool.name for pool in ada.pools()]
    for pools, token in ((ada, "0123456789abcdef"), (bob, "4567456745674567")):
        assert [token] == [one.token for one in pools.allocations()]
        assert 2 == len({event.state for event in stores[pools is bob].events("0").allocations})
    assert ada.remove("x", "cpu")
    assert ["cpu"] == [pool.name for pool in bob.pools()]
    for store in stores:
        store.close()


def test_a_prefix_is_a_boundary(people: tuple[Nox, Nox]) -> None:
    """
    Bob sees none of ada's jobs, and is refused when he asks for her prefix, to read or to write.
    """
    ada, bob = people
    (job_id,) = ada.submit("--kind", "echo", "--no-start", "-q")
    (number,) = (job["number"] for job in json.loads(ada("list", "--json").stdout)["items"])
    hers = {"NOX_PREFIX": "ada:"}
    tried = [
        bob(*words.split(), env=hers)
        for words in ("list --all-users", f"status {job_id}", f"cancel {number} --any-user -y",
                      "submit --kind echo --no-start", "worker --idle-timeout 1")
    ]  # fmt: skip

    assert [] == json.loads(bob("list", "--all-users", "--json").stdout)["items"]
    assert [4] * len(tried) == [ended.returncode for ended in tried], tried
    assert [] == [ended.stdout for ended in tried if ended.stdout]
    assert "pending" == ada.status(job_id)["state"]
    assert 1 == len(json.loads(ada("list", "--all-users", "--json").stdout)["items"])
    assert "of-bob" not in "".join(ended.stderr for ended in tried)


def test_other_people_without_a_boundary_there_are_manners(redis_nox: Nox) -> None:
    """
    On a shared prefix a list shows one's own jobs, and another's is cancelled only by --any-user.
    """
    bob = {"NOX_USER": "bob"}
    (job_id,) = redis_nox.submit("--kind", "echo", "--no-start", "-q", env={"NOX_USER": "ada"})
    seen = [
        json.loads(redis_nox("list", *words, "--json", env=bob).stdout)["items"]
        for words in ([], ["--all-users"])
    ]
    refused = redis_nox("cancel", job_id, "-y", env=bob)
    before = redis_nox.status(job_id)["state"]
    redis_nox("cancel", job_id, "-y", "--any-user", env=bob, check=True)

    assert [0, 1] == [len(items) for items in seen]
    assert (False, "pending") == (refused.returncode == 0, before)
    assert "--any-user" in refused.stderr
    assert "cancelled" == redis_nox.status(job_id)["state"]
