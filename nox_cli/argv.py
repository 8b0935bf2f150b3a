"""Rewrites a command line into the form that Typer can read.

Typer has no options with an optional value, and no options that are valid before and after the command.
Both are resolved here.  Words after `--` are kept: `submit` and `run` get them, for the xtb program, as the
values of a hidden option.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from workers.errors import UsageError
from workers.names import OptLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLORS = ("auto", "always", "never")
LEVELS = tuple(level.value for level in OptLevel)
# option with an optional level -> its long form, and the level that it has without one
_LEVELLED = {
    "--opt": ("--opt", OptLevel.NORMAL),
    "-o": ("--opt", OptLevel.NORMAL),
    "--ohess": ("--ohess", OptLevel.TIGHT),
    "--bhess": ("--bhess", OptLevel.TIGHT),
}
OPTIONAL_LEVEL = {"submit": _LEVELLED, "run": _LEVELLED}
# Its value is optional, and follows after = only.
KEYED = "--unique"
_JSON_WORDS = frozenset({"--output=json", "--output=jsonl", "-ojson", "-ojsonl"})
_JSON_PAIRS = frozenset((option, form) for option in ("-o", "--output") for form in ("json", "jsonl"))


class Call(NamedTuple):
    """A parsed command line."""

    command: str  # empty: there is none
    words: tuple[str, ...]  # after the command, for Typer
    local: bool = False
    debug: bool = False
    color: str | None = None


def parse(argv: Sequence[str]) -> Call:
    """Parse a command line.

    Raises:
        UsageError: `--color` has no value, or an unknown one.
    """
    ours, beyond = _split(argv)
    rest: list[str] = []
    color: str | None = None
    words = iter(ours)
    for word in words:
        if word == "--color" or word.startswith("--color="):
            color = _color(word.partition("=")[2] if "=" in word else next(words, ""))
        elif word not in {"--local", "--debug"}:
            rest.append(word)
    command = rest[0] if rest else ""
    levelled = _levels(rest[1:], OPTIONAL_LEVEL.get(command, {}))
    if command in OPTIONAL_LEVEL:
        beyond = [f"--passed-on={word}" for word in beyond[1:]]
    return Call(command, (*levelled, *beyond), "--local" in ours, "--debug" in ours, color)


def wants_json(argv: Sequence[str]) -> bool:
    """Whether the output is JSON: then errors are JSON too, even those of a command line that is wrong."""
    ours, _ = _split(argv)
    if "--json" in ours:
        return True
    if any(word in OPTIONAL_LEVEL for word in ours):  # their -o means --opt
        return False
    pairs = pairwise(ours)
    return not _JSON_WORDS.isdisjoint(ours) or not _JSON_PAIRS.isdisjoint(pairs)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split at `--`, which is the first word of the second part."""
    words = list(argv)
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end:]


def _color(value: str) -> str:
    if value not in COLORS:
        raise UsageError(f"--color cannot be {value!r}", hint=f"one of {', '.join(COLORS)}")
    return value


def _levels(words: Sequence[str], options: Mapping[str, tuple[str, OptLevel]]) -> Iterator[str]:
    """Join each option with its level, if the next word is the name of a level."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in options:
            long, usual = options[word]
            level = rest.pop(0) if rest and rest[0] in LEVELS else usual.value
            word = f"{long}={level}"
        elif word == KEYED:
            word = f"{KEYED}="
        yield word
