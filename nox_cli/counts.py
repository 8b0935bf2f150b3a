"""Counts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workers.job import JobState


def counted(count: int, word: str) -> str:
    """Write a count with its word: `1 slot`, `2,000 jobs`."""
    return f"{count:,} {word}{'s' * (count != 1)}"


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as a selector names them: `1-3,7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def by_public_state(counts: Mapping[JobState, int]) -> dict[PublicState, int]:
    """Count jobs by public state; every state is in the result."""
    public = dict.fromkeys(PublicState, 0)
    for state, count in counts.items():
        public[state.public] += count
    return public


def state_words(counts: Mapping[PublicState, int]) -> str:
    """Write counts by state: `3 running · 120 completed`."""
    return " · ".join(f"{counts[state]:,} {state}" for state in PublicState if counts.get(state)) or "none"
