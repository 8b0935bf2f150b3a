"""Every word a command line of nox may have, read out of the commands themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nox_cli.argv import COLORS, KEYED, LEVELS, OPTIONAL_LEVEL
from nox_cli.commandline.registry import COMMANDS, HELP_OPTIONS, TOPICS, load
from workers.job import JobState, PublicState

if TYPE_CHECKING:
    from collections.abc import Collection

    from typer._click import Command, Parameter

SELECTORS = ("@last", "@failed", "@running", "@waiting", "@all")
FEW = 5
# What help calls a value -> what may stand for it, where the type does not say it.
_NAMED = {
    "SEL": SELECTORS,
    "STATE": tuple(dict.fromkeys(state.value for state in (*PublicState, *JobState))),
    "TOPIC": (*TOPICS, *COMMANDS),
}


class Kind(StrEnum):
    """What may stand for an option's or a command's value."""

    NONE = "none"
    WORDS = "words"  # one of a list
    FILE = "file"
    FOLDER = "folder"
    TEXT = "text"  # anything


_KINDS = {"DIR": Kind.FOLDER, "FILE": Kind.FILE}


@dataclass(frozen=True, slots=True)
class Values:
    """What may stand somewhere."""

    kind: Kind = Kind.NONE
    words: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command."""

    names: tuple[str, ...]  # "--chrg", "-c"
    help: str
    values: Values = Values()
    value_is_optional: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class CommandWords:
    """One command: its options, what it is told to work on, and the commands below it."""

    name: str
    help: str
    options: tuple[Option, ...] = ()
    values: Values = Values()
    below: tuple[CommandWords, ...] = ()


HELP = Option(tuple(reversed(HELP_OPTIONS)), "Show this message and exit.")
EVERYWHERE = (
    Option(("--local",), "Use the local store."),
    Option(("--debug",), "Show tracebacks."),
    Option(("--color",), "Colours: auto, always, never.", Values(Kind.WORDS, COLORS, "WHEN")),
)
VERSION = Option(("--version",), "Show the version.")


def all_words() -> CommandWords:
    """Read every command."""
    below = tuple(_command(load(name), name, summary) for name, summary in COMMANDS.items())
    return CommandWords("nox", "", (HELP, VERSION, *EVERYWHERE), below=below)


def _command(command: Command, name: str, summary: str) -> CommandWords:
    below = tuple(
        _command(inner, inner_name, _first_line(inner.help))
        for inner_name, inner in getattr(command, "commands", {}).items()
    )
    levelled = OPTIONAL_LEVEL.get(name, {})
    options = (
        _option(param, levelled) for param in command.params if _is_option(param) and not is_hidden(param)
    )
    arguments = [param for param in command.params if not _is_option(param)]
    return CommandWords(
        name,
        summary,
        (*options, HELP, *EVERYWHERE),
        values=_values(arguments[0]) if arguments else Values(),
        below=below,
    )


def is_hidden(param: Parameter) -> bool:
    """Whether a parameter is for nox itself, not for people."""
    return bool(getattr(param, "hidden", False))


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0].rstrip(".")


def _is_option(param: Parameter) -> bool:
    return param.param_type_name == "option"


def _option(param: Parameter, levelled: Collection[str]) -> Option:
    names = tuple(sorted((*param.opts, *param.secondary_opts), key=len, reverse=True))
    found = Option(names, getattr(param, "help", "") or "", _values(param), repeats=param.multiple)
    if not set(names).isdisjoint(levelled):
        return replace(found, values=Values(Kind.WORDS, LEVELS, "LEVEL"), value_is_optional=True)
    return replace(found, value_is_optional=KEYED in names)


def _values(param: Parameter) -> Values:
    """Tell what may stand for a parameter, by its type, else by what its help calls it."""
    if getattr(param, "is_flag", False):
        return Values()
    name = (param.metavar or param.name or "").strip("[]").partition("]")[0].rstrip("., …").upper()
    choices = getattr(param.type, "choices", None) or _NAMED.get(name) or _few(param)
    if choices is not None:
        return Values(Kind.WORDS, tuple(str(getattr(choice, "value", choice)) for choice in choices), name)
    kinds = (kind for part, kind in _KINDS.items() if part in name)
    return Values(next(kinds, Kind.TEXT), name=name)


def _few(param: Parameter) -> range | None:
    """Name the numbers of a range so short that all of it can be offered."""
    low, high = getattr(param.type, "min", None), getattr(param.type, "max", None)
    if isinstance(low, int) and isinstance(high, int) and high - low < FEW:
        return range(low, high + 1)
    return None
