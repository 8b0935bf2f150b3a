"""The store's contract: what cannot be opened is told apart, and a password is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import by_client, free_port
from workers.errors import StoreError, StoreRefused, StoreUnreachable
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis

CANARY = "canary4711"


def test_a_password_is_never_shown(fresh_redis: StartRedis, home: Path) -> None:
    """
    Neither where a store lies nor what it says of itself holds the password it was opened with.
    """
    server = fresh_redis(requirepass=CANARY)
    store = open_store(StoreSettings(redis_url=server.url, prefix="nox:", home=home))

    assert str(server.port) in store.where
    assert CANARY not in f"{store.where} {store.health()} {store!r}"
    store.close()


@pytest.mark.parametrize("given", ["", ":wrong@", ":canary4711wrong@"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_wrong_password_is_a_refusal(
    fresh_redis: StartRedis, home: Path, given: str, *, plain: bool
) -> None:
    """
    A Redis that wants another password refuses; neither its password nor the wrong one is repeated.
    """
    server = fresh_redis(requirepass=CANARY)
    url = f"redis://{given}127.0.0.1:{server.port}/0"

    with pytest.raises(StoreRefused) as caught:
        open_store(StoreSettings(url if plain else by_client(url), "nox:", home)).counts()
    told = f"{caught.value.message} {caught.value.hint}"
    assert CANARY not in told
    assert "wrong@" not in told


@pytest.mark.parametrize("plain", [False, True])
def test_store_refusing_nobody_there_is_unreachable(home: Path, *, plain: bool) -> None:
    """
    A closed port is told as such, with host and port, for readers and writers alike.
    """
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"

    with pytest.raises(StoreUnreachable, match=str(port)):
        open_store(StoreSettings(url if plain else by_client(url), "nox:", home)).counts()


def test_store_refusing_what_is_no_database_is_told_as_damaged(home: Path) -> None:
    """
    A local store whose file holds something else is an error; it is never taken for an empty store.
    """
    (home / "nox.sqlite3").write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreError):
        open_store(StoreSettings(redis_url=None, prefix="nox:", home=home)).counts()
    assert (home / "nox.sqlite3").read_bytes().startswith(b"this is no database")
