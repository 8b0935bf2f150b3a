"""Output of `nox events`: NDJSON, also on a terminal, with remarks on the stream on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render.json import dumps
from nox_cli.watch.events import Remark, Snapshot

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.records import EventRecord
    from nox_cli.watch.events import Stream
    from workers.store.values import Event


def text(stream: Stream, out: Out) -> None:
    """Write each change as it comes."""
    for found in stream.read():
        if isinstance(found, Remark):
            out.note(found.text)
            continue
        out.write(dumps(_snapshot(found) if isinstance(found, Snapshot) else _event(found)) + "\n")
        out.flush()


def _event(event: Event) -> EventRecord:
    return {
        "cursor": event.cursor,
        "at": str(times.iso(event.at_ms)),
        "job_id": event.job_id,
        "number": event.number,
        "batch": event.batch or None,
        "state": event.state.public,
        "raw_state": event.state,
        "reason": event.reason,
        "attempt": event.attempt,
        "snapshot": False,
    }


def _snapshot(found: Snapshot) -> EventRecord:
    """Write the state of a job like a change to it."""
    job = found.job
    return {
        "cursor": found.cursor,
        "at": str(times.iso(job.ended_ms or job.started_ms or job.created_ms)),
        "job_id": job.id,
        "number": job.number,
        "batch": job.batch or None,
        "state": job.state.public,
        "raw_state": job.state,
        "reason": job.reason,
        "attempt": job.attempt,
        "snapshot": True,
    }
