"""The commands that the page offers to copy."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.hostile import TEXTS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

SHELLS = (["sh", "-c"], ["bash", "-c"], ["zsh", "-c"])
LINE = "words => import('./page/lib/command.js').then(({line}) => line('nox', ...words))"


@pytest.fixture
def bin_with_nox(tmp_path: Path) -> Path:
    """A directory whose `nox` prints its arguments, each with a NUL behind it."""
    program = tmp_path / "bin" / "nox"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    program.chmod(0o755)
    return program.parent


def test_a_copied_command_has_its_words(page: Page, bin_with_nox: Path, tmp_path: Path) -> None:
    """
    Whatever a name contains, a shell passes it on as it is, and does nothing else.
    """
    copied = page.evaluate(LINE, list(TEXTS))
    folder = tmp_path / "here"
    folder.mkdir()

    assert copied.isprintable()
    for shell in SHELLS:
        environ = {"PATH": f"{bin_with_nox}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        ended = subprocess.run([*shell, copied], env=environ, cwd=folder, capture_output=True, check=True)
        assert list(TEXTS) == ended.stdout.decode().split("\0")[:-1], shell
        assert [] == list(folder.iterdir())
