"""How many streams a token may have open."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from nox_cli.serve.hub import Hub, Subscription
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem
from nox_cli.serve.streams import MOST_STREAMS, opened
from nox_cli.times import now_ms
from tests.support.stores import ADA
from workers.store.tokens import Ceilings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Message

    from workers.store.base import Store

LIMIT_S = 30.0


@pytest.mark.parametrize(("ceiling", "most"), [(0, MOST_STREAMS), (3, 3), (50, 50)])
def test_streams_of_a_token_are_limited(any_store: Store, ceiling: int, most: int) -> None:
    """
    One more than it may have is refused, also before the first has sent anything, while others have room;
    waits do not count.
    """
    ceilings = Ceilings(streams=ceiling)
    mine, other = (
        Principal(name, Scope.READ, ADA, token_id=name, ceilings=ceilings) for name in ("mine", "other")
    )

    async def nothing() -> AsyncGenerator[bytes, None]:
        return
        yield b""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    async def play() -> None:
        hub = Hub(lambda: any_store, asyncio.to_thread)
        with ExitStack() as stack:
            streams = []
            for _ in range(most):
                streams.append(opened(hub, mine, nothing()))
                stack.enter_context(hub.listen(Subscription(owner=ADA, holder="other")))
            with pytest.raises(Problem) as refused:
                opened(hub, mine, nothing())
            assert (429, "too_many_streams") == (refused.value.status, refused.value.code)
            opened(hub, other, nothing())
        await streams[0]({"type": "http"}, receive, send)
        opened(hub, mine, nothing())
        hub.close()
        await asyncio.to_thread(hub.rest)

    asyncio.run(play())


def test_a_stream_ends_with_its_session(any_store: Store) -> None:
    """
    In order, as one that has no more to send: the client can sign in and come back.
    """
    hub = Hub(lambda: any_store, asyncio.to_thread)
    sent: list[Message] = []

    async def blocks() -> AsyncGenerator[bytes, None]:
        yield b": first\n\n"
        await asyncio.sleep(LIMIT_S)

    async def receive() -> Message:
        await asyncio.sleep(LIMIT_S)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def play() -> None:
        holder = Principal("mine", Scope.READ, ADA, token_id="mine", until_ms=now_ms() + 200)
        async with asyncio.timeout(LIMIT_S):
            await opened(hub, holder, blocks())({"type": "http"}, receive, send)

    asyncio.run(play())

    assert {"type": "http.response.body", "body": b"", "more_body": False} == sent[-1]
    assert 0 == hub.streams("mine")
