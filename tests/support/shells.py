"""Types into real shells, as a person would, and reads what they show."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

from tests.support.nox import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LIMIT_S = 60.0
# Stands in for nox, and shows the words it was called with: what a TAB wrote for the person.
STAND_IN = "nox() { printf '<%s>' \"$@\"; echo END; }"
_START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "true"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D"),
}
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>()][B0]?|\x1b\][^\x07]*\x07|[\x00-\x09\x0b-\x1f]")


class Shell:
    """An interactive shell on a terminal of its own, 200 columns wide."""

    def __init__(self, argv: Sequence[str], cwd: Path, environ: Mapping[str, str] | None = None) -> None:
        self._terminal, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(cwd),
                "TERM": "xterm",
                "LANG": "C.UTF-8",
                "NOX": " ".join(COMMAND),
                **(environ or {}),
            },
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        self._shown = ""

    @classmethod
    def completing(cls, shell: str, script: str, folder: Path, environ: Mapping[str, str]) -> Shell:
        """Start bash or zsh with a completion script and a stand-in for nox."""
        (folder / ".script").write_text(script)
        argv, first = _START[shell]
        started = cls(argv, folder, environ)
        started.type(f"PS1='> '; {first}; {STAND_IN}; source ./.script; echo REA''DY\n")
        started.read_until("READY")
        return started

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def read_until(self, text: str, again: str = "") -> str:
        """Wait until the terminal has shown `text`; return all it showed since the last time, to there.

        Args:
            text: what is waited for.
            again: keys that are pressed again while nothing is shown.

        Raises:
            AssertionError: it does not within the limit.
        """
        until = time.monotonic() + LIMIT_S
        while text not in (shown := _CONTROLS.sub("", self._shown)):
            left_s = max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._terminal], [], [], min(left_s, 2.0) if again else left_s)
            if not ready and again and left_s:
                self.type(again)
                continue
            assert ready, f"{text!r} was not shown, but: {shown}"
            self._shown += os.read(self._terminal, 65536).decode(errors="replace")
        before, _, after = shown.partition(text)
        self._shown = after
        return before + text

    def writes(self, keys: str, expected: str) -> bool:
        """Whether a line, with its TABs, calls the stand-in with these words."""
        self.type(f"{keys}\n")
        return self.read_until("END").endswith(f"{expected}END")

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait(timeout=LIMIT_S)
        os.close(self._terminal)
