"""Ctrl-C while nox is still being loaded ends it as quietly as later on."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.nox import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nox import Nox

INSTANTS = 6


def under_strace(nox: Nox, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask nox for its version under strace."""
    return subprocess.run(
        ["strace", "-qq", *options, *COMMAND, "version"],
        env=nox.environ, cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_ctrl_c_while_nox_is_loaded(nox: Nox, tmp_path: Path) -> None:
    """
    At whichever file of nox Ctrl-C comes while it is loaded: one line, exit 130, no traceback.
    """
    trace = tmp_path / "trace"
    under_strace(nox, "-e", "trace=openat", "-o", str(trace))
    opened = trace.read_text(errors="replace").splitlines()
    first = next(
        number
        for number, line in enumerate(opened)
        if "/nox_cli/__pycache__/main." in line or "/nox_cli/main.py" in line
    )
    last = max(number for number, line in enumerate(opened) if "/nox_cli/" in line)
    ends = {
        number: under_strace(nox, "-o", "/dev/null", "-e", f"inject=openat:signal=INT:when={number + 1}")
        for number in range(first, last, max(1, (last - first) // INSTANTS))
    }

    assert len(ends) >= INSTANTS
    for number, ended in ends.items():
        assert 130 == ended.returncode, f"{opened[number]}: {ended}"
        assert "" == ended.stdout
        assert ended.stderr.startswith("interrupted"), f"{opened[number]}: {ended.stderr}"
        assert 1 == len(ended.stderr.splitlines()), f"{opened[number]}: {ended.stderr}"
