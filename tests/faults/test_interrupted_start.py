"""A signal while nox is still being loaded ends it as quietly as later on."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

INSTANTS = 6
# Begins nox with a signal in a finalizer while a module is looked for, where Python drops what is raised.
DROPPED = """
import signal, sys
from nox_cli.__main__ import main

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "nox_cli.main":
            Deaf()

class Deaf:
    def __del__(self):
        signal.raise_signal(int(sys.argv.pop()))

sys.meta_path.insert(0, Finder())
sys.exit(main())
"""


def under_strace(nox: Nox, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask nox for its version under strace."""
    return subprocess.run(
        ["strace", "-qq", *options, *COMMAND, "version"],
        env=nox.environ, cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [("INT", 130, "interrupted"), ("TERM", 143, "terminated"), ("USR1", 143, "terminated")],
)
def test_a_signal_while_nox_is_loaded(nox: Nox, tmp_path: Path, name: str, code: int, word: str) -> None:
    """
    At whichever file of nox it comes while it is loaded: one line, its exit code, no traceback.
    """
    nox("version", check=True)  # compiles what was changed
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
        number: under_strace(nox, "-o", "/dev/null", "-e", f"inject=openat:signal={name}:when={number + 1}")
        for number in range(first, last, max(1, (last - first) // INSTANTS))
    }

    assert len(ends) >= INSTANTS
    for number, ended in ends.items():
        assert code == ended.returncode, f"{opened[number]}: {ended}"
        assert "" == ended.stdout
        assert ended.stderr.startswith(word), f"{opened[number]}: {ended.stderr}"
        assert 1 == len(ended.stderr.splitlines()), f"{opened[number]}: {ended.stderr}"


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")],
)
def test_a_signal_is_not_dropped_while_nox_is_loaded(
    nox: Nox, number: signal.Signals, code: int, word: str
) -> None:
    """
    It ends nox also where Python would drop an exception, as in callbacks of its import system.
    """
    ended = subprocess.run(
        [sys.executable, "-c", DROPPED, "version", str(int(number))],
        env=nox.environ, cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (code, "", word) == (ended.returncode, ended.stdout, ended.stderr)
