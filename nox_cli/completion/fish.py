"""The completion script for fish: one `complete` a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.completion.words import Kind, aliases_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.completion.words import CommandWords, Option, Values

_HEAD = """\
# nox: completion for fish, as `nox completion fish` prints it.
# nox completion fish > ~/.config/fish/completions/nox.fish

# List the words up to here that are neither options nor their values.
function __nox_named
    set -l words (commandline -opc)[2..]
    while set -q words[1]
        switch $words[1]
            case VALUED
                set -e words[1]
            case '-*'
            case '*'
                printf '%s\\n' $words[1]
        end
        set -e words[1]
    end
end

# Say whether the words up to here name exactly these commands.
function __nox_at
    set -l named (__nox_named)
    switch "$named[1]"
ALIASES
    end
    set -l wanted $argv
    test (count $named) -ge (count $wanted); or return 1
    if not set -q wanted[1]
        not set -q named[1]
        return
    end
    test "$named[1..$(count $wanted)]" = "$wanted"
end

# Say whether the word before this one is one of these.
function __nox_after
    contains -- (commandline -opc)[-1] $argv
end

# Say whether at least so many words are named.
function __nox_past
    test (count (__nox_named)) -ge $argv[1]
end

# Offer what nox finds in its store.
function __nox_ask
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    string match -qr -- '^(-[^=]*|@[^:]*)$' "$typed"; and return
    command -q nox; and command nox __complete fish $argv[1] $words "$typed" 2>/dev/null </dev/null
end

# Offer one more word of a list with commas between the words.
function __nox_list
    set -l kept (string match -r -- '^(?:--[a-z-]+=)?(.*,)?[^,]*$' (commandline -ct))[2]
    printf '%s\\n' $kept$argv
end

complete -c nox -f
"""


def script(root: CommandWords) -> str:
    """Write the whole script."""
    aliases = "\n".join(
        f"        case {' '.join(names)}\n            set named[1] {command.name}"
        for command in root.below
        if (names := aliases_of(command.name))
    )
    head = _HEAD.replace("VALUED", " ".join(_valued(root))).replace("ALIASES", aliases)
    return head + "\n".join(_lines(root, ())) + "\n"


def _lines(command: CommandWords, path: tuple[str, ...]) -> Iterator[str]:
    """Write the words that can follow a command, then those of the commands below it."""
    at = " ".join(["__nox_at", *path])
    for below in command.below:
        names = " ".join(one.name for one in command.below)
        free = at if not path else f"{at}; and not __fish_seen_subcommand_from {names}"
        yield f"complete -c nox -n '{free}' -a {below.name} -d '{_quoted(below.help)}'"
    named = len(path)
    first = at if command.later is None else f"{at}; and not __nox_past {named + 1}"
    for where, values in ((first, command.values), (f"{at}; and __nox_past {named + 1}", command.later)):
        if values is not None and values.kind not in {Kind.NONE, Kind.TEXT}:
            yield f"complete -c nox -n '{where}'{_values(values)}"
    for option in command.options:
        yield from _option(option, at)
    for below in command.below:
        yield from _lines(below, (*path, below.name))


def _valued(root: CommandWords) -> list[str]:
    """List the options that take the next word as their value, whichever the command."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    commands = [root]
    for command in commands:
        commands += command.below
        for option in command.options:
            takes = option.values.kind is not Kind.NONE and not option.value_is_optional
            found[takes].update(option.names)
    return sorted(found[True] - found[False])


def _option(option: Option, at: str) -> Iterator[str]:
    names = "".join(f" {_name(name)}" for name in option.names)
    help_text = f" -d '{_quoted(option.help)}'"
    if option.value_is_optional:
        yield f"complete -c nox -n '{at}'{names}{help_text}"
        after = " ".join(option.names)
        yield f"complete -c nox -n '{at}; and __nox_after {after}'{_values(option.values)}"
    elif option.values.kind is Kind.NONE:
        yield f"complete -c nox -n '{at}'{names}{help_text}"
    else:
        takes = "-r" if option.values.kind is Kind.FILE else "-x"
        yield f"complete -c nox -n '{at}'{names} {takes}{_values(option.values)}{help_text}"


def _name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _values(values: Values) -> str:
    return {
        Kind.NONE: "",
        Kind.WORDS: _offer(values),
        Kind.FILE: " -F",
        Kind.FOLDER: " -a '(__fish_complete_directories)'",
        Kind.TEXT: "",
    }[values.kind]


def _offer(values: Values) -> str:
    words = " ".join(values.words)
    if values.is_list:
        return f" -a '(__nox_list {words})'"
    return f" -k -a '{words}{f' (__nox_ask {values.asked})' if values.asked else ''}'"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
