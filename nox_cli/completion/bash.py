"""The completion script for bash: a table of words, and a function that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.completion.words import Kind, aliases_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.completion.words import CommandWords, Option, Values

_HEAD = """\
# nox: completion for bash, as `nox completion bash` prints it.
# eval "$(nox completion bash)" in ~/.bashrc, or this file as ~/.local/share/bash-completion/completions/nox

# Say what may stand after the words that are there: words, FILES, FOLDERS, ANYTHING, or ASK: for nox.
_nox_words() {
    case $1 in
"""

_TAIL = """\
    esac
}

# Offer those of the words that fit what is typed; FILES and FOLDERS are left to bash, ASK: to nox.
_nox_offer() {
    local typed=$1 kept='' word
    shift
    if [[ " $* " == *' LIST '* && $typed == *,* ]]; then
        kept=${typed%,*},
        typed=${typed##*,}
    fi
    for word; do
        case $word in
            FILES) compopt -o default 2>/dev/null ;;
            FOLDERS) compopt -o dirnames 2>/dev/null ;;
            ASK:*) _nox_ask "${word#ASK:}" "$typed" ;;
            ANYTHING | OPTIONAL | LIST) ;;
            -*) [[ $typed == -* && $word == "$typed"* ]] && COMPREPLY+=("$kept$word") ;;
            "$typed") [[ $word == *[:.] ]] || COMPREPLY+=("$kept$word") ;;
            "$typed"*) COMPREPLY+=("$kept$word") ;;
        esac
    done
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:.] ]] && compopt -o nospace 2>/dev/null
}

# Offer what nox finds in its store; in a list of several, each with its description.
_nox_ask() {
    local word shown
    [[ $2 == -* || ($2 == @* && $2 != *:*) ]] && return
    type -P nox >/dev/null || return
    while IFS=$'\t' read -r word shown; do
        ((COMP_TYPE == 63)) && word=${shown:-$word}
        COMPREPLY+=("$word")
    done < <(command nox __complete bash "$1" "$line" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
    compopt -o nosort 2>/dev/null
}

_nox() {
    local line=${COMP_LINE:0:COMP_POINT} path=nox option='' later='' found i
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    local last=$((${#words[@]} - 1))
    local typed=${words[last]}
    COMPREPLY=()
    for ((i = 1; i < last; i++)); do
        if [[ -n $option ]]; then
            found=" $(_nox_words "$path $option") "
            option=''
            [[ $found != *' OPTIONAL '* || $found == *" ${words[i]} "* ]] && continue
        fi
        case "$path ${words[i]}" in
ALIASES
        esac
        if [[ ${words[i]} == -- || -z $(_nox_words "$path ${words[i]}") ]]; then
            [[ ${words[i]} == -* || -z $(_nox_words "$path ...") ]] || later=' ...'
            continue
        fi
        case ${words[i]} in
            -*) option=${words[i]} ;;
            *) path+=" ${words[i]}" ;;
        esac
    done
    if [[ -z $option && $typed == --*=* ]]; then
        option=${typed%%=*}
        typed=${typed#*=}
        found=$(_nox_words "$path $option")
    elif [[ -n $option ]]; then
        found=$(_nox_words "$path $option")
        [[ " $found " == *' OPTIONAL '* ]] && found+=" $(_nox_words "$path")"
    else
        found=$(_nox_words "$path$later")
    fi
    _nox_offer "$typed" $found
}

complete -F _nox nox
"""


def script(root: CommandWords) -> str:
    """Write the whole script."""
    cases = (f'        {keys}) echo "{words}" ;;\n' for keys, words in _cases(root, root.name))
    aliases = "\n".join(
        f'            "nox {alias}") words[i]={command.name} ;;'
        for command in root.below
        for alias in aliases_of(command.name)
    )
    return _HEAD + "".join(cases) + _TAIL.replace("ALIASES", aliases)


def _cases(command: CommandWords, path: str) -> Iterator[tuple[str, str]]:
    names = [name for option in command.options for name in option.names]
    yield f'"{path}"', " ".join([*(below.name for below in command.below), *_words(command.values), *names])
    if command.later is not None:
        yield f'"{path} ..."', " ".join([*_words(command.later), *names])
    for option in command.options:
        if option.values.kind is not Kind.NONE:
            yield " | ".join(f'"{path} {name}"' for name in option.names), _of(option)
    for below in command.below:
        yield from _cases(below, f"{path} {below.name}")


def _of(option: Option) -> str:
    return " ".join([*_words(option.values), *(["OPTIONAL"] if option.value_is_optional else [])])


def _words(values: Values) -> tuple[str, ...]:
    return {
        Kind.NONE: (),
        Kind.WORDS: (
            *values.words,
            *([f"ASK:{values.asked}"] if values.asked else []),
            *(["LIST"] if values.is_list else []),
        ),
        Kind.FILE: ("FILES",),
        Kind.FOLDER: ("FOLDERS",),
        Kind.TEXT: ("ANYTHING",),
    }[values.kind]
