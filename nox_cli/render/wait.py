"""How `nox wait` looks: like nothing, unless a summary is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.counts import by_public_state, state_words
from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.commands.wait import Waited
    from nox_cli.render.terminal.out import Out


def notes(waited: Waited) -> Iterator[str]:
    """Wait, and write what a person should hear meanwhile."""
    if waited.waiting is not None:
        yield from waited.waiting.go()


def remarks(waited: Waited) -> Iterator[str]:
    """Say if not every job was looked at."""
    if not waited.ended.is_whole:
        yield "the time was up before every job was read"


def text(waited: Waited, out: Out) -> None:
    """One line of counts, or nothing."""
    if waited.summary:
        ended = waited.ended
        out.line(f"{state_words(by_public_state(ended.tally))} after {times.words(ended.waited_s)}")


def document(waited: Waited) -> dict[str, Any]:
    """Counts by state."""
    counts = by_public_state(waited.ended.tally)
    return {
        "counts": {state.value: counts[state] for state in PublicState},
        "exit": int(waited.exit),
        "waited_s": round(waited.ended.waited_s, 3),
        "all_read": waited.ended.is_whole,
    }
