"""Streams as text: encoded once for all clients, and ended for one that takes nothing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from nox_cli.render.json import dumps
from nox_cli.serve import sse
from nox_cli.serve.hub import Hub, Subscription
from nox_cli.serve.sse import EventStream, event_blocks
from tests.support.stores import ADA, submit_named

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from typing import Any

    import pytest
    from starlette.types import Message

    from workers.store.base import Store

LIMIT_S = 30.0
CLIENTS, JOBS = 20, 5


def test_an_event_is_encoded_once_for_all_clients(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The number of clients does not change how often an event becomes JSON.
    """
    encoded = 0

    def counting(document: Mapping[str, Any]) -> str:
        nonlocal encoded
        encoded += 1
        return dumps(document)

    monkeypatch.setattr(sse, "dumps", counting)
    started = 0

    async def follow(hub: Hub) -> int:
        nonlocal started
        found = 0
        async with aclosing(event_blocks(hub, Subscription(owner=ADA))) as blocks:
            async for block in blocks:
                started += block.startswith(b"id")
                found += block.count(b"data: ")
                if found == JOBS:
                    break
        return found

    async def play() -> list[int]:
        hub = Hub(lambda: any_store, asyncio.to_thread)
        async with asyncio.timeout(LIMIT_S):
            following = [asyncio.create_task(follow(hub)) for _ in range(CLIENTS)]
            while started < CLIENTS:  # noqa: ASYNC110  bounded
                await asyncio.sleep(0.005)
            await asyncio.to_thread(submit_named, any_store, " ".join("abcde"))
            found = await asyncio.gather(*following)
        hub.close()
        await asyncio.to_thread(hub.rest)
        return found

    assert [JOBS] * CLIENTS == asyncio.run(play())
    assert JOBS == encoded


def test_a_client_that_takes_nothing_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The stream ends, and with it what it holds.
    """
    monkeypatch.setattr(sse, "STALL_S", 0.05)
    is_open = True

    async def blocks() -> AsyncGenerator[bytes, None]:
        nonlocal is_open
        try:
            while True:
                yield b": \n\n"
        finally:
            is_open = False

    async def take_nothing(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def play() -> None:
        async with asyncio.timeout(LIMIT_S):
            await EventStream(blocks()).stream_response(take_nothing)

    asyncio.run(play())
    assert not is_open
