"""The completion script for zsh: one `_arguments` call a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.completion.words import Kind, aliases_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.completion.words import CommandWords, Option, Values

_HEAD = """\
#compdef nox
# nox: completion for zsh, as `nox completion zsh` prints it.
# This file as _nox in a directory of $fpath, or eval "$(nox completion zsh)" after compinit.

# Offer words, and what nox finds in its store.
_nox_ask() {
    local kind=$1 word means
    local -a found shown ending
    shift
    compadd -V words -- ${@:#*[:.]}
    [[ -n ${(M)@:#$PREFIX?*} ]] && compadd -V stems -S '' -- ${(M)@:#*[:.]}
    [[ $PREFIX == -* || ( $PREFIX == @* && $PREFIX != *:* ) ]] || (( ! $+commands[nox] )) ||
        while IFS=$'\t' read -r word means; do
            found+=("$word")
            shown+=("$word${means:+  $means}")
        done < <(command nox __complete zsh $kind "${(@Q)nox_line}" "${(Q)PREFIX}" 2>/dev/null </dev/null)
    [[ $kind == keys ]] && ending=(-S '')
    (( $#found )) && compadd -l -V found "${ending[@]}" -d shown -a found
    (( compstate[nmatches] ))
}

"""

_TAIL = """\
if [[ $funcstack[1] == _nox ]]; then
    _nox "$@"
else
    compdef _nox nox
fi
"""


def script(root: CommandWords) -> str:
    """Write the whole script."""
    return _HEAD + "\n".join(_functions(root, "_nox")) + "\n" + _TAIL


def _functions(command: CommandWords, name: str) -> Iterator[str]:
    """Write a command's function, then those of the commands below it."""
    specs = [spec for option in command.options for spec in _option(option)]
    yield _group(command, name, specs) if command.below else _leaf(command, name, specs)
    for below in command.below:
        yield from _functions(below, f"{name}_{below.name}")


def _leaf(command: CommandWords, name: str, specs: list[str]) -> str:
    if command.values.kind is not Kind.NONE:
        first = "*" if command.later is None else "1"
        specs.append(f"'{first}:{_quoted(command.values.name)}:{_action(command.values)}'")
    if command.later is not None:
        specs.append(f"'*:{_quoted(command.later.name)}:{_action(command.later)}'")
    lines = " \\\n".join(f"        {spec}" for spec in specs)
    return f"{name}() {{\n    _arguments -s -S : \\\n{lines}\n}}\n"


def _group(command: CommandWords, name: str, specs: list[str]) -> str:
    below = "\n".join(f"        '{one.name}:{_quoted(one.help)}'" for one in command.below)
    called = {one.name: aliases_of(one.name) if name == "_nox" else [] for one in command.below}
    cases = "\n".join(f"        {' | '.join([one, *also])}) {name}_{one} ;;" for one, also in called.items())
    lines = " \\\n".join(f"        {spec}" for spec in [*specs, "'1: :->command'", "'*:: :->words'"])
    kept = 'local -a nox_line=("${(@)words[1,CURRENT-1]}")\n    ' if name == "_nox" else ""
    return f"""\
{name}() {{
    {kept}local curcontext=$curcontext context state state_descr line
    typeset -A opt_args
    local -a below=(
{below}
    )
    _arguments -C -s -S : \\
{lines} && return
    if [[ $state == command ]]; then
        _describe -t commands 'nox command' below
        return
    fi
    case $words[1] in
{cases}
    esac
}}
"""


def _option(option: Option) -> Iterator[str]:
    """Write one specification for each of an option's names; each name excludes the others."""
    many = "*" if option.repeats else ""
    others = "" if option.repeats or len(option.names) == 1 else f"({' '.join(option.names)})"
    for name in option.names:
        takes = option.values.kind is not Kind.NONE
        suffix = ("=" if name.startswith("--") else "+") if takes else ""
        yield f"'{many}{others}{name}{suffix}[{_bracketed(option.help)}]{_value(option)}'"


def _value(option: Option) -> str:
    if option.values.kind is Kind.NONE:
        return ""
    colons = "::" if option.value_is_optional else ":"
    return f"{colons}{_quoted(option.values.name)}:{_action(option.values)}"


def _action(values: Values) -> str:
    return {
        Kind.NONE: " ",
        Kind.WORDS: _offer(values),
        Kind.FILE: "_files",
        Kind.FOLDER: "_files -/",
        Kind.TEXT: " ",
    }[values.kind]


def _offer(values: Values) -> str:
    words = " ".join(values.words).replace(":", "\\:")
    if values.asked:
        return f" _nox_ask {values.asked} {words}".rstrip()
    return f"_values -s , {values.name.partition(',')[0]} {words}" if values.is_list else f"({words})"


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''").replace(":", "\\:")


def _bracketed(text: str) -> str:
    return _quoted(text).replace("[", "\\[").replace("]", "\\]")
