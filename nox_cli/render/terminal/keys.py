"""Keys that a person presses while a part of the terminal is drawn: read without echo or line editing.

A thread reads them and raises SIGWINCH in the main thread, whose handler takes them: whatever the main thread
waits for, a store perhaps, it need not look for keys.
"""

from __future__ import annotations

import os
import re
import select
import signal
import termios
import time
import tty
from collections import deque
from contextlib import suppress
from threading import Lock, Thread, main_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

# What terminals send between these two was pasted.
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
PASTES_ARE_MARKED, PASTES_ARE_KEYS = "\x1b[?2004h", "\x1b[?2004l"
_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[200~.*?\x1b\[201~"
    r"|\[M..."  # the mouse, in the oldest of its forms
    r"|\[(?!200~|M)[0-?]*[ -/]*[@-~]"  # arrows, functions, the mouse
    r"|O."  # arrows and the keypad of some terminals
    r"|[\]PX^_].*?(?:\x07|\x1b\\)"  # answers of the terminal
    r"|[^\[\]OPX^_])",  # a letter with Alt
    re.DOTALL,
)
# A terminal sends a sequence in one piece; after this time the Escape was a key, and what follows is another.
_ESCAPE_S = 0.05
# How often a job in the background looks whether it is in the foreground.
_FOREGROUND_EVERY_S = 1.0
# How often what was typed for another program is looked at, until that has taken the terminal.
_LEFT_EVERY_S = 0.05
_AT_ONCE = 4_096


class Decoder:
    """Finds the characters that were typed; sequences of special keys and pasted text are left out."""

    def __init__(self) -> None:
        self._begun = ""  # a sequence that is not complete
        self._at_s = 0.0

    def decode(self, sent: bytes, now_s: float) -> str:
        """Return the characters that were typed.

        Args:
            sent: the next bytes.
            now_s: the time when they came, by any clock.
        """
        is_late = now_s - self._at_s > _ESCAPE_S and not self._begun.startswith(_PASTE)
        text = ("" if is_late else self._begun) + sent.decode("latin-1")
        typed, escape, begun = _SEQUENCE.sub("", text).partition("\x1b")
        self._begun, self._at_s = escape + begun, now_s
        if self._begun.startswith(_PASTE):
            self._begun = _PASTE + begun[len(_PASTE) - 1 :][1 - len(_PASTED) :]
        return typed


class Keys:
    """The keyboard of a view; without a terminal, or in the background, no key is ever pressed."""

    def __init__(self, stream: TextIO) -> None:
        self._descriptor = stream.fileno() if stream.isatty() else -1
        self._modes: list[Any] | None = None  # those of the terminal before; None: they are as they were
        self._reading = Lock()  # held while keys are read, and while the modes change
        self._pressed: deque[str] = deque()
        self._stop = os.pipe()
        self._thread = Thread(target=self._listen, daemon=True)
        if self._descriptor >= 0:
            self._thread.start()

    @property
    def are_read(self) -> bool:
        """Whether keys have an effect now."""
        return self._modes is not None

    @property
    def are_free(self) -> bool:
        """Whether this process has come to the foreground, and keys are not read yet."""
        return self._modes is None and self._is_in_front()

    def take(self) -> Iterator[str]:
        """Return the keys that were pressed since, oldest first."""
        with suppress(IndexError):
            while True:
                yield self._pressed.popleft()

    def grab(self) -> None:
        """Turn echo and line editing off, where this process is in the foreground."""
        if self._is_in_front():
            with self._reading, suppress(termios.error):
                self._modes = self._modes or termios.tcgetattr(self._descriptor)
                tty.setcbreak(self._descriptor, termios.TCSANOW)

    def free(self) -> None:
        """Restore the modes of the terminal, unless a shell has taken it and set its own."""
        with self._reading:
            if self._modes is not None and self._foreground() in {os.getpgrp(), None}:
                with suppress(termios.error):
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, self._modes)
            self._modes = None

    def close(self) -> None:
        """Read no more."""
        os.close(self._stop[1])
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._stop[0])

    def _is_in_front(self) -> bool:
        return self._foreground() == os.getpgrp()

    def _foreground(self) -> int | None:
        """Return the process group in the foreground; None: another session has the terminal, or none."""
        with suppress(OSError):
            return os.tcgetpgrp(self._descriptor)
        return None

    def _listen(self) -> None:
        """Read keys until `close`; all signals are blocked in this thread, so that reading stops nothing."""
        stop = self._stop[0]
        decoder, was_in_front, is_left = Decoder(), True, False
        while True:
            is_in_front = self._is_in_front()
            if is_in_front and not was_in_front:
                self._wake()
            was_in_front = is_in_front
            watched, limit_s = [stop, self._descriptor], None
            if is_left or not is_in_front:
                watched, limit_s = [stop], _LEFT_EVERY_S if is_in_front else _FOREGROUND_EVERY_S
            ready, _, _ = select.select(watched, [], [], limit_s)  # poll of macOS knows no terminals
            if stop in ready:
                return
            is_left = False
            if not ready or not self._is_in_front():
                continue
            sent = self._read()
            is_left = sent is None
            if sent:
                self._pressed += decoder.decode(sent, time.monotonic())
                self._wake()
            elif sent is not None and self._is_in_front():
                return

    def _read(self) -> bytes | None:
        """Read what was typed; None: nothing, or it is for another program: the modes are those of before."""
        with self._reading:
            if self._modes is None or not select.select([self._descriptor], [], [], 0)[0]:
                return None
            try:
                return os.read(self._descriptor, _AT_ONCE)
            except OSError:  # in the background since, or without a terminal
                return b""

    def _wake(self) -> None:
        signal.pthread_kill(main_thread().ident or 0, signal.SIGWINCH)
