"""A job's log as server-sent events, from any byte of it on, while it grows."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from nox_cli.serve.hub import AWAY_S, BEAT_S
from nox_cli.serve.sse import RETRY_MS, end_block
from nox_cli.text import safe_lines
from nox_cli.watch.logs import grown
from workers.errors import NoxError, StoreBusy, StoreUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from nox_cli.serve.hub import Hub, Subscription
    from nox_cli.watch.logs import LogPlace
    from workers.job import Job
    from workers.store.base import Store

# Seconds between two looks at a log that grows, and at most between those at one that does not.
LOOK_S, LOOK_AT_MOST_S = 0.25, 2.0
# The size from which lines are no longer joined to one event, and from which a line is cut.
EVENT_BYTES = 64 * 1024
_POSITION = re.compile(r"([0-9]{1,9}):([0-9]{1,15})", re.ASCII)


@dataclass(slots=True)
class LogReader:
    """Reads the log of a job's newest attempt, whole lines at a time.  Its functions block."""

    store: Store
    place: LogPlace
    job: Job
    attempt: int = 0
    start: int = 0  # the number of bytes of the attempt's log that were read

    def resume(self, position: str) -> None:
        """Continue where a client stopped: `ATTEMPT:BYTES`.

        Raises:
            UsageError: this is no position.
        """
        found = _POSITION.fullmatch(position)
        if not found:
            raise UsageError("this is no position in a log", hint="repeat the id of the last event")
        self.attempt, self.start = int(found[1]), int(found[2])

    def read(self) -> bytes:
        """Read on, up to the end of the last line that is complete; `job` is then the job as it was read.

        Raises:
            JobNotFound: the job was removed.
            ArtifactNotFound: the log is where it cannot be read.
            StoreError: the store cannot be read.
        """
        job = self.job = self.store.get(self.job.id)
        if job.attempt != self.attempt:
            self.attempt, self.start = job.attempt, 0
        is_over = job.state.is_final
        found = grown(self.store, job, self.place, self.start, is_over=is_over)
        return found if is_over or len(found) >= EVENT_BYTES else found[: found.rfind(b"\n") + 1]

    def blocks(self, found: bytes) -> Iterator[bytes]:
        """Encode what was read; the text of all events together is the log."""
        begin = 0
        while begin < len(found):
            end = begin + EVENT_BYTES
            if end < len(found):
                end = found.rfind(b"\n", begin, end) + 1 or end
            part = found[begin:end]
            self.start += len(part)
            text = safe_lines(part.decode(errors="backslashreplace"))
            yield format_sse_event(data_str=text, id=f"{self.attempt}:{self.start}")
            begin = end


async def log_blocks(hub: Hub, wanted: Subscription, reader: LogReader) -> AsyncGenerator[bytes, None]:
    """Yield a log until its job has ended, then an event that names its state."""
    yield format_sse_event(retry=RETRY_MS)
    pause_s, beat_at = LOOK_S, time.monotonic() + BEAT_S
    with hub.listen(wanted) as listener:
        while not listener.is_closed:
            try:
                found = await hub.call(reader.read)
            except (StoreUnreachable, StoreBusy):
                await asyncio.sleep(AWAY_S)
                continue
            except NoxError as error:
                yield end_block(reader.job.state, error.message)
                return
            for block in reader.blocks(found):
                yield block
            if reader.job.state.is_final:
                yield end_block(reader.job.state)
                return
            if not found and time.monotonic() >= beat_at:
                yield KEEPALIVE_COMMENT
                beat_at = time.monotonic() + BEAT_S
            pause_s = LOOK_S if found else min(2 * pause_s, LOOK_AT_MOST_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await listener.news()
