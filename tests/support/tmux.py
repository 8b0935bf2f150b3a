"""A shell in tmux: a terminal that really draws, so that tests see what a person would."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Self

from tests.support.nox import COMMAND
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.support.nox import Nox

LIMIT_S = 60.0


class Tmux:
    """One interactive shell on a terminal of a known size."""

    def __init__(self, nox: Nox, *, columns: int = 80, lines: int = 24) -> None:
        self._call = ("tmux", "-S", str(nox.home.parent / "tmux"), "-f", "/dev/null")
        self._environ = nox.environ | {"TERM": "xterm", "PS1": "$ ", "RUN": shlex.join(COMMAND)}
        self._cwd = nox.cwd
        shell = ("bash", "--norc", "--noprofile")
        self._run("new-session", "-d", "-x", str(columns), "-y", str(lines), *shell)
        self.wait_until(lambda lines: lines == ["$"])

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the shell and all in it."""
        self._run("kill-server")

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the empty lines below it."""
        return self._run("capture-pane", "-p").rstrip().split("\n")

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor shows."""
        return "1" == self._run("display-message", "-p", "#{cursor_flag}").strip()

    @property
    def codes(self) -> set[str]:
        """The codes by which what stands on the screen is painted."""
        return set(
            ",".join(re.findall(r"\x1b\[([\d;]*)m", self._run("capture-pane", "-p", "-e")))
            .replace(";", ",")
            .split(",")
        )

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(lines))

    def nox(self, *args: str) -> None:
        """Type a nox command; the same length wherever Python lies."""
        self.type(f"$RUN {shlex.join(args)}")

    def type(self, text: str) -> None:
        """Type a line."""
        self._run("send-keys", "-l", text)
        self.press("Enter")

    def press(self, key: str) -> None:
        """Press a key, as tmux names it."""
        self._run("send-keys", key)

    def wait_until(self, is_true: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the screen is as it should be; return its lines."""
        seen: list[str] = []

        def is_seen() -> bool:
            seen[:] = self.lines
            return is_true(seen)

        wait_until(is_seen, LIMIT_S, lambda: "the screen:\n" + "\n".join(seen))
        return seen

    def _run(self, *words: str) -> str:
        return subprocess.run(
            [*self._call, *words],
            env=self._environ,
            cwd=self._cwd,
            check=True,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        ).stdout
