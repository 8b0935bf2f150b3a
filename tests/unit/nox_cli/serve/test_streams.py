"""How many streams a token may have open."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from nox_cli.serve.hub import Hub, Subscription
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem
from nox_cli.serve.streams import MOST_STREAMS, check_room
from tests.support.stores import ADA
from workers.store.tokens import Ceilings

if TYPE_CHECKING:
    from workers.store.base import Store


@pytest.mark.parametrize(("ceiling", "most"), [(0, MOST_STREAMS), (3, 3), (50, 50)])
def test_streams_of_a_token_are_limited(any_store: Store, ceiling: int, most: int) -> None:
    """
    One more than it may have is refused, while others have room; waits do not count.
    """
    ceilings = Ceilings(streams=ceiling)
    mine, other = (
        Principal(name, Scope.READ, ADA, token_id=name, ceilings=ceilings) for name in ("mine", "other")
    )

    async def play() -> None:
        hub = Hub(lambda: any_store, asyncio.to_thread)
        with ExitStack() as stack:
            for _ in range(most):
                check_room(hub, mine)
                stack.enter_context(hub.listen(Subscription(owner=ADA, holder="mine", is_stream=True)))
                stack.enter_context(hub.listen(Subscription(owner=ADA, holder="other")))
            with pytest.raises(Problem) as refused:
                check_room(hub, mine)
            assert (429, "too_many_streams") == (refused.value.status, refused.value.code)
            check_room(hub, other)
        check_room(hub, mine)
        hub.close()
        await asyncio.to_thread(hub.rest)

    asyncio.run(play())
