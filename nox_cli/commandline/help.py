"""Writes the help of a command: usage, examples, and its options under headings."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING

from nox_cli.argv import ALIASES
from nox_cli.commandline.context import shown_parameters, subcommands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer import Context

    from nox_cli.commandline.context import Command, Parameter

EVERYWHERE = (
    "Everywhere: --local (the local store), --debug (tracebacks), --color WHEN (auto, always, never)."
)
# A command with at least this many options, --help included, lists them under the headings of their groups.
GROUPED_FROM = 9
OPTIONS = "Options"
OUTPUT = "Output"  # the last of the headings
MAX_WIDTH = 79
MIN_WIDTH = 20
# A terminal narrower than this shows each text below what it explains.
_TWO_COLUMNS = 60
# Names longer than this have a line of their own.
_MAX_NAMES = 21
_INDENT = "  "
# A blank at which no line ends.
_BOND = "\xa0"


def help_text(command: Command, context: Context) -> str:
    """Write the help of a command, as wide as the terminal is, 79 columns at most."""
    import shutil

    width = max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size().columns - 1))
    blocks = ["\n".join(block) for block in _blocks(command, context, width) if block]
    return "\n\n".join(blocks).replace(_BOND, " ")


def _blocks(command: Command, context: Context, width: int) -> Iterator[list[str]]:
    pieces = (piece.strip("{}") for piece in command.collect_usage_pieces(context))
    usage = f"Usage: {context.command_path} {' '.join(pieces)}"
    yield _wrap(usage, width, "", " " * 7)
    for paragraph in (command.help or "").split("\n\n"):
        yield _indented(" ".join(paragraph.split()), width)
    if names := [name for name, meant in ALIASES.items() if context.command_path == f"nox {meant}"]:
        yield _indented(f"Other names: {', '.join(f'nox {name}' for name in names)}.", width)
    yield _examples(context.command_path, width)
    found = list(sections(command, context))
    names = [name for _, rows in found for name, _ in rows if len(name) <= _MAX_NAMES]
    column = max(map(len, names), default=0)
    for heading, rows in found:
        yield [f"{heading}:", *(line for row in rows for line in _entry(*row, column, width))]
    yield _indented(EVERYWHERE, width)


def _examples(path: str, width: int) -> list[str]:
    """Write a command's examples: each with what it does below it."""
    from nox_cli.commandline.examples import EXAMPLES

    lines = ["Examples:"]
    for words, meaning in EXAMPLES[path.removeprefix("nox ")]:
        command = _wrap(words, width - 6)
        lines.append(" \\\n      ".join([f"{_INDENT}{command[0]}", *command[1:]]))
        lines += _indented(meaning, width, 3 * _INDENT)
    return lines


def sections(command: Command, context: Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """List arguments, options under their headings, and commands: names and texts."""
    params = shown_parameters(command, context)
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name == "option"]
    if arguments:
        yield "Arguments", [(param.make_metavar(context), _meaning(param)) for param in arguments]
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in options:
        own = getattr(param, "rich_help_panel", None) or OUTPUT
        heading = own if len(options) >= GROUPED_FROM else OPTIONS
        groups.setdefault(heading, []).append((_names(param, context), _meaning(param)))
    yield from sorted(groups.items(), key=lambda group: group[0] == OUTPUT)
    if below := subcommands(command):
        yield "Commands", [(name, (one.help or "").partition("\n")[0]) for name, one in below.items()]


def _names(param: Parameter, context: Context) -> str:
    """Write an option with its value: `-c, --chrg CHARGE`."""
    names = ", ".join(sorted((*param.opts, *param.secondary_opts), key=len))
    return names if getattr(param, "is_flag", False) else f"{names} {param.make_metavar(context)}"


def _meaning(param: Parameter) -> str:
    """Describe a parameter, with its default and the range of its values."""
    default = param.default if getattr(param, "show_default", True) else None
    is_shown = default not in (None, "", ()) and not isinstance(default, bool) and not callable(default)
    limits = _range(getattr(param.type, "min", None), getattr(param.type, "max", None))
    notes = [f"default {getattr(default, 'value', default)}"] * is_shown + [limits] * bool(limits)
    meaning = getattr(param, "help", "") or ""
    choices = [str(getattr(choice, "value", choice)) for choice in getattr(param.type, "choices", ())]
    if (
        len(choices) > 1
        and not (param.metavar or "").startswith("[")
        and set(choices) - set(re.findall(r"[\w-]+", meaning))
    ):
        meaning += f"  [{', '.join(choices[:-1])} or {choices[-1]}]"
    note = f"  [{_BOND.join('; '.join(notes).split())}]" if notes else ""
    return f"{meaning}{note}"


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f"{_plain(low)} or more" if high is None else f"{_plain(low)} to {_plain(high)}"


def _plain(number: float) -> str:
    """Write a number as an option takes it: 1000, 0.001."""
    return str(number) if isinstance(number, int) else f"{number:.9g}"


def _entry(names: str, meaning: str, column: int, width: int) -> Iterator[str]:
    """Lay out one option: its text next to it, or below it if there is no room."""
    if width < _TWO_COLUMNS:
        yield from _wrap(names, width, _INDENT, _INDENT)
        yield from _indented(meaning, width, 3 * _INDENT)
        return
    start = len(_INDENT) + column + len(_INDENT)
    lines = _wrap(meaning, width - start)
    if len(names) > column:
        yield _INDENT + names
    else:
        yield f"{_INDENT}{names:<{column}}{_INDENT}{lines.pop(0)}"
    yield from (" " * start + line for line in lines)


def _indented(text: str, width: int, indent: str = _INDENT) -> list[str]:
    return _wrap(text, width, indent, indent)


def _wrap(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Break lines at blanks only: no option at its hyphens."""
    return wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
