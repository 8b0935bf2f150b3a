"""`nox completion`: scripts on stdout."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from nox_cli.completion.words import all_words

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

SYNTAX = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.mark.parametrize("shell", SYNTAX)
def test_the_shell_can_read_it(nox: Nox, tmp_path: Path, shell: str) -> None:
    """
    Each script is free of syntax errors in its shell.
    """
    script = tmp_path / "script"
    script.write_text(nox("completion", shell, check=True).stdout)

    checked = subprocess.run(
        [*SYNTAX[shell], str(script)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (0, "") == (checked.returncode, checked.stderr)


@pytest.mark.parametrize("shell", SYNTAX)
def test_completion_holds_every_word(nox: Nox, shell: str) -> None:
    """
    Every command and every long option is in each script.
    """
    script = nox("completion", shell, check=True).stdout
    options = {n for one in all_words().below for o in one.options for n in o.names if n.startswith("--")}

    assert [] == [one.name for one in all_words().below if one.name not in script]
    assert [] == [name for name in options if name.removeprefix("--") not in script]


def test_hidden_options_stay_hidden(nox: Nox) -> None:
    """
    What nox tells itself is offered to nobody.
    """
    assert "--lock-fd" not in nox("completion", "bash", check=True).stdout


def test_an_unknown_shell_is_an_error_of_usage(nox: Nox) -> None:
    """
    A shell nox has no script for exits 2 and names the three it has.
    """
    ended = nox("completion", "csh")

    assert 2 == ended.returncode
    assert "'bash', 'zsh', 'fish'" in ended.stderr
