"""Output of `nox wait`: nothing, unless a summary is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import by_public_state, state_words
from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.follower import Waiting


def notes(waiting: Waiting) -> Iterator[str]:
    """Wait, and write remarks for the user meanwhile."""
    return waiting.go()


def remarks(waiting: Waiting) -> Iterator[str]:
    """Report if not every job was read."""
    if not waiting.ended.is_whole:
        yield "the time was up before every job was read"


def text(waiting: Waiting, out: Out) -> None:
    """Write one line of counts, or nothing."""
    if waiting.summary:
        ended = waiting.ended
        out.line(f"{state_words(by_public_state(ended.tally))} after {times.words(ended.waited_s)}")


def document(waiting: Waiting) -> dict[str, Any]:
    """Return counts by state."""
    counts = by_public_state(waiting.ended.tally)
    return {
        "counts": {state.value: counts[state] for state in PublicState},
        "exit": int(waiting.exit),
        "waited_s": round(waiting.ended.waited_s, 3),
        "all_read": waiting.ended.is_whole,
    }
