"""The words of nox's command lines, read from the commands themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.argv import ALIASES, COLORS, KEYED, LEVELS, OPTIONAL_LEVEL
from nox_cli.commandline.context import shown_parameters, subcommands
from nox_cli.commandline.registry import COMMANDS, HELP_OPTIONS, TOPICS, load
from nox_cli.config.profiles import TABLE
from nox_cli.config.settings import KEYS
from nox_cli.counts import STATES
from nox_cli.results.columns import JOB_FIELDS
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.selectors.words import FORMS
from workers.engine.molecule.solvents import solvents
from workers.job import RETRIABLE
from workers.names import Method
from workers.store.values import SortKey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nox_cli.commandline.context import Command, Parameter

# Those that end with a colon, or with a point, are completed further.
SELECTORS = (
    *(form for form in FORMS if form.startswith("@") and ":" not in form),
    "@batch:",
    "name:",
    "tag:",
)
# The longest range of numbers that is offered whole.
FEW = 5
# The name of a value in help -> the words for it, where the type does not list them.
_NAMED = {
    "SEL": SELECTORS,
    "STATE": tuple(STATES),
    "TOPIC": (*TOPICS, *COMMANDS),
    "REASON": tuple(sorted(RETRIABLE)),
}
# The same by the command and the name of a parameter.
_OF_COMMAND: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{
        (name, model): tuple(sorted(solvents(model, Method.GFN2)))
        for name in ("submit", "run")
        for model in ("alpb", "gbsa")
    },
    **{(name, "key"): (*(key.name for key in KEYS), f"{TABLE}.") for name in ("set", "unset")},
    ("list", "columns"): JOB_FIELDS,
    ("list", "sort"): tuple(f"{sign}{key}" for sign in ("", "-") for key in SortKey),
    ("results", "columns"): ComparisonOptions().fields(),
    ("results", "sort"): ComparisonOptions().fields(),
}
# The name of a value in help, or command and parameter -> what nox looks up in its store.
_ASKED = {"SEL": "jobs", "KEY=VALUE": "tags", "POOL": "pools"}
_ASKED_OF = {
    ("submit", "batch"): "batches",
    ("run", "batch"): "batches",
    ("list", "batch"): "batches",
    ("list", "name"): "names",
    ("worker", "name"): "workers",
    ("fetch", "names"): "files",
    ("open", "name"): "files",
    ("submit", "profile"): "profiles",
    ("run", "profile"): "profiles",
    ("set", "key"): "keys",
    ("unset", "key"): "keys",
    ("set", "values"): "values",
}


class Kind(StrEnum):
    """The kind of an option's value or of a command's argument."""

    NONE = "none"
    WORDS = "words"  # one of a list
    FILE = "file"
    FOLDER = "folder"
    TEXT = "text"  # anything


_KINDS = {"DIR": Kind.FOLDER, "FILE": Kind.FILE}


class Values(NamedTuple):
    """The values that can follow an option or a command."""

    kind: Kind = Kind.NONE
    words: tuple[str, ...] = ()
    name: str = ""
    asked: str = ""  # what nox looks up in its store, see `answer`; empty: nothing
    is_list: bool = False  # several words, with commas between them


class Option(NamedTuple):
    """An option of a command."""

    names: tuple[str, ...]  # "--chrg", "-c"
    help: str
    values: Values = Values()
    value_is_optional: bool = False
    repeats: bool = False


class CommandWords(NamedTuple):
    """A command: its options, the values of its argument, and the commands below it."""

    name: str
    help: str
    options: tuple[Option, ...] = ()
    values: Values = Values()
    later: Values | None = None  # those of further arguments; None: as the first
    below: tuple[CommandWords, ...] = ()


def aliases_of(command: str) -> list[str]:
    """List the other names of a command."""
    return [alias for alias, meant in ALIASES.items() if meant == command]


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
        _command(inner, inner_name, (inner.help or "").partition("\n")[0].rstrip("."))
        for inner_name, inner in subcommands(command).items()
    )
    levelled = OPTIONAL_LEVEL.get(name, {})
    params = shown_parameters(command)
    options = (_option(param, levelled, name) for param in params if param.param_type_name == "option")
    arguments = [param for param in params if param.param_type_name == "argument"]
    return CommandWords(
        name,
        summary,
        (*options, HELP, *EVERYWHERE),
        values=_values(arguments[0], name) if arguments else Values(),
        later=_values(arguments[1], name) if len(arguments) > 1 else None,
        below=below,
    )


def _option(param: Parameter, levelled: Collection[str], command: str) -> Option:
    names = tuple(sorted((*param.opts, *param.secondary_opts), key=len, reverse=True))
    found = Option(names, param.help or "", _values(param, command), repeats=param.multiple)
    if not set(names).isdisjoint(levelled):
        return found._replace(values=Values(Kind.WORDS, LEVELS, "LEVEL"), value_is_optional=True)
    return found._replace(value_is_optional=KEYED in names)


def _values(param: Parameter, command: str) -> Values:
    """Find the values of a parameter: by its type, or else by the name that its help gives the value."""
    if getattr(param, "is_flag", False):
        return Values()
    shown, place = (param.metavar or param.name or "").upper(), (command, param.name or "")
    name = shown.strip("[]").partition("]")[0].rstrip("., …")
    asked = _ASKED_OF.get(place) or _ASKED.get(name, "")
    choices = (
        getattr(param.type, "choices", None) or _OF_COMMAND.get(place) or _NAMED.get(name) or _few(param)
    )
    if choices is not None or asked:
        words = tuple(str(getattr(choice, "value", choice)) for choice in choices or ())
        return Values(Kind.WORDS, words, name, asked, is_list=shown.endswith(",..."))
    kinds = (kind for part, kind in _KINDS.items() if part in name)
    return Values(next(kinds, Kind.TEXT), name=name)


def _few(param: Parameter) -> range | None:
    """List the numbers of a short range; None: the range is long, or the parameter has none."""
    low, high = getattr(param.type, "min", None), getattr(param.type, "max", None)
    if isinstance(low, int) and isinstance(high, int) and high - low < FEW:
        return range(low, high + 1)
    return None
