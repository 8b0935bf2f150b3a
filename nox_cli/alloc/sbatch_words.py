"""The words that a user gives sbatch for the allocations of a pool, and those that nox sets itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from workers.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIZE = "nox sets it from --cores, --memory and --time"
_ONE = "an allocation has one worker on one node"
_LOG = "nox sets it: the log of an allocation is in its own file"
_NAME = "nox sets it: it finds its allocations by their names"
_FOLLOWS = "nox could not follow such an allocation"
_ENDS = "sbatch would print something else than the number of the allocation"
# Options of sbatch that a pool cannot have -> why.
REFUSED = {
    **dict.fromkeys(("job-name",), _NAME),
    **dict.fromkeys(
        ("cpus-per-task", "mem", "mem-per-cpu", "mem-per-gpu", "time", "time-min", "cores-per-socket"), _SIZE
    ),
    **dict.fromkeys(
        (
            *("nodes", "ntasks", "ntasks-per-node", "ntasks-per-core", "ntasks-per-socket", "ntasks-per-gpu"),
            *("ntasks-per-tres", "tasks-per-node"),
        ),
        _ONE,
    ),
    **dict.fromkeys(("output", "error", "open-mode"), _LOG),
    **dict.fromkeys(("array", "clusters", "dependency", "hold", "requeue", "deadline"), _FOLLOWS),
    **dict.fromkeys(("wrap", "batch"), "nox writes the batch script"),
    **dict.fromkeys(("export", "export-file"), "set variables with --before 'export NAME=VALUE'"),
    "signal": "nox sets it: a worker releases its jobs at that signal",
    **dict.fromkeys(("test-only", "parsable", "wait", "help", "usage", "version"), _ENDS),
    **dict.fromkeys(("uid", "gid"), "nox finds the allocations of its own user only"),
}
# The options of sbatch whose one letter is refused.
_LETTERS = {
    "J": "job-name", "c": "cpus-per-task", "t": "time", "N": "nodes", "n": "ntasks", "o": "output",
    "e": "error", "a": "array", "M": "clusters", "d": "dependency", "H": "hold", "W": "wait", "h": "help",
    "V": "version",
}  # fmt: skip
# Letters of sbatch that have no value: more letters may follow.
_FLAGS = frozenset("HIOQWhksvV")
# Its long options that have none, or only one behind =.
_LONG_FLAGS = (
    "contiguous", "exclusive", "get-user-env", "ignore-pbs", "nice", "no-kill", "no-requeue", "oom-kill-step",
    "overcommit", "oversubscribe", "propagate", "quiet", "reboot", "resv-ports", "share", "spread-job",
    "stepmgr", "use-min-nodes", "verbose",
)  # fmt: skip
_HINT = "after -- nox takes partition, account, QOS, constraints, ... as sbatch does: -- -p main -A project"
_MOST_WORDS, _LONGEST_WORD = 100, 4_096


def check_words(words: Sequence[str], did: str = "") -> None:
    """Check the words of sbatch.

    Raises:
        InputRefused: one of them is no option or cannot be printed, nox sets it itself, or nox could not
            follow such an allocation.
    """
    if len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
        raise InputRefused("there are too many words for sbatch, or too long ones", did=did, hint=_HINT)
    for word in words:
        if not word.isprintable():
            raise InputRefused("a word for sbatch has a character that cannot be printed", did=did)
    for before, word in pairwise(("", *words)):
        # sbatch takes it for its script, or for the end of the options of this batch job.
        is_stray = not word.startswith("-") and not _has_value_behind(before)
        if is_stray or word in {"-", "--", ":"}:
            raise InputRefused(f'"{word}" is no option of sbatch', did=did, hint=_HINT)
        for name in _options(word):
            if name in REFUSED:
                raise InputRefused(
                    f"{word} cannot be among the words for sbatch", did=did, hint=REFUSED[name]
                )


def _has_value_behind(word: str) -> bool:
    """Whether the next word can be the value of an option."""
    if word.startswith("--"):
        return "=" not in word and not any(full.startswith(word[2:]) for full in _LONG_FLAGS)
    return word.startswith("-") and word[-1] not in _FLAGS and _FLAGS.issuperset(word[1:-1])


def _options(word: str) -> Iterator[str]:
    """Name the refused options that a word sets, in full: sbatch takes the beginnings of long ones too."""
    if word.startswith("--"):
        name = word[2:].partition("=")[0]
        yield from [name] if name in REFUSED else (full for full in REFUSED if full.startswith(name))
    elif word.startswith("-"):
        for letter in word[1:]:
            yield _LETTERS.get(letter, letter)
            if letter not in _FLAGS:
                return
