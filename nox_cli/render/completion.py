"""Completion scripts: every static word is in them, so that a TAB starts no nox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.commands.completion import Shell
from nox_cli.completion import bash, fish, zsh

if TYPE_CHECKING:
    from nox_cli.commands.completion import Script
    from nox_cli.render.terminal.out import Out

_WRITERS = {Shell.BASH: bash.script, Shell.ZSH: zsh.script, Shell.FISH: fish.script}


def text(result: Script, out: Out) -> None:
    """Write the script."""
    out.write(_WRITERS[result.shell](result.words))
