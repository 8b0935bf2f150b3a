"""How `nox events` looks: NDJSON, the same on a terminal.

`text` writes it, since it is the one that can say on stderr what is about the stream itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.watch.events import Remark, Snapshot
from nox_cli.render.json import dumps

if TYPE_CHECKING:
    from nox_cli.watch.events import Stream
    from nox_cli.render.terminal.out import Out
    from workers.store.values import Event


def text(stream: Stream, out: Out) -> None:
    """Write each change as it comes."""
    for told in stream.read():
        if isinstance(told, Remark):
            out.note(told.text)
            continue
        out.write(dumps(_snapshot(told) if isinstance(told, Snapshot) else _event(told)) + "\n")
        out.flush()


def _event(event: Event) -> dict[str, Any]:
    return {
        "cursor": event.cursor,
        "at": times.iso(event.at_ms),
        "job_id": event.job_id,
        "number": event.number,
        "batch": event.batch or None,
        "state": event.state.public,
        "raw_state": event.state,
        "reason": event.reason,
        "attempt": event.attempt,
        "snapshot": False,
    }


def _snapshot(found: Snapshot) -> dict[str, Any]:
    """Write how a job is as if it had just come to be so."""
    job = found.job
    return {
        "cursor": found.cursor,
        "at": times.iso(job.ended_ms or job.started_ms or job.created_ms),
        "job_id": job.id,
        "number": job.number,
        "batch": job.batch or None,
        "state": job.state.public,
        "raw_state": job.state,
        "reason": job.reason,
        "attempt": job.attempt,
        "snapshot": True,
    }
