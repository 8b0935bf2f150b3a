"""How `nox watch` looks: a live view on a terminal, a line a change elsewhere, NDJSON for programs.

`text` writes NDJSON too, since it is the one that can say on stderr that the store is away meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.render import jobs
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

        _tell(watching, out, lambda change: out.write(dumps(_document(change)) + "\n"))
    elif out.can_redraw and watching.since is None:
        _live(watching, out)
    else:
        _tell(watching, out, lambda change: out.line(*_line(change)))


def _tell(watching: Watching, out: Out, write: Callable[[Change], None]) -> None:
    """Write each change as it comes; what is about the store goes to stderr."""
    for told in watching.stream():
        if isinstance(told, Contact):
            out.note(AWAY if told.lost else "the store answers again")
        elif isinstance(told, str):
            out.note(told)
        else:
            write(told)
            out.flush()
    if watching.follower.truncated:
        out.note("some changes were too old to be kept: the states are right, lines may be missing")


def _live(watching: Watching, out: Out) -> None:
    """Draw until all are final; the last drawing stays."""
    from nox_cli.render import boards
    from nox_cli.render.terminal import screen

    board = Board(watching)
    board.begin()
    with screen.opened(out) as opened:
        while True:
            columns, lines = opened.size
            opened.draw(boards.frame(board, columns, lines))
            if watching.follower.is_over:
                return
            board.tick()


def _line(change: Change) -> list[Any]:
    name = f"{change.number} {change.name}".rstrip()
    ending = f"  {jobs.reason_words(change.reason)}" if change.reason else ""
    again = f"  attempt {change.attempt}" if change.attempt > 1 else ""
    state = jobs.painted(change.state, change.state)
    return [f"{times.iso(change.at_ms)}  {name}  ", state, f"{ending}{again}"]


def _document(change: Change) -> dict[str, Any]:
    return {
        "cursor": change.cursor,
        "at": times.iso(change.at_ms),
        "job_id": change.job_id,
        "number": change.number,
        "name": change.name,
        "state": change.state.public,
        "raw_state": change.state,
        "reason": change.reason,
        "attempt": change.attempt,
    }
