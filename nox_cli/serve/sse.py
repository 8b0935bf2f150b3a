"""Server-sent events: the parts of a listener as blocks of text, and the response that sends blocks."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from fastapi.sse import EventSourceResponse, format_sse_event

from nox_cli.render.json import dumps
from nox_cli.serve.hub import PartKind
from nox_cli.text import safe
from nox_cli.watch.events import event_record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from starlette.types import Message, Receive, Scope, Send

    from nox_cli.serve.hub import Hub, LiveEvent, Part, Subscription
    from workers.job import JobState

# The time after which a client that lost its connection is to come back, in milliseconds.
RETRY_MS = 1_000
# The time in which a client must take some of what was sent to it.
STALL_S = 60.0
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx passes each block on at once
    "X-Content-Type-Options": "nosniff",
}
_AWAY = "the store does not answer; reconnecting..."
_REMARKS = {PartKind.BEAT: "", PartKind.AWAY: _AWAY, PartKind.BACK: "the store answers again"}
_GAP = "older changes are no longer kept: how every job is now comes first"


class EventStream(EventSourceResponse):
    """Sends blocks until there are no more, its time is over, or the client has stopped to take them."""

    def __init__(
        self,
        blocks: AsyncGenerator[bytes, None],
        at_end: Callable[[], None] | None = None,
        lasts_s: float | None = None,
    ) -> None:
        """Prepare to send blocks.

        Args:
            blocks: the blocks.
            at_end: called when no more are sent.
            lasts_s: the seconds after which no more are sent; None: there is no such time.
        """
        super().__init__(blocks, headers=_HEADERS)
        self._blocks = blocks
        self._at_end = at_end
        self._lasts_s = lasts_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._at_end is not None:
                self._at_end()

    async def stream_response(self, send: Send) -> None:
        """Send the blocks; a client that took none of them for long is disconnected."""

        async def bounded(message: Message) -> None:
            async with asyncio.timeout(STALL_S):
                await send(message)

        async with aclosing(self._blocks):
            with suppress(TimeoutError):
                try:
                    async with asyncio.timeout(self._lasts_s) as life:
                        await super().stream_response(bounded)
                except TimeoutError:
                    if not life.expired():
                        raise
                    await bounded({"type": "http.response.body", "body": b"", "more_body": False})


async def event_blocks(hub: Hub, wanted: Subscription) -> AsyncGenerator[bytes, None]:
    """Yield the events of a subscription for ever; if it is for one job, until that has ended."""
    yield format_sse_event(retry=RETRY_MS)
    last: JobState | None = None
    with hub.listen(wanted) as listener:
        async with aclosing(listener.parts()) as parts:
            async for part in parts:
                yield _encoded(part)
                if part.events:
                    last = part.events[-1].event.state
                is_caught_up = listener.is_live and part.cursor == hub.cursor
                if wanted.job_id and is_caught_up and last is not None and last.is_final:
                    yield end_block(last)
                    return


def _encoded(part: Part) -> bytes:
    if part.kind is PartKind.EVENTS:
        return b"".join(map(_event_block, part.events))
    if part.kind is PartKind.SNAPSHOT:
        return b"".join(map(_snapshot_block, part.events))
    if part.kind is PartKind.GAP:
        return format_sse_event(event="gap", data_str=dumps({"message": _GAP}))
    # Without data the client notes the id, and no event.
    return format_sse_event(comment=_REMARKS.get(part.kind), id=part.cursor or None)


def _event_block(live: LiveEvent) -> bytes:
    """Encode an event, once for all listeners."""
    if not live.block:
        event = live.event
        live.block = format_sse_event(data_str=dumps(event_record(event)), id=event.cursor)
    return live.block


def _snapshot_block(live: LiveEvent) -> bytes:
    """Encode a state without an id: a client that loses the connection in between gets all of them again."""
    return format_sse_event(event="snapshot", data_str=dumps(event_record(live.event, is_snapshot=True)))


def end_block(state: JobState, message: str = "") -> bytes:
    """Encode the end of a stream, after which a client has no reason to come back."""
    return format_sse_event(
        event="end", data_str=dumps({"state": state.public, "message": safe(message) or None})
    )
