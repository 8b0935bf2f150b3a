"""Open streams: how many a token may have."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from nox_cli.serve.problems import RETRY_AFTER_S, Problem
from nox_cli.serve.sse import EventStream
from nox_cli.times import now_ms

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from nox_cli.serve.hub import Hub
    from nox_cli.serve.principal import Principal

MOST_STREAMS = 20  # of a token without a ceiling of its own


def opened(hub: Hub, principal: Principal, blocks: AsyncGenerator[bytes, None]) -> EventStream:
    """Open one more stream of a token: it counts from now on, so that requests at once cannot share a place.

    Raises:
        Problem: the token has as many streams as it may.
    """
    most = principal.ceilings.streams or MOST_STREAMS
    if hub.streams(principal.token_id) >= most:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_streams",
            f"{most} streams of the token {principal.name} are open, which is the most",
            hint="close one",
            headers={"Retry-After": str(RETRY_AFTER_S)},
            ceiling="streams",
            most=most,
        )
    hub.begin_stream(principal.token_id)
    left_s = None if principal.until_ms is None else (principal.until_ms - now_ms()) / 1_000
    return EventStream(blocks, partial(hub.end_stream, principal.token_id), left_s)
