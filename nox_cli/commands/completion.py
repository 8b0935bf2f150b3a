"""`nox completion SHELL`: a script that completes nox's words without starting nox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nox_cli.completion.words import CommandWords


class Shell(StrEnum):
    """A shell nox can be completed in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@dataclass(frozen=True, slots=True)
class Script:
    """What a shell's script is made from."""

    shell: Shell
    words: CommandWords


def run(shell: Shell) -> Script:
    """Collect every word of every command."""
    from nox_cli.completion.words import all_words

    return Script(shell, all_words())


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="Name of the shell: bash, zsh or fish.")],
) -> Script:
    """Print the completion script of a shell."""
    return run(shell)
