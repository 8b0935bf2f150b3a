"""Counts, states and jobs in the words that people read and type."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from workers.job import WAITING, JobState, PublicState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


# The states of a job by every word that selects them.  Those for people are the raw ones, and `waiting` for
# all that have yet to start; the public ones are those of JSON.
STATES: Mapping[str, frozenset[JobState]] = MappingProxyType(
    {
        "waiting": WAITING,
        **{
            name: frozenset(state for state in JobState if name in {state.value, state.public.value})
            for name in (*JobState, *PublicState)
        },
    }
)
# The states in the order in which people read their counts.
_COUNTED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.RUNNING)


class Numbered(Protocol):
    """A job, or what is known of one: its number, and its name, which may be empty."""

    @property
    def number(self) -> int:
        """The number in its store."""

    @property
    def name(self) -> str:
        """The name."""


def job_title(job: Numbered) -> str:
    """Name a job by its number and its name: `2 benzene`, or `2`."""
    return f"{job.number} {job.name}".rstrip()


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


def by_state(counts: Mapping[JobState, int], total: int | None = None) -> Iterator[tuple[str, JobState]]:
    """Write the count of each state that has jobs; all that wait are counted together.

    Args:
        counts: the number of jobs by state.
        total: written after the number of those that are done, which is then there in any case: `12/20 done`.
    """
    for state in _COUNTED:
        of = f"/{total:,}" if total is not None and state is JobState.DONE else ""
        if of or counts.get(state):
            yield f"{counts.get(state, 0):,}{of} {state}", state
    if waiting := sum(counts.get(state, 0) for state in WAITING):
        yield f"{waiting:,} waiting", JobState.QUEUED


def state_words(counts: Mapping[JobState, int], total: int | None = None) -> str:
    """Write counts by state on one line: `120 done · 3 running`; arguments as of `by_state`."""
    return " · ".join(words for words, _ in by_state(counts, total)) or "none"
