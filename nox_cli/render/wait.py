"""How `nox wait` looks: like nothing, unless a summary is asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from nox_cli import moments
from nox_cli.render import jobs
from workers.job import PublicState

if TYPE_CHECKING:
    from nox_cli.commands.wait import Waited
    from nox_cli.render.out import Out


def text(waited: Waited, out: Out) -> None:
    """One line of counts, or nothing."""
    if waited.summary:
        out.line(f"{jobs.count_words(_public(waited))} after {moments.words(waited.ended.waited_s)}")


def document(waited: Waited) -> dict[str, Any]:
    """Counts by state."""
    counts = _public(waited)
    return {
        "counts": {state.value: counts[state] for state in PublicState},
        "exit": int(waited.exit),
        "waited_s": round(waited.ended.waited_s, 3),
    }


def _public(waited: Waited) -> Counter[PublicState]:
    counts: Counter[PublicState] = Counter()
    for state, count in waited.ended.tally.items():
        counts[state.public] += count
    return counts
