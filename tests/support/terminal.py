"""A real nox process on a terminal of its own: a pseudo-terminal whose size and signals tests control."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyte

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping
    from types import TracebackType

    from tests.support.nox import Nox

LIMIT_S = 60.0
_ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
# What begins and ends every drawing.
BEGUN, DRAWN = b"\x1b[?2026h", b"\x1b[?2026l"


class Terminal:
    """One nox command on a terminal; all that it writes, stderr too, is kept in `text`."""

    def __init__(
        self,
        nox: Nox,
        *args: str,
        columns: int = 80,
        lines: int = 24,
        env: Mapping[str, str | None] | None = None,
        stdin: int | None = None,
        script: str = "",
    ) -> None:
        """
        Start nox.

        Args:
            nox: where nox runs.
            args: its command line.
            columns: of the terminal.
            lines: of the terminal.
            env: changes of the environment.
            stdin: a descriptor in place of the terminal.
            script: of a shell with job control, in which `"$@"` is nox.
        """
        self._screen = pyte.Screen(columns, lines)
        self._emulator = pyte.ByteStream(self._screen)
        self._drawings: list[str] = []
        self._drawn = threading.Lock()  # held while the screen changes
        self._master, slave = pty.openpty()
        self._name = os.ttyname(slave)
        self._set_size(columns, lines)
        self.process = nox.popen(
            *args,
            within=("bash", "-mc", script, "bash") if script else (),
            env={"TERM": "xterm", "COLUMNS": None, "LINES": None, **(env or {})},
            stdin=slave if stdin is None else stdin,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
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
        """The lines of the newest drawing, as a person sees them."""
        return self.drawings[-1].splitlines() if self.drawings else []

    @property
    def drawings(self) -> list[str]:
        """Every drawing, oldest first."""
        return [*self._drawings]

    @property
    def lines(self) -> list[str]:
        """What a person sees on the terminal, drawn or not, without the empty lines below it."""
        with self._drawn:
            return _shown(self._screen).split("\n")

    @property
    def _is_drawing(self) -> bool:
        """Whether a drawing has begun whose end has yet to be read."""
        read = bytes(self._read)
        return read.rfind(BEGUN) > read.rfind(DRAWN)

    @property
    def echoes(self) -> bool:
        """Whether the terminal echoes keys and waits for whole lines."""
        modes = termios.tcgetattr(self._master)[3]
        assert bool(modes & termios.ECHO) == bool(modes & termios.ICANON)
        return bool(modes & termios.ECHO)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, which its foreground process is told."""
        with self._drawn:
            self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def show(self, text: str) -> None:
        """Write to the terminal as another process."""
        with Path(self._name).open("w") as other:
            other.write(text)

    def write(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until the command has written `text`, and the drawing with it to its end.

        Control sequences may be in between.
        """
        wait_until(
            lambda: not self._is_drawing and (text in self.text or text in self.plain),
            LIMIT_S,
            lambda: f"{text!r} in:\n{self.text}",
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

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _listen(self) -> None:
        unseen = b""
        while part := self._read_part():
            *drawn, unseen = (unseen + part).split(DRAWN)
            with self._drawn:
                for drawing in drawn:
                    self._emulator.feed(drawing)
                    self._drawings.append(_shown(self._screen, self._screen.cursor.y))
                # A drawing that has begun is seen once it is whole.
                begun = unseen.find(BEGUN)
                kept = next(size for size in range(len(BEGUN), -1, -1) if unseen.endswith(BEGUN[:size]))
                seen = begun if begun >= 0 else len(unseen) - kept
                self._emulator.feed(unseen[:seen])
                unseen = unseen[seen:]
                self._read += part  # now that its drawings can be seen
        with self._drawn:
            self._emulator.feed(unseen)

    def _read_part(self) -> bytes:
        """Read what was written; nothing: the other side is closed."""
        try:
            return os.read(self._master, 65_536)
        except OSError:
            return b""


def _shown(screen: pyte.Screen, first: int = 0) -> str:
    return "\n".join(line.rstrip() for line in screen.display[first:]).rstrip()


def _plain(text: str) -> str:
    return _ESCAPES.sub("", text).replace("\r", "")
