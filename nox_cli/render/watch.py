"""Output of `nox watch`: a live view on a terminal, a line a change elsewhere, NDJSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import job_title
from nox_cli.render import jobs
from nox_cli.results import job_record
from nox_cli.watch.board import AWAY, Board, Contact

if TYPE_CHECKING:
    from collections.abc import Callable

    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.board import Watching
    from nox_cli.watch.follower import Change


def text(watching: Watching, out: Out) -> None:
    """Show the jobs until all are final."""
    if watching.as_json:
        from nox_cli.render.json import dumps

        _tell(watching, out, lambda change: out.write(dumps(change.document()) + "\n"))
    elif out.can_redraw and watching.since is None:
        _live(watching, out)
    else:
        _tell(watching, out, lambda change: out.line(*_line(change)))


def _tell(watching: Watching, out: Out, write: Callable[[Change], None]) -> None:
    """Write each change when it comes; remarks on the store go to stderr."""
    for found in watching.stream():
        if isinstance(found, Contact):
            out.note(AWAY if found.lost else "the store answers again")
        elif isinstance(found, str):
            out.note(found)
        else:
            write(found)
            out.flush()
    if watching.follower.truncated:
        out.note("some changes were too old to be kept: the states are right, lines may be missing")


def _live(watching: Watching, out: Out) -> None:
    """Draw until all are final; the last drawing stays."""
    from nox_cli.render import live
    from nox_cli.render.board import frame

    board = Board(watching)
    board.begin()
    live.show(board, out, frame)


def _line(change: Change) -> list[Any]:
    name = job_title(change)
    ending = f"  {job_record.reason_words(change.reason)}" if change.reason else ""
    again = f"  attempt {change.attempt}" if change.attempt > 1 else ""
    state = jobs.painted(change.state, change.state)
    return [f"{times.iso(change.at_ms)}  {name}  ", state, f"{ending}{again}"]
