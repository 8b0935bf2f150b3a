"""The words of a command line, put into the order Typer can read.

Typer knows no option whose value may be left out, and no option that is valid before and after the command.
Both are resolved here.  What follows `--` is not read: where calculations are asked for it is the xtb
program's, and goes on as the values of an option that nobody is told of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from workers.errors import UsageError
from workers.names import OptLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLORS = ("auto", "always", "never")
LEVELS = tuple(level.value for level in OptLevel)
# command -> its options that may stand without a level -> the form Typer is given, and the level then
_LEVELLED = {
    "--opt": ("--opt", OptLevel.NORMAL),
    "-o": ("--opt", OptLevel.NORMAL),
    "--ohess": ("--ohess", OptLevel.TIGHT),
    "--bhess": ("--bhess", OptLevel.TIGHT),
}
OPTIONAL_LEVEL = {"submit": _LEVELLED, "run": _LEVELLED}
# Its value may be left out, and is only ever joined by =.
KEYED = "--unique"
_JSON_WORDS = frozenset({"--output=json", "--output=jsonl", "-ojson", "-ojsonl"})
_JSON_PAIRS = frozenset((option, form) for option in ("-o", "--output") for form in ("json", "jsonl"))


@dataclass(frozen=True, slots=True)
class Call:
    """A command line, taken apart."""

    command: str  # empty: none was named
    words: tuple[str, ...]  # what follows the command, for Typer
    local: bool = False
    debug: bool = False
    color: str | None = None


def parse(argv: Sequence[str]) -> Call:
    """Take a command line apart.

    Raises:
        UsageError: `--color` has no value, or one nobody knows.
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
    """Whether JSON was asked for: then errors speak it too, even about a command line that makes no sense."""
    ours, _ = _split(argv)
    if "--json" in ours:
        return True
    if any(word in OPTIONAL_LEVEL for word in ours):  # whose -o is --opt
        return False
    pairs = pairwise(ours)
    return not _JSON_WORDS.isdisjoint(ours) or not _JSON_PAIRS.isdisjoint(pairs)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split at `--`; it stays with what follows it."""
    words = list(argv)
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end:]


def _color(value: str) -> str:
    if value not in COLORS:
        raise UsageError(f"--color cannot be {value!r}", hint=f"one of {', '.join(COLORS)}")
    return value


def _levels(words: Sequence[str], options: Mapping[str, tuple[str, OptLevel]]) -> Iterator[str]:
    """Join each option with its level; the next word is one only if it is a level's name."""
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
