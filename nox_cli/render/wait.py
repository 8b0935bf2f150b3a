"""How `nox wait` looks: like nothing, unless a summary is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import moments
from nox_cli.counts import by_public_state, state_words
from workers.job import PublicState

if TYPE_CHECKING:
    from nox_cli.commands.wait import Waited
    from nox_cli.render.out import Out


def text(waited: Waited, out: Out) -> None:
    """One line of counts, or nothing."""
    if waited.summary:
        ended = waited.ended
        out.line(f"{state_words(by_public_state(ended.tally))} after {moments.words(ended.waited_s)}")


def document(waited: Waited) -> dict[str, Any]:
    """Counts by state."""
    counts = by_public_state(waited.ended.tally)
    return {
        "counts": {state.value: counts[state] for state in PublicState},
        "exit": int(waited.exit),
        "waited_s": round(waited.ended.waited_s, 3),
    }
