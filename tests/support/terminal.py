"""A real nox process on a terminal of its own: a pseudo-terminal whose size and signals tests control."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from typing import TYPE_CHECKING, Self

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping
    from types import TracebackType

    from tests.support.nox import Nox

LIMIT_S = 20.0
_ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
# What stands before every drawing but the first.
ERASED = "\x1b[2K"


class Terminal:
    """One nox command on a terminal; all that it writes, stderr too, is kept in `text`."""

    def __init__(
        self,
        nox: Nox,
        *args: str,
        columns: int = 80,
        lines: int = 24,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns, lines)
        self.process = nox.popen(
            *args,
            env={"TERM": "xterm", "COLUMNS": None, "LINES": None, **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._read = bytearray()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the command and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(LIMIT_S)
        os.close(self._master)

    @property
    def text(self) -> str:
        """What the command has written so far."""
        return bytes(self._read).decode(errors="replace")

    @property
    def plain(self) -> str:
        """The same without control sequences."""
        return _plain(self.text)

    @property
    def drawing(self) -> list[str]:
        """The lines of the newest drawing."""
        return self.drawings[-1].splitlines()

    @property
    def drawings(self) -> list[str]:
        """Every drawing, oldest first."""
        return [_plain(drawn) for drawn in self.text.split(ERASED)]

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, which its foreground process is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def write(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until the command has written `text`, control sequences in between or not."""
        wait_until(
            lambda: text in self.text or text in self.plain, LIMIT_S, lambda: f"{text!r} in:\n{self.text}"
        )

    def has(self, text: str) -> str:
        """Give `text` back if it was written, else all that was."""
        return text if text in self.text else self.text

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the command to end by itself; return its exit code."""
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def _listen(self) -> None:
        while True:
            try:
                part = os.read(self._master, 65_536)
            except OSError:  # the other side is closed
                return
            if not part:
                return
            self._read += part


def _plain(text: str) -> str:
    return _ESCAPES.sub("", text).replace("\r", "")
