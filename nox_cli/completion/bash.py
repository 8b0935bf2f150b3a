"""The completion script for bash: a table of words, and a function that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.completion.words import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.completion.words import CommandWords, Option, Values

_HEAD = """\
# nox: completion for bash, as `nox completion bash` prints it.
# eval "$(nox completion bash)" in ~/.bashrc, or this file as ~/.local/share/bash-completion/completions/nox

# Say what may stand after the words that are there: words, FILES, FOLDERS or ANYTHING.
_nox_words() {
    case $1 in
"""

_TAIL = """\
    esac
}

# Offer those of the words that fit what is typed; FILES and FOLDERS are left to bash.
_nox_offer() {
    local typed=$1 word
    shift
    for word; do
        case $word in
            FILES) compopt -o default 2>/dev/null ;;
            FOLDERS) compopt -o dirnames 2>/dev/null ;;
            ANYTHING | OPTIONAL) ;;
            -*) [[ $typed == -* && $word == "$typed"* ]] && COMPREPLY+=("$word") ;;
            "$typed"*) COMPREPLY+=("$word") ;;
        esac
    done
}

_nox() {
    local line=${COMP_LINE:0:COMP_POINT} path=nox option='' found i
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
        [[ ${words[i]} == -- || -z $(_nox_words "$path ${words[i]}") ]] && continue
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
        found=$(_nox_words "$path")
    fi
    _nox_offer "$typed" $found
}

complete -F _nox nox
"""


def script(root: CommandWords) -> str:
    """Write the whole script."""
    cases = (f'        {keys}) echo "{words}" ;;\n' for keys, words in _cases(root, root.name))
    return _HEAD + "".join(cases) + _TAIL


def _cases(command: CommandWords, path: str) -> Iterator[tuple[str, str]]:
    names = [name for option in command.options for name in option.names]
    yield f'"{path}"', " ".join([*(below.name for below in command.below), *_words(command.values), *names])
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
        Kind.WORDS: values.words,
        Kind.FILE: ("FILES",),
        Kind.FOLDER: ("FOLDERS",),
        Kind.TEXT: ("ANYTHING",),
    }[values.kind]
