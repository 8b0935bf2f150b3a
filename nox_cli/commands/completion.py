"""`nox completion SHELL` prints a script that completes command lines without starting nox."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from nox_cli.completion.words import CommandWords


class Shell(StrEnum):
    """A shell for which there is a completion script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


class Script(NamedTuple):
    """The words from which the script of a shell is made."""

    shell: Shell
    words: CommandWords


def run(shell: Shell) -> Script:
    """Collect the words of all commands."""
    from nox_cli.completion.words import all_words

    return Script(shell, all_words())


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="Name of the shell: bash, zsh or fish.")],
) -> Script:
    """Print the completion script of a shell."""
    return run(shell)
