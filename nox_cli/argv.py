"""Rewrites a command line into the form that Typer can read.

Typer has no options with an optional value, and no options that are valid before and after the command.
Both are resolved here.  Words after `--` are kept: `submit` and `run` get them, for the xtb program, as the
values of a hidden option.
"""

from __future__ import annotations

import os
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
# Other words for commands.
ALIASES = {"ls": "list", "ps": "list", "queue": "list", "squeue": "list", "show": "status"}
# Options as the xtb program has them.
_SPELLINGS = {
    "--gfn0": "--gfn=0",
    "--gfn1": "--gfn=1",
    "--gfn2": "--gfn=2",
    "--gff": "--gfnff",
    "--scc": "--sp",
}
# What -o is followed by in other commands: a form, or a file.
_FORMS = frozenset({"json", "jsonl", "csv", "tsv", "table", "ids"})
_LONGEST_LEVEL = 20
_FORM_ENDINGS = tuple(f".{form}" for form in ("json", "jsonl", "csv", "tsv", "txt", "out", "log"))
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
        UsageError: `--color` has no value, or an unknown one; or `-o` of `submit` a form of output.
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
    command = ALIASES.get(rest[0], rest[0]) if rest else ""
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
    """Join each option with its level, if the next word is the name of a level or nearly one."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in options:
            long, usual = options[word]
            if word == "-o":
                _refuse_form(rest)
            level = rest.pop(0) if rest and _is_level(rest[0]) else usual.value
            word = f"{long}={level}"
        elif word == KEYED:
            word = f"{KEYED}="
        yield _SPELLINGS.get(word, word) if options else word


def _is_level(word: str) -> bool:
    """Whether a word names a level, or is no file and is spelled nearly like one, which is refused then."""
    if word in LEVELS:
        return True
    if not (word.isascii() and word.isalpha() and word.islower()) or os.path.lexists(word):
        return False
    from difflib import get_close_matches

    return bool(get_close_matches(word[:_LONGEST_LEVEL], LEVELS))


def _refuse_form(rest: Sequence[str]) -> None:
    """Check that `-o` of `submit` is not meant as the form or the file of the output."""
    if rest and (rest[0] in _FORMS or rest[0].endswith(_FORM_ENDINGS)) and not os.path.lexists(rest[0]):
        raise UsageError(
            f"-o means --opt here, and {rest[0][:80]} is neither a level nor a file",
            did="nothing was submitted",
            hint="--json prints JSON; nox results -o csv has the numbers afterwards",
        )
