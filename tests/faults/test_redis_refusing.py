"""A Redis that answers and refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import by_client
from tests.support.redis_stand_in import StandIn, bulk, saying
from tests.support.stores import submit_named
from tests.support.waiting import wait_until
from workers.errors import StoreRefused, StoreUnreachable
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer

both_ways = pytest.mark.parametrize("plain", [False, True], ids=["redis-py", "socket"])
SECRET = "canary-7f3a"


def open_at(url: str, home: Path, *, plain: bool = True) -> RedisStore:
    """Open the store at a URL, through a plain socket or redis-py."""
    return RedisStore.open(StoreSettings(url if plain else by_client(url), "nox:", home))


def with_user(server: RedisServer, *rules: str) -> str:
    """Make a user with these rules; return the URL to come in by."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "kim", "on", f">{SECRET}", "~nox:*", *rules)
    return f"redis://kim:{SECRET}@127.0.0.1:{server.port}/0"


@both_ways
def test_a_wrong_password_is_refused_and_not_shown(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    Which server, and that it was the password; neither the right one nor the wrong one.
    """
    server = fresh_redis(requirepass="right-canary")

    with pytest.raises(StoreRefused) as caught:
        open_at(f"redis://:{SECRET}@127.0.0.1:{server.port}/0", home, plain=plain)
    assert f"redis at 127.0.0.1:{server.port} refused the name or password" == caught.value.what
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"


@both_ways
def test_a_missing_password_is_told(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    A server that wants one says so.
    """
    server = fresh_redis(requirepass=SECRET)

    with pytest.raises(StoreRefused, match="wants a password"):
        open_at(f"redis://127.0.0.1:{server.port}/0", home, plain=plain)


@both_ways
def test_a_password_file_opens(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    The password may lie in a file instead of the URL.
    """
    server = fresh_redis(requirepass=SECRET)
    path = home / "password"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    url = f"redis://127.0.0.1:{server.port}/0"
    store = RedisStore.open(StoreSettings(url if plain else by_client(url), "nox:", home, path))

    assert {} == dict(store.counts())
    assert f"127.0.0.1:{server.port}/0" == store.where
    store.close()


@both_ways
def test_a_user_without_scripts_is_told_which_right_is_missing(
    home: Path, fresh_redis: StartRedis, plain: bool
) -> None:
    """
    The administrator must know what to allow.
    """
    store = open_at(with_user(fresh_redis(), "+@all", "-evalsha"), home, plain=plain)

    with pytest.raises(StoreRefused, match="this user may not run EVALSHA"):
        store.page(Query())
    store.close()


@both_ways
def test_a_user_who_may_not_ask_works_all_the_same(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    Managed servers forbid INFO and CONFIG: jobs are kept, and health tells what it cannot know.
    """
    store = open_at(with_user(fresh_redis(), "+@all", "-info", "-config"), home, plain=plain)
    (job_id,) = submit_named(store, "a")

    assert job_id == store.get(job_id).id
    assert "not known: this user may not ask" == store.health().durable
    store.close()


def test_keys_of_others_are_out_of_reach(home: Path, fresh_redis: StartRedis) -> None:
    """
    An ACL by prefix holds inside the scripts too.
    """
    url = with_user(fresh_redis(), "+@all")
    store = RedisStore.open(StoreSettings(url, "nox:", home))
    submit_named(store, "a")
    store.close()

    with pytest.raises(StoreRefused, match="may not touch the keys of nox"):
        RedisStore.open(StoreSettings(url, "other:", home))


@both_ways
def test_a_read_only_replica_is_refused_for_writing(home: Path, fresh_redis: StartRedis, plain: bool) -> None:
    """
    Reading from it works; the first write says what it is.
    """
    primary = fresh_redis()
    first = open_at(primary.url, home)
    (job_id,) = submit_named(first, "a")
    first.close()
    replica = fresh_redis(replicaof=f"127.0.0.1 {primary.port}")
    store = open_at(replica.url, home, plain=plain)
    wait_until(lambda: store.get_many([job_id]), 20.0, "the replica to follow")

    assert ["a"] == [job.name for job in store.page(Query()).items]
    with pytest.raises(StoreRefused, match="is a read-only replica"):
        submit_named(store, "b")
    store.close()


@both_ways
@pytest.mark.parametrize(
    ("info", "what"),
    [
        ("redis_version:6.2.14\r\nredis_mode:standalone\r\n", "redis 6.2.14 at .*: nox needs redis 7.2"),
        ("redis_version:7.2.4\r\nvalkey_version:7.2.5\r\n", "valkey 7.2.5 at .*: nox needs"),
        ("redis_version:8.0.2\r\nredis_mode:cluster\r\n", "is a cluster"),
    ],
)
def test_a_server_that_does_not_serve_is_refused_at_once(
    home: Path, plain: bool, info: str, what: str
) -> None:
    """
    Told when the store is opened, before a job is handed over.
    """
    with StandIn(saying(f"# Server\r\n{info}")) as server, pytest.raises(StoreRefused, match=what):
        open_at(server.url, home, plain=plain)


@both_ways
@pytest.mark.parametrize(
    ("refusal", "kind", "what"),
    [
        ("MISCONF Errors writing to the AOF file", StoreRefused, "refuses writes: Errors writing"),
        ("LOADING Redis is loading the dataset in memory", StoreUnreachable, "is still loading its data"),
        ("BUSY Redis is busy running a script.", StoreUnreachable, "is busy with a script"),
        ("ERR max number of clients reached", (StoreRefused, StoreUnreachable), "redis at"),
    ],
)
def test_a_refusal_is_told_in_words(
    home: Path, plain: bool, refusal: str, kind: type[Exception], what: str
) -> None:
    """
    Either connection tells the same refusal alike.
    """

    def answer(command: list[bytes]) -> bytes:
        if command[0].upper() == b"INFO":
            return bulk("redis_version:8.0.2\r\n")
        return f"-{refusal}\r\n".encode() if command[0].upper() in (b"HGET", b"EVALSHA") else b"+OK\r\n"

    with StandIn(answer) as server, pytest.raises(kind, match=what):
        open_at(server.url, home, plain=plain)


def test_jobs_of_another_version_are_left_alone(
    home: Path, redis_url: str, redis_server: RedisServer
) -> None:
    """
    A newer nox may keep them in a way this one does not know.
    """
    with redis_server.client() as client:
        client.hset("nox:meta", "schema", "2")

    with pytest.raises(StoreRefused, match="another version of nox"):
        open_at(redis_url, home)
