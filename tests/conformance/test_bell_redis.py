"""The Redis bell among strangers: whatever lies in its list, or in its place."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.waiting import wait_until
from workers.bell.dramatiq import LOOK_EVERY_S, DramatiqBell
from workers.logs import Log
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis


LIMIT_S, PATIENT_S = 30.0, 600.0


class Listening:
    """A started bell that counts what it wakes for."""

    def __init__(self, url: str, home: Path, look_every_s: float) -> None:
        self.store = RedisStore.open(StoreSettings(redis_url=url, prefix="nox:", home=home))
        self.key = self.store.bell_key
        self.client: redis.Redis = self.store.bell_client()
        self.text = io.StringIO()
        self.count = 0
        self.bell = DramatiqBell(self.store.bell_client(2 * PATIENT_S), self.key, Log(self.text))
        self.bell.look_every_s = look_every_s
        self.bell.start(1, self._drain, lambda _: True)
        wait_until(lambda: self.count == 1, LIMIT_S, "the first look")

    def _drain(self) -> None:
        self.count += 1

    def is_waiting(self) -> bool:
        """Whether it waits for a ring now."""
        return bool(self.client.info("clients")["blocked_clients"])

    def close(self) -> None:
        """Stop, and let go of the connections."""
        self.bell.stop(LIMIT_S)
        self.client.close()
        self.store.close()


@pytest.fixture
def look_every_s() -> float:
    """How long a bell is silent before it looks by itself: only a ring or a lost connection makes it look."""
    return PATIENT_S


@pytest.fixture
def listening(redis_url: str, home: Path, look_every_s: float) -> Iterator[Listening]:
    """A bell that is listened to."""
    built = Listening(redis_url, home, look_every_s)
    yield built
    built.close()


@pytest.mark.parametrize(
    "rubbish", [b"", b"\xff\x00", b'{"actor_name": "rm", "args": ["*"]}', b"x" * 100_000]
)
def test_bell_redis_what_lies_in_the_list_is_never_looked_at(listening: Listening, rubbish: bytes) -> None:
    """
    A foreign message is a ring like any other, and the next one is heard too.
    """
    for expected in (2, 3):
        listening.client.rpush(listening.key, rubbish)
        wait_until(lambda: listening.count >= expected, LIMIT_S, "a look")  # noqa: B023

    assert "" == listening.text.getvalue()


@pytest.mark.parametrize("look_every_s", [LOOK_EVERY_S])
def test_bell_redis_something_else_in_its_place_is_told_once(listening: Listening) -> None:
    """
    If nothing can be listened to, slots look by themselves, and the log says so once.
    """
    listening.client.set(listening.key, "not a list")

    wait_until(lambda: listening.count >= 4, LIMIT_S, "looks without a bell")

    assert 1 == listening.text.getvalue().count("lets nobody listen")


def test_connections_that_break_are_made_again(listening: Listening) -> None:
    """
    A listener whose connection was cut looks at once when it is back, and hears again.
    """
    for _ in range(2):
        wait_until(listening.is_waiting, LIMIT_S, "a listener")
        before = listening.count
        listening.client.client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda: listening.count > before, LIMIT_S, "a look after the cut")  # noqa: B023
    before = listening.count

    listening.client.rpush(listening.key, "1")

    wait_until(lambda: listening.count > before, LIMIT_S, "a look after a ring")


def test_an_error_nobody_thought_of_leaves_nobody_deaf(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The only slot hears of the next ring though redis-py failed in an unknown way, and the log tells of that.
    """
    errors = [AttributeError("recv")]
    real = listening.bell.client.blpop

    def blpop(*args: Any, **options: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(*args, **options)

    monkeypatch.setattr(listening.bell.client, "blpop", blpop)
    for _ in range(3):
        before = listening.count
        listening.client.rpush(listening.key, "1")
        wait_until(lambda: listening.count > before, LIMIT_S, "a look after a ring")  # noqa: B023

    assert 1 == listening.text.getvalue().count(
        "unexpected while listening at nox:bell: AttributeError('recv')"
    )
